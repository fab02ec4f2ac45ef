package clickhouse

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// The engine used to keep three files of /proc open for each thread that it
// had ever needed at once.
func TestEngineKeepsFewFilesOpen(t *testing.T) {
	t.Parallel()
	const (
		idle = 64 // files; some 30 are the rule
		busy = 16 // connections at once
	)
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	conn := openConn(t, e.Config())
	if err := conn.Exec(t.Context(), "CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n"); err != nil {
		t.Fatal(err)
	}
	pid := enginePID(t, cfg.Dir)
	for round := range 5 {
		if err := askMuch(t, e.Config(), busy); err != nil {
			t.Fatal(err)
		}
		var open []string
		eventually(t, fmt.Sprintf("round %d leaves few files open", round), func() bool {
			open = openFiles(t, pid)
			return len(open) <= idle
		})
		for _, name := range open {
			if strings.Contains(name, "/task/") {
				t.Errorf("round %d: it keeps %s open", round, name)
			}
		}
	}
}

// askMuch has connections insert and ask, all at once, and then go.
func askMuch(t *testing.T, cfg Config, connections int) error {
	var all sync.WaitGroup
	failed := make([]error, connections)
	for i := range connections {
		all.Go(func() {
			conn, err := Open(cfg)
			if err != nil {
				failed[i] = err
				return
			}
			defer conn.Close()
			for range 10 {
				failed[i] = errors.Join(failed[i],
					conn.Exec(t.Context(), "INSERT INTO kept SELECT number FROM numbers(1000)"),
					conn.Exec(t.Context(), "SELECT n % 7 AS k, uniq(n) FROM kept GROUP BY k ORDER BY k SETTINGS max_threads = 8"))
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}
