package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/enforce"
	"tidewatch/enforce/proof/sim"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"))
}

// cases are those of a store, and which of them were asked for.
type cases struct {
	mu    sync.Mutex
	all   map[string]enforce.Case
	asked []string
	then  func(asked int)
}

func (c *cases) IDs() []string { return slices.Sorted(maps.Keys(c.all)) }

func (c *cases) Case(id string) (enforce.Case, bool) {
	c.mu.Lock()
	c.asked = append(c.asked, id)
	n := len(c.asked)
	c.mu.Unlock()
	if c.then != nil {
		c.then(n)
	}
	one, known := c.all[id]
	return one, known
}

func newStore(t *testing.T, n int) (*sim.Store, *cases) {
	t.Helper()
	store, err := sim.New(t.Context(), t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	known := &cases{all: map[string]enforce.Case{}}
	for _, c := range store.Cases {
		known.all[c.ID] = c
	}
	return store, known
}

// newAuditor makes one that loses no time.
func newAuditor(t *testing.T, store *sim.Store, known *cases, log *slog.Logger) *Auditor {
	t.Helper()
	cfg := Config{Rate: 1 << 40, Every: 24 * time.Hour, Again: time.Millisecond, Settle: time.Millisecond}
	a := New(cfg, Dependencies{
		Files: store.Files, Cases: known, Log: store.LogDir(), Keys: store.Keys.Public,
		State: filepath.Join(store.Dir, "audit.json"), Now: time.Now, Logger: log, Metrics: prometheus.NewRegistry(),
	})
	a.CaughtUp()
	return a
}

// run runs an auditor until it has done something.
func run(t *testing.T, a *Auditor, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- a.Run(ctx) }()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("waited in vain: %+v", a.now())
			break
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// TestEveryDamageIsFound damages each case of a store in another way, finds that
// in one pass, also after a restart, and sees it well again once it is restored.
func TestEveryDamageIsFound(t *testing.T) {
	damages := sim.Damages()
	store, known := newStore(t, len(damages)+3)
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(store.Dir)); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	a := newAuditor(t, store, known, slog.New(slog.NewTextHandler(&said, nil)))
	run(t, a, func() bool { return a.now().Done })
	if err := a.Health(); err != nil {
		t.Fatalf("of a store that is well: %v", err)
	}
	if n := testutil.ToFloat64(a.metrics.cases); n != float64(len(store.Cases)) {
		t.Errorf("%v cases are checked", n)
	}
	for i, d := range damages {
		if err := d.Do(store, store.Cases[i], rand.New(rand.NewPCG(1, uint64(i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(a.State); err != nil { // and with it the rest until the next day
		t.Fatal(err)
	}
	a = newAuditor(t, store, known, slog.New(slog.NewTextHandler(&said, nil)))
	run(t, a, func() bool { return a.now().Done })
	again := newAuditor(t, store, known, slog.New(slog.DiscardHandler))
	for i, c := range store.Cases {
		found, wrong := again.now().Wrong[c.ID]
		ofLog := i < len(damages) && damages[i].Name == "hash of a leaf altered" // of the whole log, too
		if damaged := i < len(damages); damaged != wrong && !ofLog {
			t.Errorf("case %d: damaged %v, found %v", i, damaged, found)
		}
	}
	if len(again.now().Wrong[ofTheLog]) == 0 {
		t.Error("the damaged log is not found")
	}
	if err := again.Health(); err == nil || !strings.Contains(err.Error(), "more findings") {
		t.Errorf("it says %v", err)
	}
	if text := said.String(); !strings.Contains(text, "case=case000010 file=files/") {
		t.Errorf("the log does not name case and file:\n%s", text)
	}
	if err := errors.Join(os.RemoveAll(store.Dir), os.CopyFS(store.Dir, os.DirFS(backup))); err != nil {
		t.Fatal(err)
	}
	run(t, again, func() bool { return again.Health() == nil })
	if n := testutil.ToFloat64(again.metrics.wrong); n != 0 {
		t.Errorf("%v findings stand", n)
	}
}

// TestARestartGoesOnWhereItWas ends a pass twice, in the midst of a case, and
// begins no other before its time.
func TestARestartGoesOnWhereItWas(t *testing.T) {
	store, known := newStore(t, 9)
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		last := len(known.asked) + 4
		known.then = func(n int) {
			if n == last {
				cancel()
			}
		}
		if err := newAuditor(t, store, known, slog.New(slog.DiscardHandler)).Run(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	known.then = nil
	a := newAuditor(t, store, known, slog.New(slog.DiscardHandler))
	run(t, a, func() bool { return a.now().Done })
	b := newAuditor(t, store, known, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	var want []string
	for _, i := range []int{0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8} {
		want = append(want, fmt.Sprintf("case%06d", i))
	}
	if !slices.Equal(known.asked, want) {
		t.Errorf("looked at %v", known.asked)
	}
}

// TestWhatWasDeletedIsNotMissing has a file that went as a rule said.
func TestWhatWasDeletedIsNotMissing(t *testing.T) {
	store, known := newStore(t, 2)
	c := store.Cases[0]
	clip, _ := c.Violation.Evidence.File(enforce.Clip)
	if err := os.Remove(store.Files.Path(clip.SHA256)); err != nil {
		t.Fatal(err)
	}
	a := newAuditor(t, store, known, slog.New(slog.DiscardHandler))
	a.checkCase(t.Context(), c.ID)
	if a.Health() == nil {
		t.Error("a file that is missing is not found")
	}
	c.Deleted = []enforce.FileName{{Kind: clip.Kind, SHA256: clip.SHA256}}
	known.all[c.ID] = c
	a.checkCase(t.Context(), c.ID)
	if err := a.Health(); err != nil {
		t.Errorf("a file that was deleted is missed: %v", err)
	}
}

// TestThePaceIsKept reads 40 MB at 4 MB a second.
func TestThePaceIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := pace{rate: 4 << 20}, time.Now()
		for range 40 << 20 / (32 << 10) {
			p.spend(t.Context(), 32<<10)
		}
		if took := time.Since(began); took < 9900*time.Millisecond || took > 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

// FuzzState has anything lie where the place was written down.
func FuzzState(f *testing.F) {
	f.Add([]byte(`{"began":"2026-05-04T12:00:00Z","after":"a","wrong":{"a":[{"file":"f","what":"w"}]}}`))
	f.Add([]byte(`{"wrong":{"a":[]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "audit.json")
		sum := sha256.Sum256(text)
		whole, _ := json.Marshal(sealed{text, sum[:]}) // what is no JSON cannot be sealed
		for _, text := range [][]byte{text, whole} {
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			a := Auditor{state: loadState(path)}
			_ = a.Health()
		}
	})
}

func TestAnAlteredStateIsForgotten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.json")
	good, err := state{After: "case", Completed: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}.seal()
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		altered := bytes.Clone(good)
		altered[i] ^= 1
		if err := os.WriteFile(path, altered, 0o600); err != nil {
			t.Fatal(err)
		}
		if s := loadState(path); !s.Completed.IsZero() || s.After != "" {
			t.Errorf("byte %d altered: %+v", i, s)
		}
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if s := loadState(path); s.After != "case" {
		t.Errorf("as it was written: %+v", s)
	}
}
