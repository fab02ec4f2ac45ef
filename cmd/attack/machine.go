package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// machine is what another user of the machine tries without any door.
func machine(w *world) []attempt {
	return []attempt{
		{name: "machine: read or list anything in the data folder", try: walk},
		{name: "machine: write into the data folder", try: func(_ context.Context, w *world) result {
			return refusedBy(os.WriteFile(filepath.Join(w.Data, "note"), nil, 0o600), "wrote a file")
		}},
		{name: "machine: read the configuration", try: func(_ context.Context, w *world) result {
			_, err := os.ReadFile(w.Config)
			return refusedBy(err, w.Config)
		}},
		{name: "machine: read environment, memory and files of the processes", try: readProcesses},
		{name: "machine: find a password in a command line", try: commandLines},
		{name: "machine: end or stop a process of the system", try: func(_ context.Context, w *world) result {
			for _, pid := range w.PIDs {
				if syscall.Kill(pid, 0) == nil {
					return gotIn("may send signals to process %d", pid)
				}
			}
			return refused("%d processes", len(w.PIDs))
		}},
		{name: "machine: enter a network of the system's own", try: enterNetworks},
		{name: "machine: run a command of the system on its data", try: func(ctx context.Context, w *world) result {
			out, err := commandAs(ctx, w, "log", "keys", "--config="+w.Config)
			return refusedBy(err, out)
		}},
	}
}

// walk looks for what another user may read in the data folder.
func walk(_ context.Context, w *world) result {
	var open []string
	seen := 0
	err := filepath.WalkDir(w.Data, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // that it is closed is what is hoped for
		}
		seen++
		if file, err := os.Open(path); err == nil {
			_ = file.Close()
			open = append(open, path)
		}
		return nil
	})
	if len(open) > 0 {
		return gotIn("%d can be opened, such as %s", len(open), open[0])
	}
	// What lies in a closed folder may be known by its name.
	for _, s := range w.Secrets {
		if _, err := os.ReadFile(s.Path); err == nil {
			return gotIn("read %s", s.Path)
		}
	}
	return refused("saw %d names, %d secrets tried by name, %v", seen, len(w.Secrets), err)
}

func readProcesses(_ context.Context, w *world) result {
	tried := 0
	for _, pid := range w.PIDs {
		for _, name := range []string{"environ", "mem", "maps", "auxv", "fd/0", "fd/1", "cwd", "root", "exe", "syscall", "stack"} {
			tried++
			path := procFile(pid, name)
			if file, err := os.OpenFile(path, os.O_RDONLY, 0); err == nil {
				n, _ := file.Read(make([]byte, 1))
				_ = file.Close()
				if n > 0 {
					return gotIn("opened %s", path)
				}
			}
		}
		if fds, err := os.ReadDir(procFile(pid, "fd")); err == nil {
			return gotIn("listed %d open files of process %d", len(fds), pid)
		}
	}
	return refused("%d files of /proc", tried)
}

func commandLines(_ context.Context, w *world) result {
	for _, pid := range w.PIDs {
		text, err := os.ReadFile(procFile(pid, "cmdline"))
		if secret := w.holds(string(text)); err == nil && secret != "" {
			return gotIn("a piece of %s in the command line of process %d", secret, pid)
		}
		if strings.Contains(string(text), "password") {
			return gotIn("process %d: %s", pid, strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return refused("%d command lines", len(w.PIDs))
}

func enterNetworks(_ context.Context, w *world) result {
	tried := 0
	for _, pid := range w.PIDs {
		file, err := os.Open(procFile(pid, "ns/net"))
		if err != nil {
			tried++
			continue
		}
		_ = file.Close()
		return gotIn("opened the network of process %d", pid)
	}
	return refused("networks of %d processes", tried)
}

// doors are what listens.
func doors(w *world) []attempt {
	var all []attempt
	for i, d := range w.Doors {
		name := fmt.Sprintf("door %d, %s: ", i+1, d.Network)
		if d.Apart {
			name = fmt.Sprintf("door %d, %s in a network of its own: ", i+1, d.Network)
		}
		if d.Network == "tcp" && strings.HasSuffix(w.Pages, d.Address) || strings.HasSuffix(w.Ops, d.Address) {
			continue // they are tried by name
		}
		all = append(all,
			attempt{name: name + "speak to the database without a password", try: func(ctx context.Context, _ *world) result { return databaseAt(ctx, d) }},
			attempt{name: name + "speak to the broker without a password", try: func(ctx context.Context, _ *world) result { return brokerAt(ctx, d) }},
			attempt{name: name + "ask for a page", try: func(ctx context.Context, _ *world) result { return pageAt(ctx, d) }},
		)
	}
	return all
}

// commandAs runs the system's program as the one who tries.
func commandAs(ctx context.Context, w *world, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, filepath.Join(filepath.Dir(w.Config), "bin", "tidewatch"), args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return string(out), err
}
