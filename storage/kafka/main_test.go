package kafka

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidewatch/enforce"
)

// The test binary is also the process to be killed.
func TestMain(m *testing.M) {
	helpers := map[string]func(dir string) error{"append": appendForever, "consume": consumeAndHang, "claim": claimAndHang}
	if len(os.Args) == 3 && helpers[os.Args[1]] != nil {
		if err := helpers[os.Args[1]](os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// startHelper runs this test binary as another process and returns its output.
func startHelper(t *testing.T, job, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	helper := exec.Command(os.Args[0], job, dir)
	helper.Stderr = t.Output()
	stdout, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(helper) })
	return helper, bufio.NewScanner(stdout)
}

// kill is kill -9.
func kill(helper *exec.Cmd) {
	_ = helper.Process.Kill()
	_ = helper.Wait()
}

func openBroker(t *testing.T, dir string) *Broker {
	t.Helper()
	b, err := OpenBroker(brokerConfig(dir), testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func brokerConfig(dir string) BrokerConfig { return BrokerConfig{Dir: filepath.Join(dir, "broker")} }

func testConfig(dir string, brokers ...string) Config {
	cfg := DefaultConfig()
	cfg.Brokers, cfg.SpoolDir, cfg.Partitions = brokers, filepath.Join(dir, "spool"), 2
	return cfg
}

// openLog opens the case log and runs it until the test ends.
func openLog(t *testing.T, cfg Config) *Log {
	t.Helper()
	l, err := NewLog(cfg, testLog(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// background runs a job until the test ends, or the returned stop is called.
func background(t *testing.T, job func(ctx context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := job(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("a job in the background ended: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func event(caseID string, n int) enforce.Event {
	return enforce.Event{
		ID: fmt.Sprintf("%s-%d", caseID, n), Case: caseID, Type: enforce.UploadFailed, Actor: "uploader",
		At:      time.Date(2026, 11, 23, 8, 0, 0, n*1000, time.UTC),
		Failure: &enforce.Failure{Attempt: n, Error: "busy"},
	}
}

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(60 * time.Second):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
