package ingest

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// street is a camera's clock and its network, made up.
type street struct {
	offset  time.Duration // of the camera's clock as the test begins
	drift   float64
	report  time.Duration // when the first report comes
	delay   func(*rand.Rand) time.Duration
	step    time.Duration // what the clock is set forward by
	stepAt  time.Duration
	session time.Duration // a new session begins then, if not zero
}

// play sends 25 pictures a second for so long, and returns the units.
func (s street) play(c *Clock, during time.Duration) []*Unit {
	random := rand.New(rand.NewPCG(1, 2))
	begin := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	var units []*Unit
	var base time.Duration
	session := c.number + 1
	for at := time.Duration(0); at < during; at += 40 * time.Millisecond {
		if s.session > 0 && at == s.session {
			session++
			base = at
		}
		taken := begin.Add(at)
		camera := taken.Add(s.offset + time.Duration(s.drift*float64(at)))
		if s.step != 0 && at >= s.stepAt {
			camera = camera.Add(s.step)
		}
		u := &Unit{Session: session, PTS: at - base, Stamp: Stamp{Arrival: taken.Add(s.delay(random))}}
		if at >= s.report {
			u.Camera = camera
		}
		c.Stamp(u)
		units = append(units, u)
	}
	return units
}

// lan is a network of 2 ms at least, 5 ms more on average, and now and then a
// second of congestion.
func lan(r *rand.Rand) time.Duration {
	d := 2*time.Millisecond + time.Duration(r.ExpFloat64()*float64(5*time.Millisecond))
	if r.IntN(1000) == 0 {
		d += time.Second
	}
	return d
}

func TestClockTellsOffsetAndDrift(t *testing.T) {
	for _, test := range []struct {
		name   string
		street street
	}{
		{"right", street{delay: lan}},
		{"an hour behind", street{offset: -time.Hour, delay: lan}},
		{"a time zone ahead", street{offset: 8 * time.Hour, delay: lan}},
		{"fast by 500 ppm", street{drift: 500e-6, delay: lan}},
		{"slow by 30 ppm", street{offset: time.Second, drift: -30e-6, delay: lan}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewClock(ClockSpan)
			const during = 200 * time.Second
			units := test.street.play(c, during)
			last := units[len(units)-1]
			if off := last.Clock.Drift - test.street.drift; off > 1e-6 || off < -1e-6 {
				t.Errorf("drift %.2f ppm, want %.2f", last.Clock.Drift*1e6, test.street.drift*1e6)
			}
			truth := test.street.offset + time.Duration(test.street.drift*float64(during)) - 2*time.Millisecond
			got, known := last.ClockError()
			if !known || (got-truth).Abs() > 2*time.Millisecond {
				t.Errorf("clock error %s (%v), want %s", got, known, truth)
			}
			if c.Steps() != 0 {
				t.Errorf("%d steps", c.Steps())
			}
		})
	}
}

// TestClockIsNotBentByCongestion checks that a minute in which every picture
// is half a second late changes neither offset nor drift much.
func TestClockIsNotBentByCongestion(t *testing.T) {
	c := NewClock(ClockSpan)
	n := 0
	s := street{delay: func(r *rand.Rand) time.Duration {
		n++
		late := time.Duration(0)
		if at := time.Duration(n) * 40 * time.Millisecond; at > 60*time.Second && at < 90*time.Second {
			late = 500 * time.Millisecond
		}
		return lan(r) + late
	}}
	units := s.play(c, 170*time.Second)
	last := units[len(units)-1]
	if got, _ := last.ClockError(); got.Abs() > 10*time.Millisecond || last.Clock.Drift > 20e-6 || last.Clock.Drift < -20e-6 {
		t.Errorf("clock error %s, drift %.1f ppm", got, last.Clock.Drift*1e6)
	}
}

func TestClockNoticesThatTheCamerasClockWasSet(t *testing.T) {
	for _, test := range []struct {
		name   string
		street street
		steps  int
	}{
		{"an hour forward", street{step: time.Hour, stepAt: time.Minute, delay: lan}, 1},
		{"a second back", street{step: -time.Second, stepAt: time.Minute, delay: lan}, 1},
		{"two seconds between two sessions", street{step: 2 * time.Second, stepAt: time.Minute, session: time.Minute, delay: lan}, 1},
		{"between two sessions", street{step: -time.Hour, stepAt: time.Minute, session: time.Minute, delay: lan}, 1},
		{"between two sessions, the first of which was short", street{step: -time.Hour, stepAt: 7 * time.Second, session: 7 * time.Second, delay: lan}, 1},
		{"a new session after a short one, the clock as before", street{session: 7 * time.Second, delay: lan}, 0},
		{"a new session, the clock as before", street{session: time.Minute, delay: lan}, 0},
		{"slewed", street{step: 80 * time.Millisecond, stepAt: time.Minute, delay: lan}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := NewClock(ClockSpan)
			units := test.street.play(c, 2*time.Minute)
			if c.Steps() != test.steps {
				t.Errorf("%d steps, want %d", c.Steps(), test.steps)
			}
			last := units[len(units)-1]
			if got, _ := last.ClockError(); (got - test.street.step).Abs() > 100*time.Millisecond {
				t.Errorf("clock error %s in the end, want %s", got, test.street.step)
			}
			for i, u := range units {
				if off := u.Moment().Sub(u.Arrival); off > 10*time.Millisecond || off < -1100*time.Millisecond {
					t.Fatalf("unit %d is judged %s from its arrival", i, off)
				}
			}
		})
	}
}

// TestClockResolvesTimesBeforeTheFirstReport checks that a picture whose time
// was uncertain is told once the report has come.
func TestClockResolvesTimesBeforeTheFirstReport(t *testing.T) {
	c := NewClock(ClockSpan)
	early := street{report: time.Hour, delay: lan}.play(c, time.Second)[5]
	if _, known := early.Resolved().ClockError(); known || !early.Time(time.Second).Equal(early.Arrival) {
		t.Errorf("before any report the time is known: %+v", early.Resolved())
	}
	units := street{report: 5 * time.Second, delay: lan}.play(c, 6*time.Second)
	first := units[0]
	if !first.Camera.IsZero() {
		t.Error("a unit was changed after it was handed out")
	}
	want := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	if got := first.Resolved().Camera; !got.Equal(want) {
		t.Errorf("resolved to %s, want %s", got, want)
	}
	if got := first.Time(time.Second); !got.Equal(want) {
		t.Errorf("judged by %s, want %s", got, want)
	}
	if _, known := early.Resolved().ClockError(); known {
		t.Error("a report of the next session told the time of this one")
	}
}

// TestClockDoubtsReports checks that reports which are off by up to 50 ms, each
// another way, seldom look like a drift.
func TestClockDoubtsReports(t *testing.T) {
	c := NewClock(ClockSpan)
	random := rand.New(rand.NewPCG(3, 4))
	begin := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	report := time.Duration(0)
	drifting := 0
	for i := range 25 * 3600 {
		at := time.Duration(i) * 40 * time.Millisecond
		if i%125 == 0 {
			report = time.Duration((random.Float64() - 0.5) * float64(100*time.Millisecond))
		}
		u := &Unit{Session: 1, PTS: at, Stamp: Stamp{Camera: begin.Add(at + report), Arrival: begin.Add(at + lan(random))}}
		c.Stamp(u)
		if math.Abs(u.Clock.Drift) > 1e-4 {
			drifting++
		}
	}
	if drifting > 25*3600/20 {
		t.Errorf("drifting in %d of %d pictures", drifting, 25*3600)
	}
}

// TestClockSurvivesOurClockBeingSet sets our own clock forward, as the system
// does when it learns the time.
func TestClockSurvivesOurClockBeingSet(t *testing.T) {
	const ahead = 10 * time.Second
	c := NewClock(ClockSpan)
	begin := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	for i := range 25 * 300 {
		at := time.Duration(i) * 40 * time.Millisecond
		u := &Unit{Session: 1, PTS: at, Stamp: Stamp{Camera: begin.Add(at), Arrival: begin.Add(at + 2*time.Millisecond)}}
		set := i >= 25*100
		if set {
			u.Arrival = u.Arrival.Add(ahead)
		}
		if i == 25*100 {
			c.shift(ahead)
		}
		c.Stamp(u)
		want := -2 * time.Millisecond
		if set {
			want -= ahead
		}
		if got, _ := u.ClockError(); (got-want).Abs() > 10*time.Millisecond || math.Abs(u.Clock.Drift) > 1e-6 {
			t.Fatalf("second %d: the camera's clock is %s off, want %s; drift %v", i/25, got, want, u.Clock.Drift)
		}
	}
	if c.Steps() != 0 {
		t.Errorf("%d steps of the camera's clock", c.Steps())
	}
}

func TestClockGivesTimesWithoutTheDelay(t *testing.T) {
	c := NewClock(ClockSpan)
	stall := street{offset: -time.Hour, delay: func(r *rand.Rand) time.Duration { return 2 * time.Millisecond }}
	stall.play(c, time.Minute)
	taken := time.Date(2026, 7, 1, 19, 1, 0, 0, time.UTC)
	u := &Unit{Session: 1, PTS: time.Minute, Stamp: Stamp{Camera: taken.Add(-time.Hour), Arrival: taken.Add(5 * time.Second)}}
	c.Stamp(u)
	if off := u.Moment().Sub(taken); off.Abs() > 10*time.Millisecond {
		t.Errorf("a picture that was held up for 5 s is judged %s off", off)
	}
}
