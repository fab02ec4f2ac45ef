package retention

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/enforce"
	authorsim "tidewatch/enforce/authors/sim"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
	"tidewatch/storage/blob"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"))
}

var decided = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func TestRules(t *testing.T) {
	cfg := Config{Rules: []Rule{
		{Kinds: []enforce.FileKind{enforce.Clip}, States: []enforce.State{enforce.StateRejected}, Keep: Period{Days: 90}},
		{States: []enforce.State{enforce.StateRejected}, Keep: Period{Months: 1}},
		{States: []enforce.State{enforce.StateUploaded}, Keep: Period{Years: 2}},
	}}
	hold := &enforce.Hold{Reason: "objection"}
	for name, test := range map[string]struct {
		kind  enforce.FileKind
		state enforce.State
		hold  *enforce.Hold
		after time.Duration // the decision
		want  bool
	}{
		"picture of a rejected case, a moment before": {enforce.CloseUp, enforce.StateRejected, nil, 31*24*time.Hour - time.Hour, false},
		// A month after the 31st of January is the 3rd of March.
		"picture of a rejected case": {enforce.CloseUp, enforce.StateRejected, nil, 31 * 24 * time.Hour, true},
		"held":                       {enforce.CloseUp, enforce.StateRejected, hold, 9999 * time.Hour, false},
		"the first rule counts":      {enforce.Clip, enforce.StateRejected, nil, 89 * 24 * time.Hour, false},
		"clip of a rejected case":    {enforce.Clip, enforce.StateRejected, nil, 90 * 24 * time.Hour, true},
		"an uploaded case":           {enforce.Clip, enforce.StateUploaded, nil, 729 * 24 * time.Hour, false},
		"an uploaded case, later":    {enforce.Clip, enforce.StateUploaded, nil, 730 * 24 * time.Hour, true},
		"an open case":               {enforce.Clip, enforce.StateSuspected, nil, 99999 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := enforce.Case{State: test.state, Hold: test.hold, OpenedAt: decided.AddDate(0, 0, -9), DecidedAt: decided}
			if _, due := cfg.rule(c, enforce.File{Kind: test.kind}, decided.Add(test.after)); due != test.want {
				t.Errorf("due: %v", due)
			}
		})
	}
}

// desk is a sweeper with a store of three rejected cases, long ago.
type desk struct {
	*Sweeper
	store  *sim.Store
	files  *blob.Dir
	events []enforce.Event
	fail   error // of the case log
	now    time.Time
	told   int // events, each of which is later than the one before it

	appended func(enforce.Event) // what else happens then
}

func (d *desk) Append(_ context.Context, events ...enforce.Event) error {
	if d.fail != nil {
		return d.fail
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
		d.events = append(d.events, e)
		d.Apply(authorsim.Proven(e))
		if d.appended != nil {
			d.appended(e)
		}
	}
	return nil
}

// leaves counts as the log of evidence, which is written between checks only.
type leaves struct{ dir string }

func (l leaves) Append(ctx context.Context, leaf proof.Leaf) (uint64, error) {
	s, err := sim.Open(l.dir)
	if err != nil {
		return 0, err
	}
	at, err := s.Log.Append(ctx, leaf)
	return at, errors.Join(err, s.Close())
}

func newDesk(t *testing.T, rules ...Rule) *desk {
	t.Helper()
	store, err := sim.New(t.Context(), t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{store: store, files: blob.ReadDir(string(store.Files)), now: time.Now().AddDate(1, 0, 0)}
	cfg := DefaultConfig()
	cfg.Rules = rules
	d.Sweeper = New(cfg, Dependencies{
		Files: d.files, Leaves: leaves{store.Dir}, Events: d, Log: store.LogDir(), Keys: store.Keys.Public,
		Now: func() time.Time { return d.now }, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	for _, c := range store.Cases {
		d.apply(t, c.ID, enforce.Event{Type: enforce.Suspected, Violation: &c.Violation})
		d.apply(t, c.ID, enforce.Event{Type: enforce.Rejected, Revision: 1, Decision: &enforce.Decision{Reason: "unclear"}})
	}
	return d
}

func (d *desk) apply(t *testing.T, id string, e enforce.Event) {
	t.Helper()
	d.told++
	e.ID, e.Case, e.Actor, e.At = string(e.Type), id, "test", sim.Begin.Add(time.Duration(d.told)*time.Microsecond)
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	d.Apply(authorsim.Proven(e))
}

// left are the kinds of a case's files that are still there.
func (d *desk) left(t *testing.T, i int) (kinds []enforce.FileKind) {
	t.Helper()
	for _, f := range d.store.Cases[i].Violation.Evidence.Files {
		if d.files.Verify(t.Context(), f.SHA256) == nil {
			kinds = append(kinds, f.Kind)
		}
	}
	return kinds
}

// problems are what a check finds, with the cases as they are now.
func (d *desk) problems(t *testing.T) (found []proof.Problem) {
	t.Helper()
	d.store.Cases = d.snapshot()
	slices.SortFunc(d.store.Cases, func(a, b enforce.Case) int { return strings.Compare(a.ID, b.ID) })
	report, err := d.store.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		found = append(found, f.Problem)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

var clips = Rule{Kinds: []enforce.FileKind{enforce.Clip}, States: []enforce.State{enforce.StateRejected}, Keep: Period{Days: 30}}

func TestWhatIsDueIsRecordedAndDeleted(t *testing.T) {
	d := newDesk(t, clips)
	d.apply(t, d.store.Cases[1].ID, enforce.Event{Type: enforce.Held, Hold: &enforce.Hold{Reason: "objection"}})
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	pictures := []enforce.FileKind{enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp, enforce.MarkedBegin}
	whole := slices.Insert(slices.Clone(pictures), 4, enforce.Clip)
	for i, want := range [][]enforce.FileKind{pictures, whole, pictures} {
		if diff := cmp.Diff(want, d.left(t, i)); diff != "" {
			t.Errorf("case %d (-want +got):\n%s", i, diff)
		}
	}
	if len(d.events) != 2 || d.events[0].Deletion.Rule != "clip of a case that is rejected: kept for 30d" {
		t.Errorf("events: %+v", d.events)
	}
	if got := testutil.ToFloat64(d.metrics.deleted.WithLabelValues("clip")); got != 2 {
		t.Errorf("%v clips counted", got)
	}
	if diff := cmp.Diff([]proof.Problem{proof.Gone}, d.problems(t)); diff != "" {
		t.Errorf("a check finds (-want +got):\n%s", diff)
	}
	d.apply(t, d.store.Cases[1].ID, enforce.Event{Type: enforce.Released, Hold: &enforce.Hold{Reason: "settled"}})
	for range 2 { // the second time there is nothing to do
		if err := d.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.events) != 3 || len(d.left(t, 1)) != 5 {
		t.Errorf("released: events %v, left %v", d.events, d.left(t, 1))
	}
}

// TestWhatASecondCaseNeedsStays has two cases with one picture in common.
func TestWhatASecondCaseNeedsStays(t *testing.T) {
	d := newDesk(t, Rule{States: []enforce.State{enforce.StateRejected}, Keep: Period{Days: 30}})
	shared := d.store.Cases[0].Violation.Evidence.Files[0]
	twin := d.store.Cases[2].Violation
	twin.ID, twin.Evidence.Files = "twin", []enforce.File{shared}
	d.apply(t, "twin", enforce.Event{Type: enforce.Suspected, Violation: &twin})
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := d.left(t, 0); !slices.Equal(got, []enforce.FileKind{enforce.SceneBegin, enforce.MarkedBegin}) {
		t.Errorf("left: %v", got)
	}
}

// TestAHoldDuringASweepCounts has an officer hold a case while the files of
// another are recorded as deleted.
func TestAHoldDuringASweepCounts(t *testing.T) {
	d := newDesk(t, clips)
	first := d.snapshot()[0].ID
	var held int
	d.appended = func(e enforce.Event) {
		if e.Case == first && e.Type == enforce.Deleted {
			for i, c := range d.store.Cases {
				if c.ID != first {
					held = i
					d.apply(t, c.ID, enforce.Event{Type: enforce.Held, Hold: &enforce.Hold{Reason: "objection"}})
				}
			}
		}
	}
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if held == 0 || len(d.left(t, held)) != 6 {
		t.Errorf("left of a case that is held: %v", d.left(t, held))
	}
}

// TestAHoldKeepsWhatIsStillThere has a deletion recorded, and not yet done, when
// the case is held.
func TestAHoldKeepsWhatIsStillThere(t *testing.T) {
	d := newDesk(t, clips)
	c := d.store.Cases[0]
	clip, _ := c.Violation.Evidence.File(enforce.Clip)
	d.apply(t, c.ID, enforce.Event{Type: enforce.Deleted, Deletion: &enforce.Deletion{Files: []enforce.FileName{name(clip)}}})
	d.apply(t, c.ID, enforce.Event{Type: enforce.Held, Hold: &enforce.Hold{Reason: "objection"}})
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.left(t, 0)) != 6 {
		t.Errorf("left of a case that is held: %v", d.left(t, 0))
	}
}

// TestACrashBeforeTheDeletionIsMadeGood fails between the steps.
func TestACrashBeforeTheDeletionIsMadeGood(t *testing.T) {
	d := newDesk(t, clips)
	d.fail = errors.New("away")
	if err := d.Sweep(t.Context()); !errors.Is(err, d.fail) {
		t.Errorf("error %v, want %v", err, d.fail)
	}
	if len(d.left(t, 0)) != 6 {
		t.Error("deleted before the case knew")
	}
	if got := d.problems(t); len(got) > 0 {
		t.Errorf("a check finds %v", got)
	}
	// Recorded in the case, but the process ended before the file was deleted.
	d.fail = nil
	clip, _ := d.store.Cases[0].Violation.Evidence.File(enforce.Clip)
	d.apply(t, d.store.Cases[0].ID, enforce.Event{Type: enforce.Deleted, Deletion: &enforce.Deletion{Files: []enforce.FileName{name(clip)}}})
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.left(t, 0)) != 5 {
		t.Error("not deleted after all")
	}
}

const jpeg = "\xff\xd8\xff\xe0 of an interrupted recording"

// TestOrphans has files of no case: only old pictures go, and none that a
// manifest in the log names, whose case may be in another case log.
func TestOrphans(t *testing.T) {
	d := newDesk(t)
	put := func(text string) string {
		sum, _, err := d.store.Files.Put(t.Context(), strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	picture, text := put(jpeg), put("{}")
	unit := put(startCode + "\x67\x42 of an interrupted recording")
	delete(d.cases, d.store.Cases[1].ID)
	d.now = time.Now().Add(time.Hour)
	if err := d.Sweep(t.Context()); err != nil || d.files.Verify(t.Context(), picture) != nil {
		t.Errorf("a young one is deleted: %v", err)
	}
	d.now = time.Now().AddDate(0, 0, 3)
	if err := d.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.files.Verify(t.Context(), picture); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("an old picture: %v", err)
	}
	if err := d.files.Verify(t.Context(), unit); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("an old key unit: %v", err)
	}
	if err := d.files.Verify(t.Context(), text); err != nil {
		t.Errorf("a text: %v", err)
	}
	if len(d.left(t, 1)) != 6 {
		t.Errorf("of a case that is in another log is left: %v", d.left(t, 1))
	}
}

// TestABrokenLogKeepsOrphans alters the log: nothing is deleted on its word.
func TestABrokenLogKeepsOrphans(t *testing.T) {
	d := newDesk(t)
	sum, _, err := d.store.Files.Put(t.Context(), strings.NewReader(jpeg))
	if err != nil {
		t.Fatal(err)
	}
	for _, damage := range sim.Damages() {
		if damage.Name == "leaf altered" {
			if err := damage.Do(d.store, d.store.Cases[0], rand.New(rand.NewPCG(1, 1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := d.Sweep(t.Context()); err == nil || d.files.Verify(t.Context(), sum) != nil {
		t.Errorf("deleted, %v", err)
	}
}

func TestRunSweepsOnlyOnceTheLogIsRead(t *testing.T) {
	d := newDesk(t, clips)
	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan error)
	go func() { finished <- d.Run(ctx) }()
	if len(d.left(t, 0)) != 6 {
		t.Error("swept before the log was read")
	}
	d.CaughtUp()
	for until := time.Now().Add(time.Minute); len(d.left(t, 0)) == 6; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("not swept within a minute")
		}
	}
	cancel()
	if err := <-finished; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
