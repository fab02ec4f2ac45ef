package enforce

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

// Places whose clocks differ in every way that clocks differ: none, an hour, and
// half an hour of daylight saving, on both halves of the globe.
var places = []string{"Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC"}

// spring is when clocks change in Berlin and New York, and a holiday is near.
var spring = Date{2026, 3, 1}

// dice make rules and stops at random, within the same few weeks.
type dice struct{ *rand.Rand }

func newDice(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 7))} }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func (d dice) day() Date { return spring.AddDays(d.IntN(40)) }

func (d dice) hours() Hours {
	h := Hours{From: Clock(d.IntN(24 * 60)), Until: Clock(1 + d.IntN(24*60))}
	if h.From == h.Until {
		h.From, h.Until = 0, 24*60
	}
	if d.chance(30) {
		h.Weekdays = []time.Weekday{time.Weekday(d.IntN(7)), time.Weekday(d.IntN(7)), time.Weekday(d.IntN(7))}
	}
	if d.chance(40) {
		h.Kinds = []DayKind{DayKinds[d.IntN(4)], DayKinds[d.IntN(4)]}
	}
	if d.chance(10) {
		h.Days = []Date{d.day(), d.day(), d.day()}
	}
	if d.chance(20) {
		h.FirstDay = d.day()
	}
	if d.chance(20) {
		h.LastDay = d.day()
	}
	return h
}

func (d dice) window() TidalWindow { return windowOf("a", "", d.hours()) }

func (d dice) minutes(most int) time.Duration { return time.Duration(d.IntN(most)) * time.Minute }

func (d dice) section() RoadSection {
	s := RoadSection{
		ID: "road", Location: location(places[d.IntN(len(places))]), Code: "1039",
		ObservationPeriod: time.Minute + d.minutes(10), Grace: d.minutes(20),
		ClockError: time.Duration(d.IntN(4)) * 20 * time.Second,
		Calendar: Calendar{Years: []int{2025, 2026}, Days: []SpecialDay{
			{spring.AddDays(7), AdjustedWorkday, "x"},
			{spring.AddDays(10), StatutoryHoliday, "x"},
			{spring.AddDays(11), StatutoryHoliday, "x"},
			{spring.AddDays(12), StatutoryHoliday, "x"},
		}},
	}
	if d.chance(15) {
		s.Calendar = Calendar{} // nothing is known
	}
	for range 1 + d.IntN(4) {
		s.Windows = append(s.Windows, d.window())
	}
	for range d.IntN(3) {
		from := d.day().Midnight(s.Location).Add(d.minutes(24 * 60))
		s.Suspensions = append(s.Suspensions, Suspension{Announcement: "s", From: from, Until: from.Add(time.Minute + d.minutes(3*24*60))})
	}
	for range d.IntN(4) {
		s.Limits = append(s.Limits, Limit{d.hours(), time.Minute + d.minutes(10), d.minutes(20)})
	}
	return s
}

// edge is a moment at which hours of the section begin or end, on some day.
func (d dice) edge(s RoadSection) time.Time {
	var all []Hours
	for _, w := range s.Windows {
		all = append(all, w.hours())
	}
	for _, l := range s.Limits {
		all = append(all, l.Hours)
	}
	span := all[d.IntN(len(all))].beginningOn(faceOf(d.day(), s.Location))
	if d.chance(50) {
		return span.From
	}
	return span.Until
}

func (d dice) stop(s RoadSection) StopRecord {
	start := d.day().Midnight(s.Location).Add(time.Duration(d.IntN(24*3600)) * time.Second)
	if d.chance(70) {
		start = d.edge(s).Add(time.Duration(d.IntN(1800)-1500) * time.Second)
	}
	longest := 3600
	if d.chance(30) {
		longest = 40 * 3600
	}
	stop := StopRecord{Start: kept(start), End: kept(start.Add(time.Duration(d.IntN(longest)) * time.Second)), Class: detect.Car, Box: onTheKerb}
	for from := start; d.chance(40); {
		from = from.Add(d.minutes(20))
		until := from.Add(time.Duration(1+d.IntN(600)) * time.Second)
		if !until.Before(stop.End) {
			break
		}
		stop.Unseen = append(stop.Unseen, UnseenSpan{kept(from), kept(until)})
		from = until.Add(time.Second)
	}
	return stop
}

// tries is how many rules and stops are made for each property.
const tries = 1000

// worse reports whether a verdict holds something against the driver that the
// other does not.
func worse(v, than Verdict) bool {
	return v.Suspected && (!than.Suspected || v.Due.Before(than.Due))
}

func TestAStopInsideAWindowIsNeverSuspected(t *testing.T) {
	d := newDice(1)
	inside := 0
	for range tries {
		p := NewPolicy(d.section())
		open, _ := p.Section.Openings(Span{spring.Midnight(time.UTC), spring.AddDays(40).Midnight(time.UTC)})
		if len(open) == 0 {
			continue
		}
		o := open[d.IntN(len(open))]
		start := o.From.Add(time.Duration(d.Int64N(int64(o.Until.Sub(o.From)))))
		stop := d.stop(p.Section)
		stop.Start, stop.Unseen = kept(start), nil
		stop.End = kept(start.Add(time.Duration(d.Int64N(int64(o.Until.Sub(start))))))
		if stop.Start.Before(o.From) {
			continue // cut to whole microseconds
		}
		inside++
		if v := p.JudgeRecord(stop, kerb); v.Suspected {
			t.Fatalf("%v to %v, in the window %v to %v: %+v\n%s", stop.Start, stop.End, o.From, o.Until, v.Reasons, p.Document())
		}
	}
	if inside < tries/2 {
		t.Fatalf("only %d stops were inside a window", inside)
	}
}

// Whatever permits more, holds nothing against anybody that was not held
// before.
func TestMorePermittedTimeNeverAddsAViolation(t *testing.T) {
	widen := map[string]func(d dice, s *RoadSection){
		"another window": func(d dice, s *RoadSection) { s.Windows = append(s.Windows, d.window()) },
		"ends later": func(d dice, s *RoadSection) {
			w := &s.Windows[d.IntN(len(s.Windows))]
			if w.From < w.Until {
				w.Until += Clock(d.IntN(int(24*60 - w.Until + 1)))
			} else {
				w.Until += Clock(d.IntN(int(w.From - w.Until)))
			}
		},
		"begins earlier": func(d dice, s *RoadSection) {
			w := &s.Windows[d.IntN(len(s.Windows))]
			if w.From < w.Until {
				w.From -= Clock(d.IntN(int(w.From) + 1))
			} else {
				w.From -= Clock(d.IntN(int(w.From - w.Until)))
			}
		},
		"every kind of day": func(d dice, s *RoadSection) { s.Windows[d.IntN(len(s.Windows))].Kinds = nil },
		"every day":         func(d dice, s *RoadSection) { s.Windows[d.IntN(len(s.Windows))].Weekdays = nil },
		"longer in force":   func(d dice, s *RoadSection) { s.Windows[d.IntN(len(s.Windows))].LastDay = Date{} },
		"not suspended":     func(_ dice, s *RoadSection) { s.Suspensions = nil },
		"a worse clock":     func(d dice, s *RoadSection) { s.ClockError += time.Duration(d.IntN(120)) * time.Second },
		"nothing announced": func(_ dice, s *RoadSection) { s.Calendar = Calendar{} },
	}
	for name, more := range widen {
		t.Run(name, func(t *testing.T) {
			d := newDice(2)
			saved := 0
			for range tries {
				section := d.section()
				narrow := NewPolicy(section)
				more(d, &section)
				wide := NewPolicy(RoadSection{
					ID: section.ID, Location: section.Location, Code: section.Code, ObservationPeriod: section.ObservationPeriod,
					Grace: section.Grace, ClockError: section.ClockError, Limits: section.Limits, Suspensions: section.Suspensions,
					Windows: section.Windows, Calendar: section.Calendar,
				})
				stop := d.stop(section)
				before, after := narrow.JudgeRecord(stop, kerb), wide.JudgeRecord(stop, kerb)
				if worse(after, before) {
					t.Fatalf("%v to %v, unseen %v\ndue %v: %+v\nbefore due %v: %+v\n%s\n%s", stop.Start, stop.End, stop.Unseen,
						after.Due, after.Reasons, before.Due, before.Reasons, wide.Document(), narrow.Document())
				}
				if before.Suspected && !after.Suspected {
					saved++
				}
			}
			if saved == 0 {
				t.Error("it never made a difference")
			}
		})
	}
}

// What is held under a clock's error holds for every true time within it.
func TestAClockErrorHoldsForEveryTimeWithinIt(t *testing.T) {
	d := newDice(3)
	held := 0
	for range tries {
		section := d.section()
		unsure := NewPolicy(section)
		margin := section.ClockError
		section.ClockError = 0
		exact := NewPolicy(section)
		stop := d.stop(section)
		v := unsure.JudgeRecord(stop, kerb)
		if !v.Suspected {
			continue
		}
		held++
		for _, off := range []time.Duration{-margin, -margin / 2, 0, margin / 2, margin} {
			if !exact.JudgeRecord(shifted(stop, off), kerb).Suspected {
				t.Fatalf("%v to %v is suspected within %v, not if its clock was off by %v\n%s", stop.Start, stop.End, margin, off, unsure.Document())
			}
		}
	}
	if held < tries/10 {
		t.Fatalf("only %d stops were suspected", held)
	}
}

// shifted is a stop as another clock would have told it.
func shifted(s StopRecord, by time.Duration) StopRecord {
	s.Start, s.End, s.Unseen = s.Start.Add(by), s.End.Add(by), slices.Clone(s.Unseen)
	for i := range s.Unseen {
		s.Unseen[i].From, s.Unseen[i].Until = s.Unseen[i].From.Add(by), s.Unseen[i].Until.Add(by)
	}
	return s
}

func TestNothingUnseenIsHeldAgainstAnybody(t *testing.T) {
	d := newDice(4)
	for range tries {
		p := NewPolicy(d.section())
		stop := d.stop(p.Section)
		seeing := stop
		seeing.Unseen = nil
		if partly, all := p.JudgeRecord(stop, kerb), p.JudgeRecord(seeing, kerb); worse(partly, all) {
			t.Fatalf("%v to %v, unseen %v: due %v, in full sight %v", stop.Start, stop.End, stop.Unseen, partly.Due, all.Due)
		}
	}
}

// Staying longer changes nothing of what was said, and leaving earlier is never
// worse.
func TestADeadlineStaysWhereItIs(t *testing.T) {
	d := newDice(5)
	for range tries {
		p := NewPolicy(d.section())
		stop := d.stop(p.Section)
		longer := stop
		longer.End = stop.End.Add(d.minutes(600))
		now, later := p.JudgeRecord(stop, kerb), p.JudgeRecord(longer, kerb)
		if now.Suspected && (!later.Suspected || !later.Due.Equal(now.Due) || !later.Since.Equal(now.Since)) {
			t.Fatalf("%v to %v: due %v, then %v\n%s", stop.Start, stop.End, now.Due, later.Due, p.Document())
		}
		if now.Suspected && (now.Due.After(stop.End) || now.Since.Before(stop.Start)) {
			t.Fatalf("%v to %v: since %v, due %v", stop.Start, stop.End, now.Since, now.Due)
		}
	}
}

// Nothing depends on where or when it is judged: the document and the record,
// read back on a machine in another zone, give the same verdict to the letter.
func TestJudgedAgainElsewhere(t *testing.T) {
	home := time.Local
	t.Cleanup(func() { time.Local = home })
	d := newDice(6)
	for range tries / 4 {
		p := NewPolicy(d.section())
		v := Violation{Policy: p.ID, Zone: RefOf(kerb), Stop: d.stop(p.Section)}
		want := p.JudgeRecord(v.Stop, kerb)
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}

		time.Local = location(places[d.IntN(len(places))])
		var again Violation
		if err := json.Unmarshal(text, &again); err != nil {
			t.Fatal(err)
		}
		read, err := ParsePolicy(p.Document())
		if err != nil {
			t.Fatalf("%v\n%s", err, p.Document())
		}
		if read.ID != p.ID {
			t.Fatalf("read as %s, written as %s", read.ID, p.ID)
		}
		if diff := cmp.Diff(want, Rejudge(again, read)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		time.Local = home
	}
}

// What is said of a moment is what the judge goes by.
func TestAnExplanationAgreesWithTheJudge(t *testing.T) {
	d := newDice(8)
	for range tries {
		section := d.section()
		section.ClockError = 0
		p := NewPolicy(section)
		at := d.stop(section).Start
		e := p.Explain(at)
		v := p.JudgeRecord(StopRecord{Start: at, End: at, Class: detect.Car, Box: onTheKerb}, kerb)
		if judged := slices.Contains(codes(v), InWindow); judged != e.Permitted {
			t.Fatalf("%v: explained as permitted: %v, judged: %v\n%s", at, e.Permitted, judged, p.Document())
		}
		open := slices.ContainsFunc(e.Windows, func(w WindowState) bool { return w.State == Open || w.State == OpenUncertain })
		if open != e.Permitted {
			t.Fatalf("%v: permitted %v, windows %+v", at, e.Permitted, e.Windows)
		}
	}
}

// slowly judges as the rule is read aloud: second by second, by the clock on
// the wall, in a zone without daylight saving and without limits of some hours.
func slowly(s RoadSection, stop StopRecord) bool {
	permitted := func(t time.Time) bool {
		for off := -s.ClockError; off <= s.ClockError; off += time.Second {
			at := t.Add(off).In(s.Location)
			clock := Clock(at.Hour()*60 + at.Minute())
			for _, w := range s.Windows {
				today, yesterday := DateOf(at), DateOf(at).AddDays(-1)
				allowed := func(d Date) bool {
					return len(w.Weekdays) == 0 || slices.Contains(w.Weekdays, d.Weekday())
				}
				switch {
				case w.From < w.Until && clock >= w.From && clock < w.Until && allowed(today):
					return true
				case w.From >= w.Until && clock >= w.From && allowed(today):
					return true
				case w.From >= w.Until && clock < w.Until && allowed(yesterday):
					return true
				}
			}
		}
		return false
	}
	stood, required := time.Duration(0), s.ObservationPeriod
	for t := stop.Start; !t.After(stop.End); t = t.Add(time.Second) {
		switch {
		case stood >= required:
			return true
		case permitted(t):
			stood, required = 0, s.ObservationPeriod+s.Grace
		default:
			stood += time.Second
		}
	}
	return false
}

func TestTheJudgeAgreesWithASlowOne(t *testing.T) {
	d := newDice(9)
	suspected := 0
	for range 600 {
		s := RoadSection{
			ID: "road", Location: shanghai, ObservationPeriod: time.Duration(30+d.IntN(300)) * time.Second,
			Grace: time.Duration(d.IntN(300)) * time.Second, ClockError: time.Duration(d.IntN(4)) * time.Second,
		}
		for range 1 + d.IntN(3) {
			w := TidalWindow{From: Clock(d.IntN(24 * 60)), Until: Clock(1 + d.IntN(24*60-1))}
			if w.From == w.Until {
				continue
			}
			if d.chance(30) {
				w.Weekdays = []time.Weekday{time.Weekday(d.IntN(7)), time.Weekday(d.IntN(7))}
			}
			s.Windows = append(s.Windows, w)
		}
		stop := StopRecord{Class: detect.Car, Box: onTheKerb, Start: kept(spring.Midnight(shanghai).Add(time.Duration(d.IntN(5*24*3600)) * time.Second))}
		if len(s.Windows) > 0 && d.chance(70) { // near a boundary
			edge := []Clock{s.Windows[0].From, s.Windows[0].Until}[d.IntN(2)]
			stop.Start = kept(edge.on(spring.AddDays(d.IntN(5)), shanghai).Add(time.Duration(d.IntN(400)-200) * time.Second))
		}
		stop.End = stop.Start.Add(time.Duration(d.IntN(1200)) * time.Second)
		got, want := NewPolicy(s).JudgeRecord(stop, kerb), slowly(s, stop)
		if got.Suspected != want {
			t.Fatalf("%v to %v: suspected %v, want %v: %+v\n%s", stop.Start.In(shanghai), stop.End.In(shanghai), got.Suspected, want, got.Reasons, NewPolicy(s).Document())
		}
		if want {
			suspected++
		}
	}
	if suspected < 100 {
		t.Errorf("only %d were suspected", suspected)
	}
}
