package ingest

import (
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// ClockReading is what was known of a camera's clock when a picture arrived.
type ClockReading struct {
	Offset  time.Duration // camera's clock minus ours, less the least delay of the network
	Drift   float64       // seconds that it gains on ours in each second; 0 until known, or if it cannot be told from none
	Settled bool          // by many pictures; else nothing is known but this picture's own times
}

const (
	// clockStep is the jump of a camera's clock against its own pictures from
	// which it was set, not slewed. Reports are off by up to a tenth of a
	// second in some cameras.
	clockStep = 500 * time.Millisecond

	fitSpans   = 30 // spans from which drift is told, and the most that are kept
	fitSettled = 2  // spans from which the offset is
)

// ClockSpan is long enough for the least delay in it to be the network's own.
const ClockSpan = 5 * time.Second

// Clock follows the clock of one camera through the units of one stream. Two
// pictures say nothing of it, since each has its own delay; the least delays of
// some minutes do. It is used by one goroutine; the units that it has stamped
// may be read by any.
type Clock struct {
	span time.Duration // the least delay of each such time counts

	number  uint64 // of the session
	session *timeline
	last    *moment   // the newest picture of the session whose time is known
	arrival time.Time // of the unit before

	spans   []delay // that are complete, oldest first
	open    *delay  // the span that is not
	fresh   bool    // none of the session is complete: the clock may have been set meanwhile
	reading ClockReading
	fitted  time.Time // when reading.Offset holds, by our clock
	steps   int
}

// NewClock returns the clock of a camera of which nothing is known. The least
// delay of each span counts: take ClockSpan.
func NewClock(span time.Duration) *Clock { return &Clock{span: span} }

// delay is the least time from a camera's clock to our arrival in one span.
type delay struct {
	began   time.Time // of the span, by our clock
	arrival time.Time // of the unit that had it
	least   time.Duration
}

// Stamp completes a unit's stamp before anybody else sees it. Units must come
// in order of arrival; presentation times count anew in each session.
func (c *Clock) Stamp(u *Unit) {
	if c.session == nil || u.Session != c.number {
		c.number, c.session, c.last = u.Session, &timeline{began: u.Arrival}, nil
		c.open, c.fresh = nil, true
	}
	u.timeline = c.session
	c.ours(u.Arrival)
	c.session.pace.add(u.PTS, u.Arrival, u.Camera)
	if _, wrong := c.session.pace.speed(); wrong {
		// Between its reports a camera's time is told by its media clock.
		u.Camera = time.Time{}
		c.spans, c.open, c.last, c.reading = nil, nil, nil, ClockReading{}
	}
	if u.Camera.IsZero() {
		return
	}
	c.session.learn(u.PTS, u.Camera)
	if c.last != nil && (u.Camera.Sub(c.last.camera)-(u.PTS-c.last.pts)).Abs() > clockStep {
		c.stepped()
	}
	c.last = &moment{u.PTS, u.Camera}
	c.add(u)
	if !c.fresh {
		u.Clock = c.at(u.Arrival)
	}
}

// at is the reading at a moment by our clock.
func (c *Clock) at(now time.Time) ClockReading {
	r := c.reading
	r.Offset += time.Duration(r.Drift * float64(now.Sub(c.fitted)))
	return r
}

// Steps is how often the camera's clock was set.
func (c *Clock) Steps() int { return c.steps }

// stepped begins anew: the camera's clock was set.
func (c *Clock) stepped() {
	c.steps++
	c.spans, c.open, c.reading = nil, nil, ClockReading{}
}

// ours notices that our own clock was set: more or less time has passed by it
// than by the machine's own. What is known of the camera's stays true.
func (c *Clock) ours(arrival time.Time) {
	jump := arrival.Round(0).Sub(c.arrival.Round(0)) - arrival.Sub(c.arrival)
	first := c.arrival.IsZero()
	c.arrival = arrival
	if !first && jump.Abs() > clockStep {
		c.shift(jump)
	}
}

// shift moves our clock forward in what is known.
func (c *Clock) shift(jump time.Duration) {
	for i := range c.spans {
		c.spans[i].least += jump
	}
	if c.open != nil {
		c.open.least += jump
	}
	c.reading.Offset -= jump
}

// add enters a unit's delay, and reckons anew when a span is complete.
func (c *Clock) add(u *Unit) {
	late := u.Arrival.Round(0).Sub(u.Camera)
	if c.open != nil && u.Arrival.Sub(c.open.began) < c.span {
		if late < c.open.least {
			c.open.arrival, c.open.least = u.Arrival, late
		}
		return
	}
	if c.open != nil {
		c.complete(*c.open)
	}
	c.open = &delay{began: u.Arrival, arrival: u.Arrival, least: late}
}

// complete takes a span. The first of a session tells whether the camera's
// clock was set between two sessions.
func (c *Clock) complete(d delay) {
	if c.fresh && len(c.spans) > 0 && (d.least-c.expected(d.arrival)).Abs() > clockStep {
		c.stepped()
	}
	c.fresh = false
	c.spans = append(c.spans, d)
	c.spans = c.spans[max(0, len(c.spans)-fitSpans):]
	c.fit()
}

// expected is the least delay that a span should have by those before it.
func (c *Clock) expected(arrival time.Time) time.Duration {
	if c.reading.Settled {
		return -c.at(arrival).Offset
	}
	return c.spans[len(c.spans)-1].least
}

// fit reckons offset and drift: the drift is the median slope between any two
// spans, which a congested network cannot bend, and the offset follows from it.
func (c *Clock) fit() {
	n := len(c.spans)
	if n < fitSettled {
		return
	}
	c.fitted = c.spans[n-1].arrival
	drift := 0.0
	if n == fitSpans {
		drift = medianSlope(c.spans)
	}
	offsets := c.offsets(drift)
	if drift != 0 && math.Abs(drift) < slopeError(c.spans, offsets) {
		drift = 0
		offsets = c.offsets(0)
	}
	slices.Sort(offsets)
	offset := offsets[n-1] // the least delay of all
	if n == fitSpans {
		offset = offsets[n/2]
	}
	c.reading = ClockReading{Offset: offset, Drift: drift, Settled: true}
}

// offsets are what each span says of the offset at c.fitted.
func (c *Clock) offsets(drift float64) []time.Duration {
	offsets := make([]time.Duration, len(c.spans))
	for i, d := range c.spans {
		offsets[i] = -d.least + time.Duration(drift*float64(c.fitted.Sub(d.arrival)))
	}
	return offsets
}

func medianSlope(spans []delay) float64 {
	var slopes []float64
	for i, a := range spans {
		for _, b := range spans[i+1:] {
			if apart := b.arrival.Sub(a.arrival); apart > 0 {
				slopes = append(slopes, float64(a.least-b.least)/float64(apart))
			}
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	slices.Sort(slopes)
	return slopes[len(slopes)/2]
}

// slopeError is the slope from which spans differ more than they scatter: four
// standard errors of a line through them, the scatter told by the median
// deviation of what the line leaves.
func slopeError(spans []delay, offsets []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(offsets))
	middle := sorted[len(sorted)/2]
	for i, o := range sorted {
		sorted[i] = (o - middle).Abs()
	}
	slices.Sort(sorted)
	scatter := 1.4826 * float64(sorted[len(sorted)/2])
	long := float64(spans[len(spans)-1].arrival.Sub(spans[0].arrival))
	return 4 * scatter * math.Sqrt(12/float64(len(spans))) / long
}

// timeline joins the presentation times of one session with the camera's
// clock, once its first report has come.
type timeline struct {
	began time.Time // arrival of its first unit
	first atomic.Pointer[moment]
	pace  pace
}

// shown is when a picture is shown, since the session began: by its media clock
// where that is right, by as much slower or faster where it is known to be wrong,
// and by its arrival where it stands still.
func (t *timeline) shown(pts time.Duration, arrival time.Time) time.Duration {
	if t == nil {
		return pts
	}
	speed, wrong := t.pace.speed()
	switch {
	case !wrong:
		return pts
	case speed < paceStill:
		return arrival.Sub(t.began)
	}
	return time.Duration(float64(pts) / speed)
}

// moment is a picture's time, told twice.
type moment struct {
	pts    time.Duration
	camera time.Time
}

// learn takes the first picture of which the camera's time is known.
func (t *timeline) learn(pts time.Duration, camera time.Time) {
	if t.first.Load() == nil {
		t.first.Store(&moment{pts, camera})
	}
}

// at is the camera's time of another picture of the session, if known.
func (t *timeline) at(pts time.Duration) (time.Time, bool) {
	if t == nil {
		return time.Time{}, false
	}
	first := t.first.Load()
	if _, wrong := t.pace.speed(); wrong || first == nil {
		return time.Time{}, false
	}
	return first.camera.Add(pts - first.pts), true
}
