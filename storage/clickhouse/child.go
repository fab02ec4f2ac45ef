package clickhouse

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/template"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed engine/config.xml
var configXML string

//go:embed engine/users.xml
var usersXML string

// child is one process of the engine.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	door   *door
	output *output
	ended  chan struct{}
	err    error // how it ended; valid once ended is closed
}

// launch starts a process. It must be called on the engine's own thread.
func (e *Engine) launch() (*child, error) {
	p, err := e.configure()
	if err != nil {
		return nil, err
	}
	door, requests, err := newDoor()
	if err != nil {
		return nil, err
	}
	defer requests.Close()
	c := &child{output: &output{log: e.log}, door: door, ended: make(chan struct{})}
	// No context ends it at once: it is to end in good order.
	c.cmd = exec.CommandContext(context.Background(), "/proc/self/exe", append([]string{EngineCommand}, p.args()...)...)
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	c.cmd.ExtraFiles = []*os.File{requests} // as requestsFile
	c.cmd.WaitDelay = time.Second
	// The environment may hold passwords that are none of the engine's business.
	c.cmd.Env = []string{"LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH")}
	c.cmd.SysProcAttr = attributes(p.ownNetwork)
	if err := c.start(); err != nil {
		door.close()
		return nil, err
	}
	return c, nil
}

// attributes are those of a process that dies with its parent and is not
// reached by the terminal's Ctrl-C.
func attributes(ownNetwork bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	switch {
	case !ownNetwork:
	case os.Getuid() == 0:
		attr.Cloneflags = syscall.CLONE_NEWNET
	default: // has the power over a network only as the maker of its users
		attr.Cloneflags = syscall.CLONE_NEWNET | syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
		attr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN}
	}
	return attr
}

// noNamespace is what the kernel answers where no namespace is to be had.
var noNamespace = []error{unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EINVAL, unix.ENOSYS, unix.EUSERS}

func (c *child) start() error {
	// Files that a library left open for every child are none of its business
	// either, and no jail closes them. Kernels without this have no jail.
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC)
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		unmade := func(refusal error) bool { return errors.Is(err, refusal) }
		if c.cmd.SysProcAttr.Cloneflags != 0 && slices.ContainsFunc(noNamespace, unmade) {
			return fmt.Errorf("%w: %w", ErrNoNetwork, err)
		}
		return fmt.Errorf("start the engine's process: %w", err)
	}
	go func() {
		c.err = c.cmd.Wait()
		c.door.close()
		close(c.ended)
	}()
	return nil
}

// ownPort is the engine's port where nobody else has a port.
const ownPort = 9000

// configure writes the engine's configuration and says how to start it.
func (e *Engine) configure() (process, error) {
	p := process{
		library: e.cfg.Library, etc: filepath.Join(e.cfg.Dir, "etc"), data: filepath.Join(e.cfg.Dir, "data"),
		port: ownPort, ownNetwork: !e.reachable, jailed: !e.loose,
	}
	if err := os.MkdirAll(p.etc, 0o700); err != nil {
		return p, fmt.Errorf("prepare the engine's directory: %w", err)
	}
	if !p.ownNetwork {
		var err error
		if p.port, err = freePort(); err != nil {
			return p, err
		}
	}
	users := filepath.Join(p.etc, "users.xml")
	values := map[string]any{
		"Port": p.port, "MemoryLimit": e.cfg.MemoryLimit, "AnalystMemoryLimit": e.cfg.MemoryLimit / 4,
		"AnalystDiskLimit": e.cfg.MemoryLimit,
		"Threads":          runtime.GOMAXPROCS(0), "UsersFile": users, "Database": e.conn.Database,
		"OwnerSHA256": sha256Hex(e.conn.Password), "AnalystSHA256": sha256Hex(e.guard.password),
	}
	return p, errors.Join(
		render(filepath.Join(p.etc, "config.xml"), configXML, values),
		render(users, usersXML, values),
	)
}

// freePort finds a port of loopback that nobody listens on just now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

func sha256Hex(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func render(path, text string, values map[string]any) error {
	var b bytes.Buffer
	if err := template.Must(template.New("").Option("missingkey=error").Parse(text)).Execute(&b, values); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// end asks the process to end, and kills it where it does not within timeout.
func (c *child) end(timeout time.Duration) error {
	c.stdin.Close()
	select {
	case <-c.ended:
		return c.err
	case <-time.After(timeout):
		c.kill()
		return fmt.Errorf("the engine did not end within %v and was killed", timeout)
	}
}

// kill ends the process for certain.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // an error says that it has ended already
	<-c.ended
}

// failure says why the process ended on its own.
func (c *child) failure() error {
	said := c.output.last()
	switch status := c.cmd.ProcessState.ExitCode(); {
	case status == statusNoNetwork:
		return because(ErrNoNetwork, said)
	case status == statusNoJail:
		return because(ErrNoJail, said)
	case strings.Contains(said, "Another server instance in same directory"):
		return ErrInUse
	case strings.Contains(said, "Address already in use"):
		return ErrPortTaken
	case c.err == nil && said != "":
		return fmt.Errorf("%w: %s", ErrEnded, said)
	case said == "":
		return fmt.Errorf("%w: %v", ErrEnded, c.cmd.ProcessState)
	}
	return fmt.Errorf("%w: %v: %s", ErrEnded, c.cmd.ProcessState, said)
}

// because is kind with what the process said of it, which begins with kind.
func because(kind error, said string) error {
	return fmt.Errorf("%w: %s", kind, strings.TrimPrefix(said, kind.Error()+": "))
}
