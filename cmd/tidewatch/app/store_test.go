package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
	"tidewatch/storage/clickhouse"
)

// The test binary is the database engine's child process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == clickhouse.EngineCommand {
		os.Exit(clickhouse.EngineMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// A lost database is built anew from the log.
func TestLostDatabaseComesBack(t *testing.T) {
	data := t.TempDir()
	run := func(t *testing.T, appended []enforce.Event, want int) {
		a := openStores(t, data)
		if err := a.store.log.Append(t.Context(), appended...); err != nil {
			t.Fatal(err)
		}
		stop := background(t, a.store.run)
		cases := 0
		eventually(t, fmt.Sprintf("%d cases are there", want), func() bool {
			counts, err := a.store.cases.Counts(t.Context())
			cases = counts[enforce.StateSuspected]
			return err == nil && cases >= want
		})
		eventually(t, "the database is whole", func() bool { return a.wholeDatabase(t.Context()) == nil })
		stop()
		if cases != want {
			t.Errorf("%d cases, want %d", cases, want)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	run(t, []enforce.Event{suspicion("a"), suspicion("b")}, 2)
	run(t, []enforce.Event{suspicion("c")}, 3)
	database := filepath.Join(data, "clickhouse")
	for name, damage := range map[string]func(path string) error{
		"all of it is removed": func(path string) error { return os.RemoveAll(database) },
		"a part is removed":    func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"a byte is altered":    flipMiddle,
		"a table's definition is rubbish": func(string) error {
			found, err := filepath.Glob(filepath.Join(database, "data", "metadata", "*", "case*.sql"))
			return errors.Join(err, os.WriteFile(append(found, "no definition")[0], []byte("rubbish"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(someColumn(t, database)); err != nil {
				t.Fatal(err)
			}
			run(t, nil, 3)
		})
	}
}

// someColumn is the file of a part's data.
func someColumn(t *testing.T, dir string) (found string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "data", "store"), func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, "/data.bin") || strings.HasSuffix(path, "/payload.bin") {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no part: %v", err)
	}
	return found
}

func flipMiddle(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text[len(text)/2] ^= 1
	return os.WriteFile(path, text, 0o600)
}

func TestReadiness(t *testing.T) {
	a := openStores(t, t.TempDir(), closedPort(t))
	if err := a.ready(t); err != nil {
		t.Errorf("with nothing to keep it says %v", err)
	}
	if err := a.store.log.Append(t.Context(), suspicion("a"), suspicion("b")); err != nil {
		t.Fatal(err)
	}
	if err := a.ready(t); err == nil || err.Error() != "case_log: kafka cannot be reached: 2 events wait" {
		t.Errorf("with events in the spool it says %v", err)
	}
	if err := a.store.engine.Close(); err != nil {
		t.Fatal(err)
	}
	want := "database: " + a.store.engine.Health().Error()
	if err := a.ready(t); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("without a database it says %v, want %s", err, want)
	}
}

// ready is what readiness says.
func (a *App) ready(t *testing.T) error {
	t.Helper()
	return unready(a.system.look(t.Context()))
}

// openStores opens the parts of an app that keep cases.
func openStores(t *testing.T, data string, brokers ...string) *App {
	t.Helper()
	a := newStores(t, data, brokers...)
	if err := a.openStore(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// newStores is an app whose parts are not opened yet.
func newStores(t *testing.T, data string, brokers ...string) *App {
	t.Helper()
	files, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	a := &App{
		cfg:      &config.Config{Data: data, Assets: files, Kafka: config.Kafka{Brokers: brokers, Topic: "cases"}},
		log:      slog.New(slog.NewTextHandler(t.Output(), nil)),
		registry: prometheus.NewRegistry(),
	}
	signed, err := sim.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	a.seal.authors = signed.Authors
	a.system = newConditions(a.log, a.registry)
	a.panics = newPanics(a.registry)
	t.Cleanup(func() { _ = a.Close() })
	return a
}

func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
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

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func suspicion(id string) enforce.Event {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	return enforce.Event{
		ID: id + "-suspected", Case: id, Type: enforce.Suspected, At: at, Actor: "camera/c1",
		Violation: &enforce.Violation{ID: id, Policy: "p1", StopID: "stop", StopStart: at, Since: at},
	}
}
