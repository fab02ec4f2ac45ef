package clickhouse

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestEngineKeepsWhatWasStored(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	conn := openConn(t, e.Config())
	for _, statement := range []string{
		"CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO kept SELECT number FROM system.numbers LIMIT 1000",
	} {
		if err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var async string
	if err := conn.QueryRow(t.Context(), "SELECT getSetting('async_insert')::String").Scan(&async); err != nil || async != "false" {
		t.Errorf("async_insert is %q, %v; want it off", async, err)
	}
	var names []struct {
		Name string `ch:"name"`
	}
	if err := conn.Select(t.Context(), &names, "SELECT name FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'"); err != nil || len(names) > 0 {
		t.Errorf("log tables %v, %v; want none", names, err)
	}
	conn.Close()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}

	again := startEngine(t, cfg)
	conn = openConn(t, again.Config())
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM kept").Scan(&n); err != nil || n != 1000 {
		t.Errorf("after a restart: %d rows, %v; want 1000", n, err)
	}
	conn.Close()
	again.Close()
}

func TestEngineClosesOverRunningQueries(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	conn := openConn(t, e.Config())
	analyst := analystOf(t, e)
	ended := make(chan error)
	for _, c := range []Conn{conn, analyst} {
		go func() { ended <- c.Exec(t.Context(), "SELECT sum(number) FROM numbers(1000000000000000)") }()
	}
	eventually(t, "the queries run", func() bool {
		var n uint64
		err := conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sum%'").Scan(&n)
		return err == nil && n == 2
	})
	if err := e.Close(); err != nil {
		t.Errorf("it did not close in good order: %v", err)
	}
	for range 2 {
		if err := <-ended; refusal(err) != queryWasCancelled {
			t.Errorf("an endless query ended with %v, want it cancelled", err)
		}
	}
	if e.Health() == nil {
		t.Error("a closed engine says that it serves")
	}
	if _, err := os.Stat(e.dsnFile()); err == nil {
		t.Error("the dsn file is still there")
	}
	conn.Close()
	analyst.Close()
}

func TestEngineRefusesASecondOne(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	startEngine(t, cfg)
	_, err := StartEngine(t.Context(), cfg, testLog(t), prometheus.NewRegistry())
	if !errors.Is(err, ErrInUse) {
		t.Errorf("error %v, want %v", err, ErrInUse)
	}
}

func TestEngineErrors(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		with func(*EngineConfig)
		want string
	}{
		{"port taken", func(c *EngineConfig) { c.Port = taken.Addr().(*net.TCPAddr).Port }, "port is in use by another process"},
		{"no library", func(c *EngineConfig) { c.Library = "/nowhere/libchdb.so" }, "load /nowhere/libchdb.so"},
		{"no directory", func(c *EngineConfig) { c.Dir = filepath.Join(file, "engine") }, "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := testEngineConfig(t)
			test.with(&cfg)
			_, err := StartEngine(t.Context(), cfg, testLog(t), prometheus.NewRegistry())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestEngineComesBack(t *testing.T) {
	t.Parallel()
	signal := func(s syscall.Signal) func(*testing.T, *Engine, int) {
		return func(t *testing.T, _ *Engine, pid int) {
			if err := syscall.Kill(pid, s); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name string
		end  func(t *testing.T, e *Engine, pid int)
	}{
		{"killed", signal(syscall.SIGKILL)},
		{"stopped", signal(syscall.SIGSTOP)},
		{"brought down by a wrong password from within", func(t *testing.T, e *Engine, _ int) {
			cfg := e.Config()
			cfg.Password = "wrong"
			if err := openConn(t, cfg).Ping(t.Context()); err == nil {
				t.Fatal("a wrong password was taken")
			}
		}},
		{"told to listen no more", func(t *testing.T, e *Engine, _ int) {
			cfg := e.Config()
			cfg.User, cfg.Password, cfg.Database = "default", "", "default"
			if err := openConn(t, cfg).Exec(t.Context(), "SYSTEM STOP LISTEN TCP"); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := testEngineConfig(t)
			cfg.Patience = 5 * time.Second
			e := startEngine(t, cfg)
			conn, analyst := openConn(t, e.Config()), openConn(t, e.analyst())
			pid := enginePID(t, cfg.Dir)
			test.end(t, e, pid)
			eventually(t, "another engine serves", func() bool {
				return e.Health() == nil && conn.Ping(t.Context()) == nil && analyst.Ping(t.Context()) == nil && enginePID(t, cfg.Dir) != pid
			})
			if n := testutil.ToFloat64(e.metrics.restarts); n == 0 {
				t.Error("no restart was counted")
			}
		})
	}
}

// A service's supervisor sends its signal to every process at once.
func TestEngineOutlivesSignals(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	conn := openConn(t, e.Config())
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		if err := syscall.Kill(enginePID(t, cfg.Dir), signal); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // what a signal ends, it ends soon
		if err := conn.Exec(t.Context(), "SELECT sleep(0.01)"); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := e.Close(); err != nil || testutil.ToFloat64(e.metrics.restarts) != 0 {
		t.Errorf("%v, restarts: %v", err, testutil.ToFloat64(e.metrics.restarts))
	}
}

func TestEngineDiesWithItsParent(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	parent := exec.Command(os.Args[0], "hold-engine", cfg.Dir)
	parent.Stderr = t.Output()
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); err != nil || line != "serving\n" {
		t.Fatalf("parent said %q, %v", line, err)
	}
	pid := enginePID(t, cfg.Dir)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	eventually(t, "the engine has died", func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
	startEngine(t, cfg) // and its directory is free
}

// enginePID reads the status file that the engine locks.
func enginePID(t *testing.T, dir string) int {
	t.Helper()
	status, err := os.ReadFile(filepath.Join(dir, "data", "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PID: "); ok {
			pid, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no PID in status file: %s", status)
	return 0
}
