package docket

import (
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
	"tidewatch/enforce"
)

// opened is the violation of the one case that a stop opens.
func opened(t *testing.T, d *Docket, w *world, start time.Time, change func(*detect.Stop)) *enforce.Violation {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		for s := range 40 {
			seen := stop(start, s, s == 39)
			if change != nil {
				change(&seen)
			}
			if err := hold(t, d, seen); err != nil {
				t.Fatal(err)
			}
		}
	})
	i := slices.IndexFunc(w.events, func(e enforce.Event) bool { return e.Type == enforce.Suspected })
	if i < 0 {
		return nil
	}
	return w.events[i].Violation
}

// A case holds what its verdict rests on, to the microsecond: read back, it is
// judged alike.
func TestACaseCanBeJudgedAgain(t *testing.T) {
	w := &world{}
	d := newDocket(w)
	d.Zones[0].Bays = []enforce.Bay{{ID: "A1", Polygon: enforce.Polygon{{X: 0, Y: 0}, {X: .42, Y: 0}, {X: .42, Y: 1}, {X: 0, Y: 1}}}}
	start := noon.Add(90*time.Minute + 1234567*time.Nanosecond) // in the window, out of its bay
	v := opened(t, d, w, start, func(s *detect.Stop) {
		if s.End.After(start.Add(5 * time.Second)) {
			s.Unseen = []detect.Span{{From: start.Add(2 * time.Second), Until: start.Add(5*time.Second + 7*time.Nanosecond)}}
		}
	})
	if v == nil {
		t.Fatal("no case")
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var read enforce.Violation
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	policy := d.Policies["road"][0]
	again := enforce.Rejudge(read, policy)
	want := enforce.Verdict{Suspected: true, Since: v.Since, Due: v.Due, Reasons: v.Reasons}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("judged again (-case +got):\n%s", diff)
	}
	if v.Policy != policy.ID || read.Stop.Unseen == nil || again.Reasons[0].Code != enforce.OutOfBay {
		t.Errorf("the case names policy %s, stop %+v, verdict %+v", v.Policy, read.Stop, again)
	}
}

// TestNobodyIsAccusedWhomANewRulePermits lets a rule that permits come into
// force while a vehicle stands.
func TestNobodyIsAccusedWhomANewRulePermits(t *testing.T) {
	tomorrow := enforce.DateOf(noon).AddDays(1)
	section := enforce.RoadSection{ID: "road", Location: time.UTC, ObservationPeriod: 10 * time.Second}
	strict := enforce.NewPolicy(section)
	section.Effective = tomorrow
	section.Windows = []enforce.TidalWindow{{Announcement: "2", From: 0, Until: 24 * 60}}
	lenient := enforce.NewPolicy(section)
	for name, test := range map[string]struct {
		early time.Duration // before the new rule
		cases int
	}{
		"due before it": {15 * time.Second, 1},
		"due after it":  {5 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			d := newDocket(w)
			d.Policies = enforce.Policies{"road": {strict, lenient}}
			opened(t, d, w, tomorrow.Midnight(time.UTC).Add(-test.early), nil)
			if len(w.recorded) != test.cases {
				t.Errorf("%d cases, want %d", len(w.recorded), test.cases)
			}
		})
	}
}

func TestAStopIsJudgedByTheVersionOfItsDay(t *testing.T) {
	version := func(effective enforce.Date, period time.Duration) enforce.Policy {
		return enforce.NewPolicy(enforce.RoadSection{ID: "road", Location: time.UTC, Effective: effective, ObservationPeriod: period})
	}
	today := enforce.DateOf(noon)
	first, second := version(today, 10*time.Second), version(today.AddDays(1), 20*time.Second)
	for name, test := range map[string]struct {
		start time.Time
		want  string
	}{
		"before any":              {noon.AddDate(0, 0, -1), ""},
		"the first":               {noon, first.ID},
		"begun before the second": {today.AddDays(1).Midnight(time.UTC).Add(-time.Second), second.ID},
		"due before the second":   {today.AddDays(1).Midnight(time.UTC).Add(-time.Minute), first.ID},
		"the second":              {today.AddDays(1).Midnight(time.UTC), second.ID},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			d := newDocket(w)
			d.Policies = enforce.Policies{"road": {first, second}}
			v := opened(t, d, w, test.start, nil)
			switch {
			case v == nil && test.want != "":
				t.Error("no case")
			case v != nil && v.Policy != test.want:
				t.Errorf("judged by %s, want %q", v.Policy, test.want)
			}
		})
	}
}
