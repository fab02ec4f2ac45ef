package enforce

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

var (
	shanghai  = location("Asia/Shanghai")
	kerb      = Zone{ID: "kerb", Polygon: Polygon{{0, 0}, {1, 0}, {1, 1}, {0, 1}}}
	onTheKerb = detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.1}
)

func location(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

func at(l *time.Location, s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04:05", s, l)
	if err != nil {
		panic(err)
	}
	return t
}

func clock(s string) Clock {
	c, err := ParseClock(s)
	if err != nil {
		panic(err)
	}
	return c
}

// night is the usual tidal section: 19:00 to 07:00 next day.
func night(change func(*RoadSection)) Policy {
	s := RoadSection{
		ID: "road", Location: shanghai, Code: "1039",
		ObservationPeriod: 5 * time.Minute, Grace: 10 * time.Minute,
		Windows: []TidalWindow{{Announcement: "2026-12", From: clock("19:00"), Until: clock("07:00")}},
	}
	if change != nil {
		change(&s)
	}
	return NewPolicy(s)
}

func codes(v Verdict) []ReasonCode {
	var list []ReasonCode
	for _, r := range v.Reasons {
		list = append(list, r.Code)
	}
	return list
}

func TestJudge(t *testing.T) {
	workdays := func(s *RoadSection) {
		s.Windows[0].Weekdays = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	}
	for name, test := range map[string]struct {
		policy     Policy
		start, end string
		due        string // "" : not suspected
		reasons    []ReasonCode
	}{
		"by day, one second short": {
			night(nil), "2026-03-02 10:00:00", "2026-03-02 10:04:59",
			"",
			[]ReasonCode{NoWindow, StillObserving},
		},
		"by day, to the second": {
			night(nil), "2026-03-02 10:00:00", "2026-03-02 10:05:00",
			"2026-03-02 10:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"by night": {
			night(nil), "2026-03-02 20:00:00", "2026-03-03 06:00:00",
			"",
			[]ReasonCode{InWindow, WholeStopInside},
		},
		"in the small hours of the first day": {
			night(nil), "2026-03-02 00:30:00", "2026-03-02 06:59:59",
			"",
			[]ReasonCode{InWindow, WholeStopInside},
		},
		"stays past the end: grace first": {
			night(nil), "2026-03-02 22:00:00", "2026-03-03 07:14:59",
			"",
			[]ReasonCode{InWindow, WindowEnded, StillObserving},
		},
		"stays past the end and the grace": {
			night(nil), "2026-03-02 22:00:00", "2026-03-03 07:15:00",
			"2026-03-03 07:15:00",
			[]ReasonCode{InWindow, WindowEnded, PeriodRanOut},
		},
		"arrives at the very end of the window: no grace": {
			night(nil), "2026-03-03 07:00:00", "2026-03-03 07:05:00",
			"2026-03-03 07:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"too early, but the window saves it": {
			night(nil), "2026-03-02 18:56:00", "2026-03-02 23:00:00",
			"",
			[]ReasonCode{InWindow, WholeStopInside},
		},
		"too early by more than the period": {
			night(nil), "2026-03-02 18:55:00", "2026-03-02 23:00:00",
			"2026-03-02 19:00:00",
			[]ReasonCode{PeriodRanOut},
		},
		"the window of another day of the week": {
			night(workdays), "2026-03-07 20:00:00", "2026-03-07 21:00:00", // a Saturday
			"2026-03-07 20:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"Saturday morning belongs to Friday's window": {
			night(workdays), "2026-03-07 05:00:00", "2026-03-07 06:00:00",
			"",
			[]ReasonCode{InWindow, WholeStopInside},
		},
		"before the first day": {
			night(func(s *RoadSection) { s.Windows[0].FirstDay = Date{2026, 3, 3} }),
			"2026-03-02 20:00:00", "2026-03-02 21:00:00",
			"2026-03-02 20:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"the night after the last day's evening": {
			night(func(s *RoadSection) { s.Windows[0].LastDay = Date{2026, 3, 2} }),
			"2026-03-03 05:00:00", "2026-03-03 06:00:00",
			"",
			[]ReasonCode{InWindow, WholeStopInside},
		},
		"a whole day until 24:00": {
			night(func(s *RoadSection) { s.Windows[0].From, s.Windows[0].Until = clock("00:00"), clock("24:00") }),
			"2026-03-02 00:00:00", "2026-03-04 12:00:00",
			"",
			[]ReasonCode{InWindow, InWindow, InWindow, WholeStopInside},
		},
		"for days": {
			night(nil), "2026-03-02 20:00:00", "2026-03-04 20:00:00",
			"2026-03-03 07:15:00",
			[]ReasonCode{InWindow, WindowEnded, PeriodRanOut},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stop := detect.Stop{Box: onTheKerb, Start: at(shanghai, test.start), End: at(shanghai, test.end)}
			got := test.policy.Judge(stop, kerb)
			if got.Suspected != (test.due != "") {
				t.Errorf("suspected = %v, reasons %v", got.Suspected, got.Reasons)
			}
			if test.due != "" && !got.Due.Equal(at(shanghai, test.due)) {
				t.Errorf("due = %v, want %s", got.Due, test.due)
			}
			if diff := cmp.Diff(test.reasons, codes(got)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTimeInWhichTheCameraWasBlindIsNotCounted(t *testing.T) {
	type spans [][2]string
	for name, test := range map[string]struct {
		start, end string
		unseen     spans
		due        string // "" : not suspected
		reasons    []ReasonCode
	}{
		"blind for longer than it stood in sight": {
			"2026-03-02 10:00:00", "2026-03-02 10:08:59",
			spans{{"2026-03-02 10:02:00", "2026-03-02 10:06:00"}},
			"",
			[]ReasonCode{NoWindow, Unseen, StillObserving},
		},
		"seen for long enough before and after": {
			"2026-03-02 10:00:00", "2026-03-02 10:09:00",
			spans{{"2026-03-02 10:02:00", "2026-03-02 10:06:00"}},
			"2026-03-02 10:09:00",
			[]ReasonCode{NoWindow, Unseen, PeriodRanOut},
		},
		"blind until now": {
			"2026-03-02 10:00:00", "2026-03-02 10:06:00",
			spans{{"2026-03-02 10:04:30", "2026-03-02 10:07:00"}},
			"",
			[]ReasonCode{NoWindow, Unseen, StillObserving},
		},
		"blind only once the period had run out": {
			"2026-03-02 10:00:00", "2026-03-02 10:08:00",
			spans{{"2026-03-02 10:05:00", "2026-03-02 10:07:00"}},
			"2026-03-02 10:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"twice, the second time while the first is made up for": {
			"2026-03-02 10:00:00", "2026-03-02 10:08:00",
			spans{{"2026-03-02 10:01:00", "2026-03-02 10:02:00"}, {"2026-03-02 10:05:30", "2026-03-02 10:07:30"}},
			"2026-03-02 10:08:00",
			[]ReasonCode{NoWindow, Unseen, Unseen, PeriodRanOut},
		},
		"blind as the window ended: the grace, too, begins in sight": {
			"2026-03-02 22:00:00", "2026-03-03 07:24:59",
			spans{{"2026-03-03 06:00:00", "2026-03-03 07:10:00"}},
			"",
			[]ReasonCode{InWindow, WindowEnded, Unseen, StillObserving},
		},
		"blind inside the window only": {
			"2026-03-02 22:00:00", "2026-03-03 07:15:00",
			spans{{"2026-03-03 05:00:00", "2026-03-03 06:00:00"}},
			"2026-03-03 07:15:00",
			[]ReasonCode{InWindow, WindowEnded, PeriodRanOut},
		},
		"too early by less than was seen": {
			"2026-03-02 18:54:00", "2026-03-02 23:00:00",
			spans{{"2026-03-02 18:56:00", "2026-03-02 18:58:00"}},
			"",
			[]ReasonCode{Unseen, InWindow, WholeStopInside},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stop := detect.Stop{Box: onTheKerb, Start: at(shanghai, test.start), End: at(shanghai, test.end)}
			for _, u := range test.unseen {
				stop.Unseen = append(stop.Unseen, detect.Span{From: at(shanghai, u[0]), Until: at(shanghai, u[1])})
			}
			got := night(nil).Judge(stop, kerb)
			if got.Suspected != (test.due != "") {
				t.Errorf("suspected = %v, reasons %v", got.Suspected, got.Reasons)
			}
			if test.due != "" && !got.Due.Equal(at(shanghai, test.due)) {
				t.Errorf("due = %v, want %s", got.Due, test.due)
			}
			if diff := cmp.Diff(test.reasons, codes(got)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// What a camera could not see is never held against anybody.
func TestBlindnessNeverMakesASuspect(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	monday := at(shanghai, "2026-03-02 00:00:00")
	for range 20000 {
		start := monday.Add(time.Duration(random.IntN(2*24*3600)) * time.Second)
		stop := detect.Stop{Box: onTheKerb, Start: start, End: start.Add(time.Duration(random.IntN(3600)) * time.Second)}
		blind := stop
		for from := start; ; {
			from = from.Add(time.Duration(random.IntN(600)) * time.Second)
			until := from.Add(time.Duration(1+random.IntN(600)) * time.Second)
			if !until.Before(stop.End) {
				break
			}
			blind.Unseen = append(blind.Unseen, detect.Span{From: from, Until: until})
			from = until.Add(time.Second)
		}
		policy := night(nil)
		seeing, partly := policy.Judge(stop, kerb), policy.Judge(blind, kerb)
		if partly.Suspected && (!seeing.Suspected || partly.Due.Before(seeing.Due)) {
			t.Fatalf("%v to %v, unseen %v: due %v, in full sight %v", stop.Start, stop.End, blind.Unseen, partly.Due, seeing.Due)
		}
		if partly.Suspected && blind.Dwell() < policy.Section.ObservationPeriod {
			t.Fatalf("%v to %v, unseen %v: suspected after %v in sight", stop.Start, stop.End, blind.Unseen, blind.Dwell())
		}
	}
}

func TestJudgeLeavesOtherPlacesAlone(t *testing.T) {
	stop := detect.Stop{Box: onTheKerb, Start: at(shanghai, "2026-03-02 10:00:00"), End: at(shanghai, "2026-03-02 12:00:00")}
	elsewhere := Zone{Polygon: Polygon{{0.8, 0.8}, {1, 0.8}, {1, 1}}}
	if v := night(nil).Judge(stop, elsewhere); v.Suspected || v.Reasons[0].Code != OutsideZone {
		t.Errorf("verdict = %+v", v)
	}
}

func TestJudgeLeavesOtherVehiclesAlone(t *testing.T) {
	stop := detect.Stop{Class: detect.Bicycle, Box: onTheKerb, Start: at(shanghai, "2026-03-02 10:00:00"), End: at(shanghai, "2026-03-02 12:00:00")}
	bays := kerb
	for vehicles, suspected := range map[Vehicles]bool{Motor: false, NonMotor: true} {
		bays.Vehicles = vehicles
		v := night(nil).Judge(stop, bays)
		if v.Suspected != suspected || !suspected && v.Reasons[0].Code != OtherVehicle {
			t.Errorf("a bicycle in a zone for %s: verdict = %+v", vehicles, v)
		}
	}
}

// The clocks of Berlin skip from 02:00 to 03:00 on 29 March 2026 and show
// 02:00 to 03:00 twice on 25 October 2026. A window is read off the clock.
func TestWindowsFollowTheClockOverDaylightSaving(t *testing.T) {
	berlin := location("Europe/Berlin")
	policy := night(func(s *RoadSection) {
		s.Location, s.Grace = berlin, 0
		s.Windows[0].From, s.Windows[0].Until = clock("22:00"), clock("06:00")
	})
	for name, test := range map[string]struct {
		start string
		hours float64
	}{
		"spring": {"2026-03-28 22:00:00", 7},
		"autumn": {"2026-10-24 22:00:00", 9},
		"winter": {"2026-12-24 22:00:00", 8},
	} {
		t.Run(name, func(t *testing.T) {
			start := at(berlin, test.start)
			end := start.Add(time.Duration(test.hours * float64(time.Hour)))
			stop := detect.Stop{Box: onTheKerb, Start: start, End: end.Add(-time.Second)}
			if v := policy.Judge(stop, kerb); v.Suspected || !slices.Contains(codes(v), WholeStopInside) {
				t.Errorf("inside the window: %v", v.Reasons)
			}
			stop.End = end.Add(policy.Section.ObservationPeriod)
			if v := policy.Judge(stop, kerb); !v.Suspected || !v.Since.Equal(end) {
				t.Errorf("after the window: since %v, want %v", v.Since, end)
			}
		})
	}
}

func TestEverySecondAroundTheBoundaries(t *testing.T) {
	policy := night(nil)
	for _, edge := range []struct {
		at     string
		inside func(time.Duration) bool
	}{
		{"2026-03-02 19:00:00", func(d time.Duration) bool { return d >= 0 }},
		{"2026-03-03 07:00:00", func(d time.Duration) bool { return d < 0 }},
	} {
		for d := -90 * time.Second; d <= 90*time.Second; d += time.Second {
			moment := at(shanghai, edge.at).Add(d)
			v := policy.Judge(detect.Stop{Box: onTheKerb, Start: moment, End: moment}, kerb)
			if got := slices.Contains(codes(v), InWindow); got != edge.inside(d) {
				t.Errorf("%s %+v: in the window = %v", edge.at, d, got)
			}
		}
	}
}

// Around each boundary, second by second: what is within the clock's error of
// a window is inside it, and what is not, is not.
func TestEverySecondWithinTheClocksError(t *testing.T) {
	ends, begins := at(shanghai, "2026-03-03 07:00:00"), at(shanghai, "2026-03-02 19:00:00")
	for _, margin := range []time.Duration{0, time.Second, 30 * time.Second} {
		policy := night(func(s *RoadSection) { s.ClockError = margin })
		period, grace := policy.Section.ObservationPeriod, policy.Section.Grace
		for d := -90 * time.Second; d <= 90*time.Second; d += time.Second {
			came := ends.Add(d)
			due := came.Add(period)
			if d < margin { // it may have come inside the window
				due = ends.Add(margin + grace + period)
			}
			v := policy.Judge(detect.Stop{Box: onTheKerb, Start: came, End: came.Add(time.Hour)}, kerb)
			if !v.Suspected || !v.Due.Equal(due) {
				t.Errorf("came %v after the end, clock within %v: due %v, want %v", d, margin, v.Due.In(shanghai), due)
			}

			came = begins.Add(-period - d)
			v = policy.Judge(detect.Stop{Box: onTheKerb, Start: came, End: came.Add(time.Hour)}, kerb)
			if want := d >= margin; v.Suspected != want {
				t.Errorf("%v longer than the period before the beginning, clock within %v: suspected %v", d, margin, v.Suspected)
			}
		}
	}
}

func TestPropertiesOfTheJudge(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	monday := at(shanghai, "2026-03-02 00:00:00")
	for range 20000 {
		w := TidalWindow{From: Clock(random.IntN(24 * 60)), Until: Clock(1 + random.IntN(24*60))}
		if w.From == w.Until {
			continue
		}
		policy := night(func(s *RoadSection) { s.Windows[0] = w })
		start := monday.Add(time.Duration(random.IntN(3*24*3600)) * time.Second)
		stop := detect.Stop{Box: onTheKerb, Start: start, End: start.Add(time.Duration(random.IntN(20*3600)) * time.Second)}
		v := policy.Judge(stop, kerb)

		for _, open := range touching(policy, stop) {
			if v.Suspected && !open.From.After(stop.Start) && open.Until.After(stop.End) {
				t.Fatalf("%v inside %v is suspected", stop, open)
			}
		}
		if v.Suspected && (v.Due.After(stop.End) || v.Since.Before(stop.Start) ||
			v.Due.Sub(v.Since) < policy.Section.ObservationPeriod) {
			t.Fatalf("verdict %+v on %v to %v", v, stop.Start, stop.End)
		}
		wider := night(func(s *RoadSection) {
			s.Windows = []TidalWindow{w, {From: w.Until % (24 * 60), Until: (w.Until + 30) % (24 * 60)}}
		})
		if !v.Suspected && wider.Judge(stop, kerb).Suspected {
			t.Fatalf("another window adds a violation: %+v, stop %v to %v", w, stop.Start, stop.End)
		}
		longer := stop
		longer.End = stop.End.Add(time.Hour)
		if v.Suspected && !policy.Judge(longer, kerb).Due.Equal(v.Due) {
			t.Fatalf("staying longer changes when the period ran out: %v to %v", stop.Start, stop.End)
		}
	}
}

func TestPolicyIDDependsOnWhatIsAnnounced(t *testing.T) {
	base := night(nil).ID
	if again := night(nil).ID; again != base {
		t.Errorf("same rule, other ID: %s and %s", base, again)
	}
	if renamed := night(func(s *RoadSection) { s.Name = "另一名称" }).ID; renamed != base {
		t.Error("a section's display name is part of the rule")
	}
	for name, change := range map[string]func(*RoadSection){
		"hours":        func(s *RoadSection) { s.Windows[0].Until++ },
		"announcement": func(s *RoadSection) { s.Windows[0].Announcement = "2027-1" },
		"period":       func(s *RoadSection) { s.ObservationPeriod++ },
		"grace":        func(s *RoadSection) { s.Grace++ },
		"code":         func(s *RoadSection) { s.Code = "10391" },
		"time zone":    func(s *RoadSection) { s.Location = time.UTC },
		"weekdays":     func(s *RoadSection) { s.Windows[0].Weekdays = []time.Weekday{time.Monday} },
		"validity":     func(s *RoadSection) { s.Windows[0].LastDay = Date{2026, 12, 31} },
	} {
		if night(change).ID == base {
			t.Errorf("another %s, same ID", name)
		}
	}
}

func TestParseClock(t *testing.T) {
	for text, want := range map[string]Clock{"00:00": 0, "07:05": 425, "23:59": 1439, "24:00": 1440} {
		if got, err := ParseClock(text); err != nil || got != want || got.String() != text {
			t.Errorf("ParseClock(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "7:00", "24:01", "12:60", "noon", "07:00 "} {
		if c, err := ParseClock(text); err == nil {
			t.Errorf("ParseClock(%q) = %v, want an error", text, c)
		}
	}
}

func FuzzParseClock(f *testing.F) {
	f.Add("19:00")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseClock(text); err == nil && c.String() != text {
			t.Errorf("%q reads back as %q", text, c)
		}
	})
}

// BenchmarkJudge judges a stop of a night under a policy of nine windows.
func BenchmarkJudge(b *testing.B) {
	policy := night(func(s *RoadSection) {
		for hour := range 8 {
			s.Windows = append(s.Windows, TidalWindow{From: Clock(hour * 60), Until: Clock(hour*60 + 30)})
		}
	})
	stop := detect.Stop{Box: onTheKerb, Start: at(shanghai, "2026-03-02 18:59:00"), End: at(shanghai, "2026-03-03 09:00:00")}
	for b.Loop() {
		if !policy.Judge(stop, kerb).Suspected {
			b.Fatal("not suspected")
		}
	}
}

// touching are the openings that a stop has a moment of.
func touching(p Policy, stop detect.Stop) []Opening {
	open, _ := p.Section.Openings(Span{stop.Start, stop.End.Add(1)})
	return open
}
