package trialrig

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long anything may take on a slow, busy machine.
const patience = 3 * time.Minute

// Process is a running program whose output is kept.
type Process struct {
	*exec.Cmd
	out  output
	done chan struct{} // closed once it has ended
	err  error         // how it ended
}

// start runs a program as a user. It dies with this process.
func start(user uint32, env []string, program string, args ...string) (*Process, error) {
	p := &Process{Cmd: exec.CommandContext(context.Background(), program, args...), done: make(chan struct{})}
	p.Env = append(environment(), env...)
	p.Stdout, p.Stderr = &p.out, &p.out
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if int(user) != os.Geteuid() {
		p.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
	}
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		p.err = p.Wait()
		close(p.done)
	}()
	return p, nil
}

// environment is ours without what belongs to a user.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH"), "TMPDIR=" + os.TempDir()}
}

// Stop asks a process to end and kills it where it does not. It returns how
// long that took.
func (p *Process) Stop(signal syscall.Signal) time.Duration {
	asked := time.Now()
	_ = p.Process.Signal(signal) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.Process.Kill()
		<-p.done
	}
	return time.Since(asked)
}

// Ended says whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Output is what the process has written so far.
func (p *Process) Output() string { return p.out.String() }

// says waits until the output matches and returns the last group.
func (p *Process) says(ctx context.Context, pattern string) (string, error) {
	re := regexp.MustCompile(pattern)
	var found []string
	err := Until(ctx, "output that matches "+pattern, func() bool {
		found = re.FindStringSubmatch(p.Output())
		return found != nil || p.Ended()
	})
	if err == nil && found == nil {
		err = fmt.Errorf("ended (%w)", p.err)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w; it said:\n%s", p.Path, err, tail(p.Output()))
	}
	return found[len(found)-1], nil
}

// tail is the last part of a long text.
func tail(text string) string {
	const enough = 4000
	return strings.TrimSpace(text[max(0, len(text)-enough):])
}

// output is what a process has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// errWaited says that something did not come.
var errWaited = errors.New("waited in vain")

// Until waits for a condition.
func Until(ctx context.Context, what string, condition func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if condition() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%w for %s", errWaited, what)
}
