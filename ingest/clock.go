package ingest

import (
	"slices"
	"sync/atomic"
	"time"
)

// ClockReading is what was known of a camera's clock when a picture arrived.
type ClockReading struct {
	Offset  time.Duration // camera's clock minus ours, less the least delay of the network
	Drift   float64       // seconds that it gains on ours in each second; 0 until known
	Settled bool          // by many pictures; else by one alone, its own delay included
}

const (
	// clockStep is the jump of a camera's clock against its own pictures from
	// which it was set, not slewed. Reports are off by up to a tenth of a
	// second in some cameras.
	clockStep = 500 * time.Millisecond
	// farOff is the same where a new session hides the jump: its first pictures
	// may have waited in the camera.
	farOff = 3 * time.Second

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
	span    time.Duration // the least delay of each such time counts
	number  uint64        // of the session
	session *timeline
	last    *moment // the newest picture of the session whose time is known
	spans   []delay // oldest first; the newest is still open
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
		c.number, c.session, c.last = u.Session, new(timeline), nil
	}
	u.timeline = c.session
	if u.Camera.IsZero() {
		return
	}
	c.session.learn(u.PTS, u.Camera)
	if c.stepped(u) {
		c.steps++
		c.spans, c.reading = nil, ClockReading{}
	}
	c.last = &moment{u.PTS, u.Camera}
	c.add(u)
	u.Clock = c.reading
	u.Clock.Offset += time.Duration(c.reading.Drift * float64(u.Arrival.Sub(c.fitted)))
}

// Steps is how often the camera's clock was set.
func (c *Clock) Steps() int { return c.steps }

// stepped reports whether the camera's clock was set since the unit before.
func (c *Clock) stepped(u *Unit) bool {
	if c.last != nil {
		return (u.Camera.Sub(c.last.camera) - (u.PTS - c.last.pts)).Abs() > clockStep
	}
	return c.reading.Settled && (u.Camera.Sub(u.Arrival)-c.reading.Offset).Abs() > farOff
}

// add enters a unit's delay, and reckons anew when a span begins.
func (c *Clock) add(u *Unit) {
	d := delay{began: u.Arrival, arrival: u.Arrival, least: u.Arrival.Sub(u.Camera)}
	if n := len(c.spans); n > 0 {
		newest := &c.spans[n-1]
		// A clock of ours that was set back begins a span as well.
		if since := u.Arrival.Sub(newest.began); since >= 0 && since < c.span {
			if d.least < newest.least {
				newest.arrival, newest.least = d.arrival, d.least
			}
			return
		}
	}
	c.fit()
	c.spans = append(c.spans, d)
	c.spans = c.spans[max(0, len(c.spans)-fitSpans-1):]
}

// fit reckons offset and drift from the spans that are complete: the drift is
// the median slope between any two of them, which a congested network cannot
// bend, and the offset follows from it.
func (c *Clock) fit() {
	n := len(c.spans)
	if n < fitSettled {
		return
	}
	c.fitted = c.spans[n-1].arrival
	drift := 0.0
	if n >= fitSpans {
		drift = medianSlope(c.spans)
	}
	offsets := make([]time.Duration, n)
	for i, d := range c.spans {
		offsets[i] = -d.least + time.Duration(drift*float64(c.fitted.Sub(d.arrival)))
	}
	slices.Sort(offsets)
	offset := offsets[n-1] // the least delay of all
	if n >= fitSpans {
		offset = offsets[n/2]
	}
	c.reading = ClockReading{Offset: offset, Drift: drift, Settled: true}
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

// timeline joins the presentation times of one session with the camera's
// clock, once its first report has come.
type timeline struct {
	first atomic.Pointer[moment]
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
	if first == nil {
		return time.Time{}, false
	}
	return first.camera.Add(pts - first.pts), true
}
