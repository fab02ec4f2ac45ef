package enforce

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scale is one as bureaus announce it.
var scale = Discretion{
	Announcement: "裁量基准〔2026〕1号", FirstWithinDays: 365, MinorWithin: 5 * time.Minute, RepeatWithinDays: 90, EscalateAt: 3,
}

// offence is a case of a section whose unpermitted stretch began at a moment
// there, and whose vehicle left some time after the period had run out.
func offence(id, since string, beyond time.Duration) Case {
	at := at(shanghai, since)
	return Case{
		ID: id, State: StateConfirmed, StopEnd: at.Add(3*time.Minute + beyond),
		Violation: Violation{
			ID: id, Section: SectionRef{ID: "huxi", TimeZone: "Asia/Shanghai"},
			Since: at.UTC(), Due: at.Add(3 * time.Minute).UTC(),
		},
	}
}

func with[T any](c T, change func(*T)) T {
	change(&c)
	return c
}

func TestMeasure(t *testing.T) {
	long := offence("now", "2026-07-01 09:00:00", time.Hour)
	short := offence("now", "2026-07-01 09:00:00", 5*time.Minute-1)
	early := func(days string) Case { return offence("early", days, time.Hour) }
	for name, test := range map[string]struct {
		scale Discretion
		c     Case
		past  []Case
		want  Action
		codes string
	}{
		"the first": {scale, long, nil, Warn, "first"},
		"the first in a year, to the last day": {
			scale, long, []Case{early("2025-06-30 23:59:59")}, Warn, "first",
		},
		"a year ago to the day": {
			scale, long, []Case{early("2025-07-01 00:00:00")}, Penalise, "ordinary",
		},
		"repeated, to the last day": {
			scale, long, []Case{early("2026-04-02 00:00:00")}, Penalise, "repeat",
		},
		"no more repeated a day later, and minor": {
			scale, short, []Case{early("2026-04-01 23:59:59")}, Warn, "minor",
		},
		"minor, but repeated": {
			scale, short, []Case{early("2026-06-30 09:00:00")}, Penalise, "repeat",
		},
		"the third": {
			scale, short, []Case{early("2026-06-30 09:00:00"), offence("b", "2026-06-01 09:00:00", 0)}, Penalise, "repeat,escalated",
		},
		"the boundary of minor": {
			scale, offence("now", "2026-07-01 09:00:00", 5*time.Minute), []Case{early("2026-01-01 00:00:00")}, Penalise, "ordinary",
		},
		"minor, but on a crossing": {
			scale, with(short, func(c *Case) { c.Violation.Reasons = []Reason{{Code: OnCrossing}} }), []Case{early("2026-01-01 00:00:00")}, Penalise, "serious",
		},
		"not seen leaving": {
			scale, with(short, func(c *Case) { c.StopEnd = time.Time{} }), []Case{early("2026-01-01 00:00:00")}, Penalise, "stands",
		},
		"a warning counts": {
			scale, long, []Case{with(early("2026-06-30 09:00:00"), func(c *Case) { c.State = StateWarned })}, Penalise, "repeat",
		},
		"a rejection does not": {
			scale, long, []Case{with(early("2026-06-30 09:00:00"), func(c *Case) { c.State = StateRejected })}, Warn, "first",
		},
		"a trial does not": {
			scale, long, []Case{with(early("2026-06-30 09:00:00"), func(c *Case) { c.State = StateTrial })}, Warn, "first",
		},
		"a later violation, decided before": {
			scale, long, []Case{early("2026-07-01 09:00:01")}, Warn, "first",
		},
		"the case itself": {scale, long, []Case{long}, Warn, "first"},
		"another section": {
			scale, long, []Case{with(early("2026-06-30 09:00:00"), func(c *Case) { c.Violation.Section.ID = "other" })}, Warn, "first",
		},
		"another section, where every one counts": {
			with(scale, func(d *Discretion) { d.EverySection = true }), long,
			[]Case{with(early("2026-06-30 09:00:00"), func(c *Case) { c.Violation.Section.ID = "other" })},
			Penalise, "repeat",
		},
		"no rules": {Discretion{}, long, nil, Penalise, "ordinary"},
	} {
		t.Run(name, func(t *testing.T) {
			m := test.scale.Measure(test.c, test.past)
			if m.Action != test.want || m.Grounds() != test.codes {
				t.Errorf("%s because of %s, want %s because of %s", m.Action, m.Grounds(), test.want, test.codes)
			}
		})
	}
}

// The scale gets no milder with more violations, and the K-th is the first
// that is penalised more heavily.
func TestEscalation(t *testing.T) {
	var past []Case
	var got []string
	for day := range 5 {
		c := offence(fmt.Sprint(day), fmt.Sprintf("2026-07-%02d 09:00:00", day+1), 0)
		m := scale.Measure(c, past)
		got = append(got, m.Grounds())
		if len(m.Earlier) != day {
			t.Errorf("violation %d: %d earlier ones, want %d", day+1, len(m.Earlier), day)
		}
		past = append(past, c)
	}
	want := []string{"first", "repeat", "repeat,escalated", "repeat,escalated", "repeat,escalated"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What the database is asked for is what counts.
func TestPastHoldsAllThatCounts(t *testing.T) {
	c := offence("now", "2026-07-01 09:00:00", 0)
	span := scale.Past(c)
	for _, since := range []string{"2025-06-30 23:59:59", "2025-07-01 00:00:00", "2026-07-01 08:59:59", "2026-07-01 09:00:00"} {
		early := offence("early", since, 0)
		at := early.Violation.Since
		asked := !at.Before(span.From) && at.Before(span.Until)
		if counts := len(scale.Measure(c, []Case{early}).Earlier) > 0; counts != asked {
			t.Errorf("%s: counts %v, asked for %v", since, counts, asked)
		}
	}
}
