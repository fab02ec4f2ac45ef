package clickhouse

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidewatch/cmd/tidewatch/assets"
)

// The test binary is the engine's child process and the process to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case EngineCommand:
			os.Exit(EngineMain(os.Args[2:]))
		case "hold-engine":
			os.Exit(holdEngine(os.Args[2:]))
		case "deprived":
			os.Exit(deprived(os.Args[2], os.Args[3:]))
		}
	}
	goleak.VerifyTestMain(m)
}

func engineConfig(dir string) (EngineConfig, error) {
	files, err := assets.Default()
	if err != nil {
		return EngineConfig{}, err
	}
	cfg := DefaultEngineConfig()
	cfg.Dir = dir
	cfg.Library, err = files.Library("libchdb.so")
	return cfg, err
}

func testEngineConfig(t testing.TB) EngineConfig {
	t.Helper()
	cfg, err := engineConfig(filepath.Join(t.TempDir(), "engine"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.StopTimeout = time.Minute // the machine may be busy
	return cfg
}

func startEngine(t testing.TB, cfg EngineConfig) *Engine {
	t.Helper()
	e, err := StartEngine(t.Context(), cfg, testLog(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func openConn(t *testing.T, cfg Config) Conn {
	t.Helper()
	conn, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// eventually waits for a condition with a generous deadline.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
