package e2e

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take on a slow, busy machine.
const patience = 3 * time.Minute

// process is a running program whose output is kept.
type process struct {
	*exec.Cmd
	t    *testing.T
	out  output
	done chan struct{} // closed once it has ended
	err  error         // how it ended
}

// start runs one of our programs until the test ends at the latest.
func start(t *testing.T, env []string, name string, args ...string) *process {
	t.Helper()
	return startOther(t, env, program(name), args...)
}

// startOther runs a program of others, by its path.
func startOther(t *testing.T, env []string, path string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(path, args...), t: t, done: make(chan struct{})}
	p.Env = append(os.Environ(), env...)
	p.Stdout, p.Stderr = &p.out, &p.out
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.Start(); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	go func() {
		p.err = p.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.stop(syscall.SIGKILL)
		if t.Failed() {
			t.Logf("%s said:\n%s", path, p.out.String())
		}
	})
	return p
}

// stop sends a signal and waits for the end.
func (p *process) stop(signal syscall.Signal) {
	p.t.Helper()
	_ = p.Process.Signal(signal) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s does not end at %s; it said:\n%s", p.Path, signal, p.out.String())
	}
}

// says waits until the output matches and returns the first group.
func (p *process) says(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	eventually(p.t, "output that matches "+pattern, func() bool {
		found = re.FindStringSubmatch(p.out.String())
		if found == nil && p.ended() {
			p.t.Fatalf("%s ended (%v) without saying %q; it said:\n%s", p.Path, p.err, pattern, p.out.String())
		}
		return found != nil
	})
	return found[len(found)-1]
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
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

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("waited %s for %s", patience, what)
}

// sample is the sum of a metric's samples whose labels contain a text.
func sample(metrics io.Reader, name, labels string) (sum float64) {
	lines := bufio.NewScanner(metrics)
	for lines.Scan() {
		series, value, ok := strings.Cut(lines.Text(), " ")
		metric, given, _ := strings.Cut(series, "{")
		if ok && metric == name && strings.Contains(given, labels) {
			sum += number(value)
		}
	}
	return sum
}
