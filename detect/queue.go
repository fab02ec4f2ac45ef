package detect

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A queue at a signal or a jam is no parking, though each of its vehicles stands.
// What tells it from a parked row is how it came about: in view of the camera, three
// or more in line came along their lane and stopped from the front to the back, each
// closing up to the one before. Two vehicles are not a queue, nor are two cars and a
// motorcycle. The time from when it came to stand is in Stop.Queued, until any
// vehicle of the queue moves off: whoever stays then, stands of his own will.

// Line is the queue that a vehicle came to stand in.
type Line struct {
	Came  bool      // it was seen to come: its place was in view before
	Queue []string  // the stops next to it in the queue; none: it is in none
	Freed time.Time // when the first of the whole queue had moved off; zero: none has
	Kerb  bool      // it was none: it stands at the kerb beside a lane that moves

	Passes  int  // vehicles that went by on the lane to its left, in its direction
	Passing Span // from the first of them until the last
}

const (
	// LongestQueue is the most that a vehicle is excused for standing in a queue. A
	// signal's whole round takes three minutes or less; what stands in line for
	// longer may as well have parked there together.
	LongestQueue = 5 * time.Minute
	// closingUp is how long after the one before it a vehicle of a queue comes to
	// stand, at most: parked rows fill over minutes and hours.
	closingUp = 45 * time.Second
	// orderSlack is by how much the order of arrival may seem to be another one:
	// a jam comes to stand nearly at once, and looks may be rare.
	orderSlack = 8 * time.Second
	// viewSettled is how long a camera must have seen the street for what stands in
	// it to have been seen coming: by then all that stood before is known.
	viewSettled = 10 * time.Second
	// unwatched is how long nobody may have looked for the same.
	unwatched = 30 * time.Second
	// viewMoved is how far, as a share of the picture, the view may move until other
	// things come into it that only seem to have come.
	viewMoved = 0.02
)

// keepView notes since when the street has been in view without a break.
func (t *Tracker) keepView(l *look) {
	frame, known := l.Scene.Move(t.frame)
	off := max(math.Abs(frame.X), math.Abs(frame.Y), math.Abs(frame.W-1), math.Abs(frame.H-1))
	if t.frame = frame; t.last.IsZero() || !known || l.At.Sub(t.last).Abs() > unwatched || off > viewMoved {
		t.frame, t.inSight = Box{W: 1, H: 1}, l.At
	}
}

// sawBefore reports whether the place of what stands since a moment was in view
// before it came.
func (t *Tracker) sawBefore(since time.Time) bool { return since.Sub(t.inSight) >= viewSettled }

// queue finds the queues among what stands. What once stood in one stays in it
// until it is freed.
func (t *Tracker) queue() {
	var all []*Place
	for _, p := range t.places {
		if p.open() && p.standsNow && p.Line.Came && !p.Line.Kerb && p.Line.Freed.IsZero() {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b *Place) int { return cmp.Compare(a.Stop.ID, b.Stop.ID) })
	for _, b := range all {
		for _, a := range all {
			if !b.closesUp(a) {
				continue
			}
			for _, c := range all {
				if c != a && c.closesUp(b) && inLine(a.box(), b.box(), c.box()) && fromBehind(a, b, c) {
					a.next(b)
					b.next(a, c)
					c.next(b)
				}
			}
		}
	}
}

// next notes which vehicles stand next to the place in a queue.
func (p *Place) next(others ...*Place) {
	for _, o := range others {
		if !slices.Contains(p.Line.Queue, o.Stop.ID) {
			p.Line.Queue = append(p.Line.Queue, o.Stop.ID)
		}
	}
}

// closesUp reports whether the vehicle may have come to stand as the next one in a
// queue after another.
func (p *Place) closesUp(before *Place) bool {
	if p == before {
		return false
	}
	if p.Backing.class().Motor() != before.Backing.class().Motor() {
		return false // a motorcycle behind two cars makes no queue of them
	}
	after := p.Stop.Start.Sub(before.Stop.Start)
	return after >= -orderSlack && after <= closingUp && near(before.box(), p.box())
}

// free ends the excuse of whole queues that vehicles have left, be it that they
// have all left: from the first look in which one was missed.
func (t *Tracker) free(at time.Time, left []*Place) {
	all := slices.Concat(t.places, left)
	for _, gone := range left {
		moved := gone.Doubt.Absent
		if moved.IsZero() {
			moved = at
		}
		for _, p := range chain(gone, all) {
			if p.Line.Freed.IsZero() || moved.Before(p.Line.Freed) {
				p.Line.Freed = moved
			}
		}
	}
}

// chain is the queue that a vehicle stands in: itself, those next to it, those next
// to them, and so on.
func chain(of *Place, all []*Place) []*Place {
	queue := []*Place{of}
	for i := 0; i < len(queue); i++ {
		for _, p := range all {
			if slices.Contains(queue[i].Line.Queue, p.Stop.ID) && !slices.Contains(queue, p) {
				queue = append(queue, p)
			}
		}
	}
	return queue
}

// queued is the time for which the vehicle stood in a queue.
func (p *Place) queued() []Span {
	if len(p.Line.Queue) == 0 || p.Line.Kerb {
		return nil
	}
	until := p.Stop.Start.Add(LongestQueue)
	for _, end := range []time.Time{p.Stop.End, p.Line.Freed} {
		if !end.IsZero() && end.Before(until) {
			until = end
		}
	}
	if !until.After(p.Stop.Start) {
		return nil
	}
	return []Span{{From: p.Stop.Start, Until: until}}
}
