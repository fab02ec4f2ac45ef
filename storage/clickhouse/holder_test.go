package clickhouse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// holdEngine starts an engine, says so and how it is confined, and waits to be
// killed.
func holdEngine(args []string) int {
	var e *Engine
	cfg, err := engineConfig(args[0])
	if err == nil {
		cfg.AllowUnconfined = len(args) > 1
		e, err = StartEngine(context.Background(), cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("serving")
	fmt.Println(e.Unconfined())
	_, _ = io.Copy(io.Discard, os.Stdin)
	select {}
}

// deprived goes on as another call of this binary on a system that lacks
// something that confines.
func deprived(of string, args []string) int {
	err := errors.New("it is not known how to do without " + of)
	switch of {
	case "networks": // in a user namespace of its own
		err = os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0)
	case "landlock":
		err = forbid(unix.SYS_LANDLOCK_CREATE_RULESET)
	}
	if err == nil {
		err = syscall.Exec("/proc/self/exe", append([]string{os.Args[0]}, args...), os.Environ())
	}
	fmt.Println(err)
	return 1
}

// forbid makes the kernel answer a call, from here on, as one that has none.
func forbid(call uint32) error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}

// nobody is a user who may do what everybody may.
const nobody = 65534

// installation is a folder from which nobody can run this binary and in which
// he may keep an engine.
func installation(t *testing.T) (binary, assets, dir string) {
	t.Helper()
	cfg := testEngineConfig(t)
	root := t.TempDir()
	binary, assets, dir = filepath.Join(root, "binary"), root, filepath.Join(root, "data", "engine")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	lib := filepath.Join(root, "lib")
	if err := errors.Join(os.Chmod(filepath.Dir(root), 0o755), os.Chmod(root, 0o755), os.Mkdir(lib, 0o755), os.Mkdir(filepath.Dir(dir), 0o700),
		os.Chown(filepath.Dir(dir), nobody, nobody),
		linkOrCopy(self, binary), linkOrCopy(cfg.Library, filepath.Join(lib, filepath.Base(cfg.Library)))); err != nil {
		t.Fatal(err)
	}
	return binary, assets, dir
}

func linkOrCopy(from, to string) error {
	if os.Link(from, to) == nil {
		return nil
	}
	return exec.Command("cp", from, to).Run()
}

// held is an engine that another process holds.
type held struct {
	cmd   *exec.Cmd
	said  string // on one line: serving, or why not
	state string // how it is confined
}

func startHolder(t *testing.T, binary, assets string, attr *syscall.SysProcAttr, args ...string) held {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.SysProcAttr, cmd.Stderr = append(os.Environ(), "TIDEWATCH_ASSETS="+assets, "CAMERA_PASSWORD=of-a-camera"), attr, t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	lines := bufio.NewReader(stdout)
	said, _ := lines.ReadString('\n')
	state, _ := lines.ReadString('\n')
	return held{cmd, strings.TrimSpace(said), strings.TrimSpace(state)}
}

func asRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("becomes other users, which root alone may")
	}
}
