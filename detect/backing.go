package detect

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// Backing is what the detector has said of a place.
type Backing struct {
	Boxes  []Box // the newest that backed it, in the newest look's coordinates
	Larger []Box // those of late that hold the place and more: it may be a part only

	// Shared are the looks in which one box held this place and another one, and
	// both stood: they may be parts of one vehicle. Whole is the score of the
	// surest of those boxes.
	Shared int
	Whole  float64

	Votes    map[Class]float64 // what the boxes that backed it scored, by class
	Asked    int               // looks in which it stood and the detector was asked
	Backed   int               // ... and a box backed it
	Steady   int               // ... with at least Config.SteadyScore
	Score    float64           // sum of their scores, those of late above all
	Weight   float64           // the looks that the sum is of, weighed in the same way
	Best     float64           // the highest of them
	BackedAt time.Time         // the last of them
}

func (b Backing) clone() Backing {
	b.Boxes, b.Votes = slices.Clone(b.Boxes), maps.Clone(b.Votes)
	return b
}

const (
	// keptBoxes is how many boxes Stop.Box is the median of.
	keptBoxes = 15
	// halfLife is the time after which a score counts half: what the detector
	// was not sure of in the dark, or while it was half hidden, may be clear now.
	halfLife = 10 * time.Second
	// leastMemory is what a look always leaves of those before, so that rare
	// looks are more than one or two.
	leastMemory = 0.9
	// surelyBacked is the share of looks with a box from which a look without one
	// means something.
	surelyBacked = 0.8
)

// asked notes a look in which the detector was asked, so long after the last one.
func (b *Backing) asked(after time.Duration) {
	memory := max(leastMemory, math.Exp2(-after.Seconds()/halfLife.Seconds()))
	b.Score, b.Weight = b.Score*memory, b.Weight*memory+1
	b.Asked++
}

// back notes a box that backs the place.
func (b *Backing) back(d Detection, l *look) {
	b.Backed++
	b.BackedAt = l.At
	b.Score += d.Score
	b.Best = max(b.Best, d.Score)
	if d.Score >= l.cfg.SteadyScore {
		b.Steady++
	}
	if d.Classes == nil {
		b.Votes[d.Class] += d.Score
	}
	for class, score := range d.Classes {
		b.Votes[class] += score
	}
	b.Boxes = append(b.Boxes, d.Box)
	b.Boxes = b.Boxes[max(0, len(b.Boxes)-keptBoxes):]
}

// add takes over what was said of the same vehicle while it was another place.
func (b *Backing) add(since Backing) {
	b.Boxes = append(b.Boxes, since.Boxes...)
	b.Boxes = b.Boxes[max(0, len(b.Boxes)-keptBoxes):]
	b.Asked += since.Asked
	b.Backed += since.Backed
	b.Steady += since.Steady
	b.Score += since.Score
	b.Weight += since.Weight
	b.Best = max(b.Best, since.Best)
	b.BackedAt = since.BackedAt
	for class, votes := range since.Votes {
		b.Votes[class] += votes
	}
}

// move takes the boxes into another look.
func (b *Backing) move(to func(Box) Box) {
	for _, boxes := range [][]Box{b.Boxes, b.Larger} {
		for i, box := range boxes {
			boxes[i] = to(box)
		}
	}
}

// belief is the mean score over the looks, those of late above all. What a few
// looks say is weighed against one that says nothing: of paint and railings, too,
// one look in some is a vehicle's.
func (b Backing) belief() float64 { return b.Score / (b.Weight + 1) }

// believed reports whether the detector is sure enough that a vehicle is there.
func (b Backing) believed(cfg Config) bool {
	return (b.Best >= cfg.OpenScore || b.Steady >= cfg.SteadyLooks) &&
		b.belief() >= cfg.Belief && b.enough(cfg) && !b.part()
}

// enough reports whether boxes back the place often enough.
func (b Backing) enough(cfg Config) bool { return float64(b.Backed) >= cfg.Support*float64(b.Asked) }

// surely reports whether a look without a box means something.
func (b Backing) surely() bool { return float64(b.Backed) >= surelyBacked*float64(b.Asked) }

// class is the one with the most votes, the earlier name on a tie.
func (b Backing) class() Class {
	var best Class
	for class, votes := range b.Votes {
		if best == "" || votes > b.Votes[best] || votes == b.Votes[best] && class < best {
			best = class
		}
	}
	return best
}

// sameBox is the overlap from which a box backs a place.
const sameBox = 0.5

// support gives each place the box that fits it best, and leaves the boxes that
// fit none.
func (t *Tracker) support(l *look) {
	type pair struct {
		place     *Place
		detection int
		overlap   float64
	}
	var pairs []pair
	for _, p := range t.places {
		for i, d := range l.Found {
			if overlap := p.fit(d.Box); overlap >= sameBox {
				pairs = append(pairs, pair{p, i, overlap})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.overlap, a.overlap) })
	taken, backed := map[int]bool{}, map[*Place]bool{}
	for _, m := range pairs {
		if taken[m.detection] || backed[m.place] {
			continue
		}
		backed[m.place] = true
		if m.place.standsNow {
			taken[m.detection] = true
			m.place.back(l.Found[m.detection], l)
		}
	}
	for i, d := range l.Found {
		if !taken[i] {
			l.rest = append(l.rest, d)
		}
	}
}

// back notes a box that backs the place, unless that was noted before.
func (p *Place) back(d Detection, l *look) {
	if !l.Unmoved {
		p.Backing.back(d, l)
	}
	p.Backing.BackedAt = l.At
}

// grow gives the open places that no box has backed for a while the box that
// holds them and more, unless it holds another vehicle too.
func (t *Tracker) grow(l *look) {
	for _, p := range t.places {
		if !p.open() || !p.standsNow || p.Backing.BackedAt.Equal(l.At) {
			continue
		}
		for _, d := range l.rest {
			if d.Score >= l.cfg.SteadyScore && p.box().Covered(d.Box) >= partOf && t.held(d.Box) == 1 {
				boxes := slices.Clone(p.Backing.Boxes)
				p.back(d, l)
				p.Backing.Boxes = boxes
				if !l.Unmoved {
					p.grow(d.Box, l.Scene)
				}
				break
			}
		}
	}
}

// held is how many stops a box holds.
func (t *Tracker) held(b Box) (n int) {
	for _, p := range t.places {
		if p.open() && p.box().Covered(b) >= partOf {
			n++
		}
	}
	return n
}

// grow notes a box that holds the place and more. When three in a row agree,
// the place was a part of a vehicle that shows whole now.
func (p *Place) grow(box Box, scene Scene) {
	b := &p.Backing
	if len(b.Larger) > 0 && medianBox(b.Larger).IoU(box) < samePlace {
		b.Larger = nil
	}
	b.Larger = append(b.Larger, box)
	if len(b.Larger) == 3 {
		b.Boxes, b.Larger = b.Larger, nil
		p.Box = p.box()
		p.Patch, p.Clear = scene.Patch(p.Box), nil
	}
}
