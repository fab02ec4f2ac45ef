package ingest

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	paceSpan  = 4 * time.Second // the least delay of each such time counts
	paceWrong = 0.06            // share by which a media clock must be off, in two spans that follow each other
	paceRight = 0.03            // and within which it is right again
	paceStill = 0.01            // of true speed: a clock that stands still
)

// pace holds the media clock of one session, which presentation times are told
// by, against time. Cameras write timestamps of another rate than they announce,
// and some write one for all.
//
// The network delays pictures, and one that is too slow delays each more than
// the one before, as if the clock were slow. So what the sender reports say has
// to agree, where there are any. The session's writer calls add; speed is for all.
type pace struct {
	arrivals, reports trend
	found             atomic.Pointer[float64] // speed, of true speed; nil while the clock is right
}

// speed is how fast the media clock runs, of true speed, if that is known to be
// wrong.
func (p *pace) speed() (float64, bool) {
	if found := p.found.Load(); found != nil {
		return *found, true
	}
	return 1, false
}

// add takes a picture's times; camera is zero while the camera tells none.
func (p *pace) add(pts time.Duration, arrival, camera time.Time) {
	if !camera.IsZero() {
		p.reports.add(pts, camera, arrival)
	}
	if !p.arrivals.add(pts, arrival, arrival) {
		return
	}
	speed, off := p.arrivals.verdict()
	_, untrue := p.reports.verdict()
	told := p.reports.slopes > 1
	switch known, wrong := p.speed(); {
	case off == wrongly && (!told || untrue != rightly):
		if !wrong || math.Abs(speed-known) > paceWrong*max(speed, known) {
			p.found.Store(&speed)
		}
	case wrong && off == rightly:
		p.found.Store(nil)
	}
}

// trend is how the least delays of a clock behind presentation times develop.
type trend struct {
	began  time.Time // arrival of the first picture
	origin time.Time // what was told of it
	open   sample    // of the span that is not complete
	last   sample    // of the span before
	speeds [2]float64
	slopes int // that are known
}

// sample is the picture with the least delay of a span.
type sample struct {
	began, at time.Duration // since the first picture, by arrivals
	late      time.Duration
	set       bool
}

// add takes a picture, with a time that somebody tells of it, and reports
// whether it completes a span.
func (t *trend) add(pts time.Duration, told, arrival time.Time) bool {
	if t.origin.IsZero() {
		t.began, t.origin = arrival, told
	}
	at := arrival.Sub(t.began)
	late := told.Sub(t.origin) - pts
	if t.open.set && at >= t.open.began && at-t.open.began < paceSpan {
		if late < t.open.late {
			t.open.at, t.open.late = at, late
		}
		return false
	}
	complete := t.open.set
	if complete {
		t.complete()
	}
	t.open = sample{at, at, late, true}
	return complete
}

func (t *trend) complete() {
	if past := t.open.at - t.last.at; t.last.set && past > 0 {
		t.speeds[0], t.speeds[1] = t.speeds[1], 1-float64(t.open.late-t.last.late)/float64(past)
		t.slopes++
	}
	t.last = t.open
}

// verdict says what both newest spans say of the clock.
type verdict int

const (
	doubtful verdict = iota
	wrongly
	rightly
)

// verdict is the speed of the media clock by this one, and what to think of it.
func (t *trend) verdict() (float64, verdict) {
	if t.slopes < 2 {
		return 1, doubtful
	}
	a, b := t.speeds[0]-1, t.speeds[1]-1
	speed := max(0, (t.speeds[0]+t.speeds[1])/2)
	switch {
	case math.Abs(a) < paceRight && math.Abs(b) < paceRight:
		return 1, rightly
	case math.Abs(a) > paceWrong && math.Abs(b) > paceWrong && (a > 0) == (b > 0):
		return speed, wrongly
	}
	return speed, doubtful
}
