package detect

import (
	"math"
	"slices"
	"time"
)

// What came to a kerb one after the other, at a school or a shop, may look like a
// queue. Those who pull in come from the lane beside, and that lane goes on moving.

const (
	// leastPasses and longestArrow are how many vehicles must have gone by on the lane
	// beside, and for how long, for what stands there to be no queue: while one waits,
	// those who turn left may have an arrow of their own.
	leastPasses  = 3
	longestArrow = time.Minute

	// In lengths and widths of the vehicles, as in line.go.

	pullingIn = 2.0  // from where a vehicle stands: before that, it may have been in another lane
	nextLane  = 0.5  // across, from foot to foot: less is the same lane
	farLane   = 3.0  // across: more is not the lane beside
	slanting  = 0.35 // across the line, for each length along it: more is another street
)

// fromBehind reports whether most of three vehicles in line came along it: who parks
// at a kerb comes from the lane beside.
func fromBehind(queue ...*Place) bool {
	x, y := between(queue[0].box(), queue[len(queue)-1].box())
	aside := 0
	for _, p := range queue {
		if p.pulledIn(x, y) {
			aside++
		}
	}
	return 2*aside < len(queue)
}

// pulledIn reports whether the vehicle, while it came to stand, was beside the line
// that it stands in.
func (p *Place) pulledIn(lineX, lineY float64) bool {
	box := p.box()
	return slices.ContainsFunc(p.Course, func(b Box) bool {
		x, y := between(b, box)
		return math.Hypot(x, y) <= pullingIn*along(box, x, y) && beside(lineX, lineY, x, y) > alongside*across(box, lineX, lineY)
	})
}

// kerbs sees which queues are none, because the lane to their left has been moving
// for longer than an arrow is green: vehicles at a kerb.
func (t *Tracker) kerbs(l *look) {
	for _, m := range t.places {
		if m.open() || len(m.Course) == 0 || !m.Stop.Start.Equal(l.At) {
			continue
		}
		for _, p := range t.places {
			if !p.standsNow || len(p.Line.Queue) == 0 || p.Line.Kerb || !t.passes(m, p) {
				continue
			}
			if p.Line.pass(l.At) {
				for _, one := range chain(p, t.places) {
					one.Line.Kerb = true
				}
			}
		}
	}
}

// pass notes a vehicle that went by, and reports whether the lane is a moving one.
func (s *Line) pass(at time.Time) bool {
	if s.Passes++; s.Passes == 1 {
		s.Passing.From = at
	}
	s.Passing.Until = at
	return s.Passes >= leastPasses && s.Passing.Until.Sub(s.Passing.From) >= longestArrow
}

// passes reports whether what moves went by a vehicle of a queue since the look
// before, with the queue on its right hand: the lane beside it then goes the same
// way, as traffic keeps to the right.
func (t *Tracker) passes(moves, stands *Place) bool {
	box, from := stands.box(), moves.Course[len(moves.Course)-1]
	stepX, stepY := between(from, moves.Box)
	step := math.Hypot(stepX, stepY)
	toX, toY := between(from, box)
	ahead, right := (toX*stepX+toY*stepY)/step, (toY*stepX-toX*stepY)/step
	lane := across(box, stepX, stepY)
	return ahead >= 0 && ahead < step && right >= nextLane*lane && right <= farLane*lane && t.parallel(stands, stepX, stepY)
}

// parallel reports whether a step goes along the queue that a vehicle stands in.
func (t *Tracker) parallel(p *Place, stepX, stepY float64) bool {
	return slices.ContainsFunc(t.places, func(next *Place) bool {
		x, y := between(p.box(), next.box())
		return slices.Contains(p.Line.Queue, next.Stop.ID) && beside(stepX, stepY, x, y) <= slanting*math.Hypot(x, y)
	})
}
