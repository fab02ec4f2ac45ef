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
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/template"
	"time"
)

//go:embed engine/config.xml
var configXML string

//go:embed engine/users.xml
var usersXML string

// child is one process of the engine.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	output *output
	ended  chan struct{}
	err    error // how it ended; valid once ended is closed
}

// launch starts a process. It must be called on the engine's own thread.
func (e *Engine) launch() (*child, error) {
	config, err := e.configure()
	if err != nil {
		return nil, err
	}
	c := &child{output: &output{log: e.log}, ended: make(chan struct{})}
	// No context ends it at once: it is to end in good order.
	c.cmd = exec.CommandContext(context.Background(), "/proc/self/exe", EngineCommand, e.cfg.Library, config, filepath.Join(e.cfg.Dir, "data"))
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	c.cmd.WaitDelay = time.Second
	// The environment may hold passwords that are none of the engine's business.
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH")}
	// A group of its own keeps the terminal's Ctrl-C from it.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine's process: %w", err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// configure writes the engine's configuration and returns its path.
func (e *Engine) configure() (string, error) {
	dir := filepath.Join(e.cfg.Dir, "etc")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("prepare the engine's directory: %w", err)
	}
	_, port, _ := strings.Cut(e.conn.Addresses[0], ":")
	values := map[string]any{
		"Port": port, "MemoryLimit": e.cfg.MemoryLimit, "AnalystMemoryLimit": e.cfg.MemoryLimit / 4,
		"UsersFile": filepath.Join(dir, "users.xml"), "Database": e.conn.Database,
		"OwnerSHA256": sha256Hex(e.conn.Password), "AnalystSHA256": sha256Hex(e.analystPassword),
	}
	config := filepath.Join(dir, "config.xml")
	return config, errors.Join(
		render(config, configXML, values),
		render(filepath.Join(dir, "users.xml"), usersXML, values),
	)
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
	switch {
	case strings.Contains(said, "Another server instance in same directory"):
		return ErrInUse
	case strings.Contains(said, "Address already in use"):
		return ErrPortTaken
	case said == "":
		return fmt.Errorf("%w: %v", ErrEnded, c.cmd.ProcessState)
	}
	return fmt.Errorf("%w: %v: %s", ErrEnded, c.cmd.ProcessState, said)
}

// output takes what the process prints: into the log, the last lines kept.
type output struct {
	log *slog.Logger

	mu    sync.Mutex
	part  []byte
	lines []string
}

const keptLines = 64

// stackFrame matches lines that mean nothing without the library's symbols.
var stackFrame = regexp.MustCompile(`(^|: )\d+\. \S+ @ 0x|Stack trace: |^\s*$`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.part = append(o.part, p...)
	for {
		line, rest, found := bytes.Cut(o.part, []byte("\n"))
		if !found {
			return len(p), nil
		}
		o.part = rest
		o.keep(string(line))
	}
}

func (o *output) keep(line string) {
	if stackFrame.MatchString(line) {
		return
	}
	o.log.Debug("database engine says", "line", line)
	o.lines = append(o.lines, line)
	o.lines = o.lines[max(0, len(o.lines)-keptLines):]
}

// last is the newest line that tells of an error or, without one, the newest.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := append(slices.Clone(o.lines), string(o.part))
	for _, line := range slices.Backward(lines) {
		if strings.Contains(line, "xception: ") {
			return line
		}
	}
	return strings.TrimSpace(strings.Join(lines[max(0, len(lines)-2):], " "))
}
