package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// door is a socket on which the system listens.
type door struct {
	Network string // tcp, or unix
	Address string // of an abstract socket it begins with @
	PID     int
	Apart   bool // in a network of its own
}

func (d door) String() string { return d.Network + " " + d.Address }

func procFile(pid int, name string) string { return fmt.Sprintf("/proc/%d/%s", pid, name) }

// family is a process and all that it started, as /proc has them.
func family(root int) []int {
	parents := map[int]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		var pid, parent int
		head, rest, _ := strings.Cut(string(text), " (")
		pid, _ = strconv.Atoi(head)
		if i := strings.LastIndex(rest, ") "); i >= 0 {
			fields := strings.Fields(rest[i+2:])
			parent, _ = strconv.Atoi(fields[1])
		}
		parents[pid] = parent
	}
	pids := []int{root}
	for i := 0; i < len(pids); i++ {
		for pid, parent := range parents {
			if parent == pids[i] && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// listening are the doors of some processes.
func listening(pids []int) []door {
	ours, _ := os.Readlink("/proc/self/ns/net")
	var found []door
	for _, pid := range pids {
		sockets := socketsOf(pid)
		theirs, _ := os.Readlink(procFile(pid, "ns/net"))
		for _, d := range append(tcpDoors(pid, sockets), unixDoors(pid, sockets)...) {
			d.PID, d.Apart = pid, theirs != ours && !strings.HasPrefix(d.Address, "/")
			if !slices.ContainsFunc(found, func(f door) bool { return f.String() == d.String() && f.Apart == d.Apart }) {
				found = append(found, d)
			}
		}
	}
	return found
}

// socketsOf are the inodes of a process' sockets.
func socketsOf(pid int) map[string]bool {
	sockets := map[string]bool{}
	fds, _ := filepath.Glob(procFile(pid, "fd/*"))
	for _, fd := range fds {
		target, _ := os.Readlink(fd)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			sockets[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return sockets
}

func tcpDoors(pid int, sockets map[string]bool) (found []door) {
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		for fields := range lines(procFile(pid, name)) {
			if len(fields) > 9 && fields[3] == "0A" && sockets[fields[9]] {
				found = append(found, door{Network: "tcp", Address: tcpAddress(fields[1])})
			}
		}
	}
	return found
}

func unixDoors(pid int, sockets map[string]bool) (found []door) {
	for fields := range lines(procFile(pid, "net/unix")) {
		if len(fields) > 7 && fields[3] == "00010000" && sockets[fields[6]] {
			found = append(found, door{Network: "unix", Address: fields[7]})
		}
	}
	return found
}

// lines are the fields of each line of a file.
func lines(path string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		file, err := os.Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		for scan := bufio.NewScanner(file); scan.Scan(); {
			if !yield(strings.Fields(scan.Text())) {
				return
			}
		}
	}
}

// tcpAddress reads an address as /proc writes it.
func tcpAddress(text string) string {
	host, port, _ := strings.Cut(text, ":")
	number, _ := strconv.ParseUint(port, 16, 16)
	raw, _ := hex.DecodeString(host)
	for i := 0; i+4 <= len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	ip := net.IP(raw)
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return net.JoinHostPort(ip.String(), strconv.FormatUint(number, 10))
}
