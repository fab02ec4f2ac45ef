package kafka

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/storage/kafka/segment"
)

// elsewhere has what a log held, but for some of it.
type elsewhere struct {
	stored map[int]map[int64][]byte
	cases  []enforce.Event
}

func (e elsewhere) Ends(context.Context) (map[int]int64, error) {
	ends := map[int]int64{}
	for id, events := range e.stored {
		for offset := range events {
			ends[id] = max(ends[id], offset+1)
		}
	}
	return ends, nil
}

func (e elsewhere) Stored(_ context.Context, partition int) (map[int64][]byte, error) {
	return e.stored[partition], nil
}

func (e elsewhere) Suspected(context.Context) ([]enforce.Event, error) { return e.cases, nil }

// databaseOf knows all that is in a broker's folder.
func databaseOf(t *testing.T, data string) elsewhere {
	t.Helper()
	e := elsewhere{stored: map[int]map[int64][]byte{}}
	list, err := segment.Partitions(partitionsDir(filepath.Join(data, "broker", "data")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		e.stored[p.ID] = map[int64][]byte{}
		_, err := p.Read(func(b segment.Batch) error {
			for _, r := range b.Records {
				e.stored[p.ID][r.Offset] = r.Value
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// TestRepair damages a log in ways of which each can be made good byte for byte
// with what the database has.
func TestRepair(t *testing.T) {
	whole := newStoredLog(t)
	database := databaseOf(t, whole.data)
	var n int
	for id, end := range whole.ends {
		if end > whole.ends[n] {
			n = id
		}
	}
	last := int(whole.ends[n])
	size := len(segments(t, whole.data)["broker/data/partitions/"+filepath.Base(segment.Dir("", DefaultConfig().Topic, n))+"/0.dat"]) / last
	for name, test := range map[string]struct {
		do      func(dir string) error // the partition's folder
		rebuilt int
	}{
		"nothing":              {func(string) error { return nil }, 0},
		"a torn append":        {func(dir string) error { return appendTo(dir, []byte{0, 0, 0}) }, 0},
		"flipped in the first": {func(dir string) error { return flip(dir, 100) }, 1},
		"flipped in the last":  {func(dir string) error { return flip(dir, -20) }, 1},
		"across two batches":   {func(dir string) error { return flip(dir, 2*size-4) }, 2},
		"offset of a batch":    {func(dir string) error { return flip(dir, 0) }, 1},
		"emptied":              {func(dir string) error { return os.Truncate(filepath.Join(dir, "0.dat"), 0) }, last},
		"cut in a batch":       {func(dir string) error { return os.Truncate(filepath.Join(dir, "0.dat"), int64(size/2)) }, last},
		"garbage at the end":   {func(dir string) error { return appendTo(dir, []byte("garbage")) }, 0},
		"another's events":     {takeOver, last},
		"without the folder":   {os.RemoveAll, last},
		"a file in its place": {func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.MkdirAll(filepath.Join(dir, "0.dat"), 0o700))
		}, last},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			if err := os.CopyFS(data, os.DirFS(whole.data)); err != nil {
				t.Fatal(err)
			}
			if err := test.do(segment.Dir(partitionsDir(filepath.Join(data, "broker", "data")), DefaultConfig().Topic, n)); err != nil {
				t.Fatal(err)
			}
			plan := repairIt(t, data, database)
			if len(plan.Rebuilt) != test.rebuilt || !plan.Whole() {
				t.Errorf("%d events rebuilt, want %d; %+v", len(plan.Rebuilt), test.rebuilt, plan)
			}
			b, err := OpenBroker(storedConfig(t, data), testLog(t))
			if err != nil {
				t.Fatal(err)
			}
			if problem := whole.servedBy(t, data, b); problem != nil {
				t.Error(problem)
			}
		})
	}
}

// repairIt does what can be done.
func repairIt(t *testing.T, data string, from Elsewhere) *Plan {
	t.Helper()
	cfg := storedConfig(t, data)
	cfg.Authors = testConfig(t.TempDir()).Authors
	r, err := OpenRepair(cfg, filepath.Join(data, "spool"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	plan, err := r.Plan(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Loss != nil {
		if _, err := r.Write(plan, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	return plan
}

func flip(dir string, at int) error {
	return change(filepath.Join(dir, "0.dat"), func(text []byte) []byte {
		if at < 0 {
			at += len(text)
		}
		for i := range 8 {
			text[at+i] ^= 0xff
		}
		return text
	})
}

func appendTo(dir string, what []byte) error {
	return change(filepath.Join(dir, "0.dat"), func(text []byte) []byte { return append(text, what...) })
}

// takeOver puts the messages of another partition in place of a partition's.
func takeOver(dir string) error {
	others, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", "0.dat"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(others, func(path string) bool { return filepath.Dir(path) != dir })
	text, err := os.ReadFile(others[i])
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "0.dat"), text, 0o600)
}

// What nobody knows of leaves a gap that is said, and the events behind it keep
// their places; evidence fills it as far as it goes.
func TestRepairWithoutADatabase(t *testing.T) {
	whole := newStoredLog(t)
	n := partitionOf("case-1", 4)
	dir := func(data string) string {
		return segment.Dir(partitionsDir(filepath.Join(data, "broker", "data")), DefaultConfig().Topic, n)
	}
	suspected := enforce.Event{
		ID: "case-1/suspected", Case: "case-1", Type: enforce.Suspected, At: time.Unix(1, 0).UTC(), Actor: "camera/c",
		Violation: &enforce.Violation{ID: "case-1"},
	}
	for name, test := range map[string]struct {
		evidence []enforce.Event
		gone     int
	}{
		"nothing is known": {nil, 1},
		"evidence of a case that lost its first event": {[]enforce.Event{suspected}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			if err := os.CopyFS(data, os.DirFS(whole.data)); err != nil {
				t.Fatal(err)
			}
			if err := flip(dir(data), 100); err != nil {
				t.Fatal(err)
			}
			plan := repairIt(t, data, elsewhere{cases: test.evidence})
			if len(plan.Gone) != test.gone || plan.Whole() != (test.gone == 0) {
				t.Errorf("plan %+v", plan)
			}
			b, err := OpenBroker(storedConfig(t, data), testLog(t))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			if diff := cmp.Diff(whole.ends, b.ends); diff != "" {
				t.Errorf("ends (-were +are):\n%s", diff)
			}
			if len(damagedIn(t, data)) != 1 {
				t.Error("the damaged file is not kept")
			}
		})
	}
}

// damagedIn are the files that were kept as they were.
func damagedIn(t *testing.T, data string) (names []string) {
	t.Helper()
	for _, name := range filesIn(t, filepath.Join(data, "broker", "damaged")) {
		if strings.HasSuffix(name, ".dat") {
			names = append(names, name)
		}
	}
	return names
}
