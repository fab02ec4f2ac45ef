package enforce

import (
	"testing"
	"time"
)

// surveyed is a section with some of the holidays of 2026.
func surveyed(windows ...TidalWindow) RoadSection {
	return RoadSection{
		Location: time.UTC, ObservationPeriod: time.Minute, Windows: windows,
		Calendar: Calendar{Years: []int{2026}, Days: []SpecialDay{{Date: Date{2026, 5, 1}, Kind: StatutoryHoliday}}},
	}
}

func spanOf(from, until Date) Span { return Span{from.Midnight(time.UTC), until.Midnight(time.UTC)} }

func TestWhatOfARuleComesToBear(t *testing.T) {
	year := spanOf(Date{2026, 1, 1}, Date{2026, 12, 1})
	all := TidalWindow{Until: 24 * 60}
	for name, test := range map[string]struct {
		window TidalWindow
		opens  bool
		always bool
	}{
		"every day":                  {all, true, true},
		"an hour":                    {TidalWindow{From: 60, Until: 120}, true, false},
		"no day of the kind":         {TidalWindow{Until: 24 * 60, Weekdays: []time.Weekday{time.Saturday}, Kinds: []DayKind{Workday}}, false, false},
		"a day outside its time":     {TidalWindow{Until: 24 * 60, Days: []Date{{2026, 3, 1}}, FirstDay: Date{2026, 4, 1}}, false, false},
		"a weekday outside its time": {TidalWindow{Until: 24 * 60, Weekdays: []time.Weekday{time.Sunday}, FirstDay: Date{2026, 4, 6}, LastDay: Date{2026, 4, 11}}, false, false},
		"over":                       {TidalWindow{Until: 24 * 60, LastDay: Date{2025, 12, 30}}, false, false},
		"all kinds of day":           {TidalWindow{Until: 24 * 60, Kinds: DayKinds}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := surveyed(test.window)
			if opens, always := s.Opens(test.window, year), s.AlwaysOpen(year); opens != test.opens || always != test.always {
				t.Errorf("opens %v, always %v; want %+v", opens, always, test)
			}
		})
	}
	if surveyed(all).AlwaysOpen(spanOf(Date{2026, 1, 1}, Date{2028, 1, 1})) != true {
		t.Error("a window of every day ends with the known holidays")
	}
	if surveyed(TidalWindow{Until: 24 * 60, Kinds: DayKinds}).AlwaysOpen(spanOf(Date{2027, 1, 1}, Date{2027, 2, 1})) {
		t.Error("days that are not known count as open")
	}
}

func TestSuspensionsThatTakeNothing(t *testing.T) {
	s := surveyed(TidalWindow{Announcement: "1", From: 60, Until: 120, Weekdays: []time.Weekday{time.Saturday}})
	saturday := Date{2026, 3, 7}
	for name, test := range map[string]struct {
		sus  Suspension
		want bool
	}{
		"its day":        {Suspension{From: saturday.Midnight(time.UTC), Until: saturday.AddDays(1).Midnight(time.UTC)}, true},
		"another day":    {Suspension{From: saturday.AddDays(1).Midnight(time.UTC), Until: saturday.AddDays(2).Midnight(time.UTC)}, false},
		"another window": {Suspension{Suspends: "2", From: saturday.Midnight(time.UTC), Until: saturday.AddDays(1).Midnight(time.UTC)}, false},
	} {
		if got := s.Suspends(test.sus); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestLimitsThatNeverHold(t *testing.T) {
	year := spanOf(Date{2026, 1, 1}, Date{2026, 12, 1})
	morning, day := Hours{From: 6 * 60, Until: 9 * 60}, Hours{Until: 24 * 60}
	workdays := Hours{Until: 24 * 60, Kinds: []DayKind{Workday}}
	for name, test := range map[string]struct {
		hours []Hours
		want  []bool
	}{
		"each has its time":       {[]Hours{morning, day}, []bool{true, true}},
		"behind one of every day": {[]Hours{day, morning}, []bool{true, false}},
		"behind two halves":       {[]Hours{{Until: 7 * 60}, {From: 7 * 60, Until: 12 * 60}, morning}, []bool{true, true, false}},
		"behind a kind of day":    {[]Hours{workdays, morning}, []bool{true, true}},
		"no such day":             {[]Hours{{Until: 60, Kinds: []DayKind{RestDay}, Weekdays: []time.Weekday{time.Monday}}}, []bool{false}},
	} {
		s := surveyed()
		for _, h := range test.hours {
			s.Limits = append(s.Limits, Limit{Hours: h, ObservationPeriod: time.Minute})
		}
		for i, want := range test.want {
			if got := s.Holds(i, year); got != want {
				t.Errorf("%s: limit %d holds: %v", name, i, got)
			}
		}
	}
}

func TestTheLifeOfAVersion(t *testing.T) {
	ps := Policies{}
	ps.Add(NewPolicy(RoadSection{ID: "a", Location: time.UTC, Effective: Date{2026, 5, 1}}))
	ps.Add(NewPolicy(RoadSection{ID: "a", Location: time.UTC}))
	from, until := ps.Life("a", 0)
	if !from.IsZero() || !until.Equal(Date{2026, 5, 1}.Midnight(time.UTC)) {
		t.Errorf("the first from %v to %v", from, until)
	}
	if from, end := ps.Life("a", 1); !from.Equal(until) || !end.IsZero() {
		t.Errorf("the second from %v to %v", from, end)
	}
}

func TestTheLastDayOfHours(t *testing.T) {
	for name, test := range map[string]struct {
		window TidalWindow
		want   Date
	}{
		"none":                   {TidalWindow{}, Date{}},
		"the last day":           {TidalWindow{LastDay: Date{2026, 5, 1}}, Date{2026, 5, 1}},
		"the last of single":     {TidalWindow{Days: []Date{{2026, 5, 3}, {2026, 5, 1}}}, Date{2026, 5, 3}},
		"whatever comes earlier": {TidalWindow{LastDay: Date{2026, 5, 2}, Days: []Date{{2026, 5, 3}}}, Date{2026, 5, 2}},
	} {
		if got := test.window.Over(); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
