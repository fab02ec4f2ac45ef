package kafka

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Whoever announces much is given nothing for it.
func TestAnAnnouncementCostsNothing(t *testing.T) {
	tests := map[string]struct {
		sent  []byte
		stays bool // the broker waits for the rest
	}{
		"400 MB":                {announcement(400 << 20), false},
		"4 GB":                  {announcement(1<<32 - 1), false},
		"nothing at all":        {announcement(0), false},
		"as much as is allowed": {announcement(largestFrame), true},
		"an unknown kind":       {append(announcement(8), 0x7f, 0xff, 0, 0, 0, 0, 0, 0), false},
	}
	b := openBroker(t, t.TempDir())
	l := openLog(t, testConfig(t.TempDir(), b.Addr()))
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			const times = 20
			before := allocated()
			for range times {
				conn, err := dialSocket(t.Context(), b.socket)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := conn.Write(test.sent); err != nil {
					t.Fatal(err)
				}
				if test.stays {
					continue
				}
				if err := conn.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
					t.Fatal(err)
				}
				if n, err := conn.Read(make([]byte, 1)); n > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("read %d bytes, %v; want the end of the connection", n, err)
				}
			}
			if err := l.Append(t.Context(), event("a", 1)); err != nil || l.Waiting() > 0 {
				t.Errorf("meanwhile an event is not taken: %v", err)
			}
			if grown := allocated() - before; grown > times<<20 {
				t.Errorf("%d bytes were allocated", grown)
			}
		})
	}
}

func announcement(size uint32) []byte { return binary.BigEndian.AppendUint32(nil, size) }

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// Other users of this machine are kept out by the folder, and by who they are
// where somebody has opened it.
func TestBrokerServesNoStrangers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	dir := t.TempDir()
	b := openBroker(t, dir)
	if err := connectAs(65534, b.socket); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("connecting through the closed folder: %v, want a refusal", err)
	}
	for _, path := range []string{filepath.Dir(dir), dir, brokerConfig(dir).Dir, b.socket} {
		if err := os.Chmod(path, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := connectAs(65534, b.socket); !errors.Is(err, io.EOF) {
		t.Errorf("asking through an opened folder: %v, want the end of the connection", err)
	}
	if err := connectAs(0, b.socket); err != nil {
		t.Errorf("our own user is not served: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	openBroker(t, dir)
	if info, err := os.Stat(brokerConfig(dir).Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("after a start the folder has %v, %v; want it closed", info.Mode(), err)
	}
}

// connectAs asks the broker which requests it knows, as a user.
func connectAs(user int, path string) error {
	answered := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with its user
		if _, _, failed := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(user), uintptr(user), uintptr(user)); failed != 0 {
			answered <- failed
			return
		}
		answered <- askVersions(path)
	}()
	return <-answered
}

func askVersions(path string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	request := append(announcement(10), 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff) // ApiVersions 0, number 1, no client ID
	if _, err := unix.SendmsgN(fd, request, nil, nil, unix.MSG_NOSIGNAL); err != nil && !errors.Is(err, unix.EPIPE) {
		return err
	}
	n, err := unix.Read(fd, make([]byte, 100))
	if n > 0 {
		return nil
	}
	return cmpErr(err, io.EOF)
}

// cmpErr is the end of a connection, whichever way it is told.
func cmpErr(err, end error) error {
	if err == nil || errors.Is(err, unix.ECONNRESET) {
		return end
	}
	return err
}

func TestBrokerInADeepFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	b := openBroker(t, dir)
	l := openLog(t, testConfig(dir, b.Addr()))
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

// What a killed process left does not keep the next one out.
func TestBrokerReplacesAnOldSocket(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(brokerConfig(dir).Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: SocketOf(brokerConfig(dir).Dir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	l := openLog(t, testConfig(dir, openBroker(t, dir).Addr()))
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
}

func TestBrokerBoundsItsConnections(t *testing.T) {
	b := openBroker(t, t.TempDir())
	ended := make(chan error, 1)
	for range mostConnections + 1 {
		conn, err := dialSocket(t.Context(), b.socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() {
			_, err := conn.Read(make([]byte, 1))
			select {
			case ended <- err:
			default:
			}
		}()
	}
	if err := receive(t, ended); !errors.Is(err, io.EOF) {
		t.Errorf("one connection too many ends with %v", err)
	}
}

// The network is told nothing and has no way in.
func TestBrokerListensOnNoPort(t *testing.T) {
	b := openBroker(t, t.TempDir())
	for _, address := range b.cluster.ListenAddrs() {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			conn.Close()
			t.Errorf("%s can be dialled", address)
		}
	}
	if ports := listening(t); len(ports) > 0 {
		t.Errorf("this process listens at %v", ports)
	}
}

// listening is the TCP sockets of this process that listen.
func listening(t *testing.T) (found []string) {
	t.Helper()
	own := map[string]bool{}
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && own[f[9]] {
				found = append(found, f[1])
			}
		}
	}
	return found
}

// Each part of a request has its own time.
func TestRequestsHaveTime(t *testing.T) {
	var waits []time.Duration
	request := append(announcement(10), 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff)
	f := &frames{from: bytes.NewReader(append(bytes.Clone(request), request...)), until: func(at time.Time) error {
		waits = append(waits, time.Until(at).Round(time.Second))
		return nil
	}}
	all, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(all, append(bytes.Clone(request), request...)) {
		t.Errorf("read %x, %v", all, err)
	}
	want := []time.Duration{greetingWait, frameWait, idleWait, frameWait, idleWait}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("deadlines (-want +got):\n%s", diff)
	}
}

// Whatever arrives, only whole requests of kinds that the broker knows are
// handed on, and their bytes are unchanged.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff})
	f.Add(announcement(400 << 20))
	f.Add(append(announcement(8), 0x7f, 0xff, 0, 0, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, sent []byte) {
		frames := &frames{from: bytes.NewReader(sent), until: func(time.Time) error { return nil }}
		got, err := io.ReadAll(frames)
		if !bytes.HasPrefix(sent, got) {
			t.Errorf("%x was made of %x", got, sent)
		}
		for rest := got; len(rest) > 0; {
			size := int(binary.BigEndian.Uint32(rest))
			if size < leastFrame || size > largestFrame || len(rest) < 4+size {
				t.Fatalf("%x was handed on (%v)", rest, err)
			}
			rest = rest[4+size:]
		}
	})
}

// A connection that is gone makes room for another.
func TestConnectionsAreCountedOnce(t *testing.T) {
	b := openBroker(t, t.TempDir())
	for range 3 * mostConnections {
		conn, err := dialSocket(t.Context(), b.socket)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	eventually(t, "all of them are gone", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		l := openLog(t, testConfig(t.TempDir(), b.Addr()))
		return l.createTopic(ctx) == nil
	})
}
