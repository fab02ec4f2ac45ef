package clickhouse

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
)

// TestWhole takes parts of a database away, and alters a byte of a part on the
// disk: all of it is found, and what is emptied is made anew.
func TestWhole(t *testing.T) {
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	conn := openConn(t, e.Config())
	if err := Migrate(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if _, err := DatabaseID(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	batch := []enforce.Checked{message(suspicion("a", at), 0), message(suspicion("b", at), 1)}
	if err := NewSink(conn, prometheus.NewRegistry()).Store(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := Whole(t.Context(), conn); err != nil {
		t.Fatalf("as it was made: %v", err)
	}
	var want Digest
	for _, m := range batch {
		want.Add(m.Claim().ID)
	}
	stored, err := Stored(t.Context(), conn)
	if diff := cmp.Diff(map[int]Extent{3: {1, want}}, stored); err != nil || diff != "" {
		t.Errorf("%v, stored (-want +got):\n%s", err, diff)
	}
	for name, statement := range map[string]string{
		"a case is lost":  "ALTER TABLE cases DELETE WHERE case_id = 'a' SETTINGS mutations_sync = 2",
		"a view is lost":  "DROP VIEW cases_latest SYNC",
		"a table is lost": "DROP TABLE cases SYNC",
	} {
		t.Run(name, func(t *testing.T) {
			if err := conn.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
			if err := Whole(t.Context(), conn); !errors.Is(err, ErrNotWhole) {
				t.Errorf("%v", err)
			}
			if err := errors.Join(Empty(t.Context(), conn), Migrate(t.Context(), conn)); err != nil {
				t.Fatal(err)
			}
			if err := NewSink(conn, prometheus.NewRegistry()).Store(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			if _, err := DatabaseID(t.Context(), conn); err != nil {
				t.Fatal(err)
			}
			if err := Whole(t.Context(), conn); err != nil {
				t.Errorf("made anew: %v", err)
			}
		})
	}
	if err := errors.Join(conn.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	damageAPart(t, cfg.Dir)
	again := startEngine(t, cfg)
	if err := Whole(t.Context(), openConn(t, again.Config())); !errors.Is(err, ErrNotWhole) {
		t.Errorf("a byte of a column was altered: %v", err)
	}
}

// damageAPart alters a byte in the middle of the data of every part: some may be
// of no use any more.
func damageAPart(t *testing.T, dir string) {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, "/data.bin") || strings.HasSuffix(path, "/payload.bin") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("no part: %v", err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func message(e enforce.Event, offset int64) enforce.Checked {
	return sim.At(e, enforce.Position{Partition: 3, Offset: offset}, sim.Anybody{})
}
