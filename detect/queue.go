package detect

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A queue at a signal or a jam is no parking, though each of its vehicles stands.
// What tells it from a parked row is how it came about: three or more in line came
// to stand from the front to the back, one closing up to the other, before
// anybody's eyes. Two are no queue. The time from when it came to stand is in
// Stop.Queued, until any vehicle of the queue moves off: whoever stays then, stands
// of his own will.

// Line is the queue that a vehicle came to stand in.
type Line struct {
	Came  bool      // it was seen to come: its place was in view before
	Queue []string  // the stops next to it in the queue; none: it is in none
	Freed time.Time // when the first of the whole queue had moved off; zero: none has
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

	// Distances of a queue are in lengths of its vehicles along the line, and
	// in their widths across it, as far as boxes tell either.

	nextInLine = 2.0  // from foot to foot: a gap of one length
	notTheSame = 0.25 // from foot to foot: less is one vehicle with two boxes
	alongside  = 0.4  // across the line of two others: more is beside them
	ofASize    = 3.0  // sides of a bus and of a car next to it
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
		if p.open() && p.standsNow && p.Line.Came && p.Line.Freed.IsZero() {
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
				if c != a && c.closesUp(b) && inLine(a.box(), b.box(), c.box()) {
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

// near reports whether two boxes are those of vehicles one of which stands behind
// the other.
func near(a, b Box) bool {
	size := math.Sqrt(a.Area() / b.Area())
	x, y := between(a, b)
	apart := math.Hypot(x, y)
	length := (along(a, x, y) + along(b, x, y)) / 2
	return size <= ofASize && size >= 1/ofASize && apart <= nextInLine*length && apart >= notTheSame*length
}

// inLine reports whether three vehicles stand one behind the other: the first and
// the last on the line of the other two, to either side of the middle.
func inLine(a, b, c Box) bool {
	abX, abY := between(a, b)
	bcX, bcY := between(b, c)
	return abX*bcX+abY*bcY > 0 && beside(abX, abY, bcX, bcY) <= alongside*across(c, abX, abY) &&
		beside(bcX, bcY, abX, abY) <= alongside*across(a, bcX, bcY)
}

// between is the way from where one vehicle's wheels are to another's.
func between(a, b Box) (x, y float64) {
	return b.X + b.W/2 - a.X - a.W/2, b.Y + b.H - a.Y - a.H
}

// along is what a box measures in a direction, and across at a right angle to it.
func along(b Box, x, y float64) float64 {
	return (math.Abs(x)*b.W + math.Abs(y)*b.H) / max(math.Hypot(x, y), math.SmallestNonzeroFloat64)
}

func across(b Box, x, y float64) float64 { return along(b, -y, x) }

// beside is how far a step leads from the line of another one.
func beside(lineX, lineY, x, y float64) float64 {
	return math.Abs(lineX*y-lineY*x) / max(math.Hypot(lineX, lineY), math.SmallestNonzeroFloat64)
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
	if len(p.Line.Queue) == 0 {
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
