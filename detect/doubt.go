package detect

import (
	"slices"
	"time"
)

// Doubt is what speaks against a vehicle still standing in its place since it was
// last seen there.
type Doubt struct {
	Level     DoubtLevel
	Neglected bool      // nobody looked for so long that another vehicle may stand there
	Missed    int       // looks in which it was missed, those in which it was hidden not counted
	Absent    time.Time // the first of them; zero: none
	Bare      Patch     // the place as it was last seen to be empty; nil: it was not
}

// DoubtLevel is the strongest that was seen; each holds all before it.
type DoubtLevel int

// The levels, from the weakest on.
const (
	NoDoubt DoubtLevel = iota // a box has been quite where it stood
	Broken                    // in a look none was, or looks were far apart
	Away                      // in a look none was there at all
	Gone                      // the place was seen to be empty
	Empty                     // it stayed as empty in two looks: nothing passed in front
)

func (d *Doubt) raise(to DoubtLevel) { d.Level = max(d.Level, to) }

// strongest is the level by which a vehicle that looks alike is judged.
func (d Doubt) strongest() DoubtLevel {
	if d.Neglected {
		return max(d.Level, Away)
	}
	return d.Level
}

// miss notes a look in which it was missed.
func (d *Doubt) miss(at time.Time) {
	if d.Missed++; d.Missed == 1 {
		d.Absent = at
	}
}

const (
	coveredShare = 0.3 // of a place under another vehicle's box hides it
	samePlace    = 0.7 // overlap of boxes with which a vehicle has not moved
	// denseLooks are close enough together that no vehicle can have driven off
	// and another taken its place without a look in between.
	denseLooks = 5 * time.Second

	// returned is the likeness from which what stands in a place that was seen to be
	// empty never left: two cars of a kind can be as alike as 0.75.
	returned = 0.85
	// usualLess is how much less than usual a vehicle may look like itself after it
	// was out of sight: something may be in front of a part of it.
	usualLess = 0.1
)

// doubt counts the looks in which a place was not seen standing, though it was in
// view, nothing covered it, and no box was where the vehicle stood.
func (t *Tracker) doubt(l *look) {
	for _, p := range t.places {
		if p.standsNow {
			continue
		}
		p.Doubt.raise(p.doubted(l))
		if p.Doubt.Level < Broken || t.hides(p, l.Found) || l.Unmoved {
			continue
		}
		p.Doubt.miss(l.At)
		if p.vanished(l) {
			p.empties(l)
		}
	}
}

// doubted is what the boxes of a look in which the place does not stand say.
func (p *Place) doubted(l *look) DoubtLevel {
	switch {
	case !l.has(func(d Detection) bool { return p.fit(d.Box) >= sameBox }):
		return Away
	case !l.dense || !l.has(func(d Detection) bool { return d.Score >= l.cfg.SteadyScore && p.box().IoU(d.Box) >= samePlace }):
		return Broken
	}
	return NoDoubt
}

// hides reports whether the place is out of view, or behind another vehicle.
func (t *Tracker) hides(p *Place, found []Detection) bool {
	return p.Box.Covered(Box{W: 1, H: 1}) < coveredShare ||
		slices.ContainsFunc(p.hiding(found), func(b Box) bool { return p.Box.Covered(b) >= coveredShare }) ||
		slices.ContainsFunc(t.places, func(o *Place) bool { return o.open() && o.standsNow && p.behind(o) })
}

// behind reports whether another vehicle stands in front of the place, not in it:
// its foot is lower in the picture, and its box is not the one of the place.
func (p *Place) behind(other *Place) bool {
	mine, front := p.box(), other.box()
	return p.fit(front) < sameBox && front.Y+front.H > mine.Y+mine.H+mine.H*maskMargin && mine.Covered(front) >= coveredShare
}

// vanished reports whether the place is seen to be empty: no box is there,
// though one nearly always was, and the pixels are not the vehicle's. When the
// light changes, the detector still finds it.
func (p *Place) vanished(l *look) bool {
	return p.alike < l.cfg.SameVehicle && p.Backing.surely() &&
		!l.has(func(d Detection) bool { return p.fit(d.Box) >= sameBox })
}

// empties notes a look in which the place was seen to be empty. What is the same
// in two of them is the ground; what passes by in front is not.
func (p *Place) empties(l *look) {
	if p.Doubt.Bare != nil {
		if _, alike := l.Scene.Match(p.Doubt.Bare, nil, p.Box); alike >= l.cfg.Alike {
			p.Doubt.raise(Empty)
		}
	}
	p.Doubt.raise(Gone)
	p.Doubt.Bare = l.Scene.Patch(p.Box)
}

// least is the likeness from which what is in the place is what stood there: once
// it was out of sight for a look, nearly what it usually is. Two cars of a kind
// are as alike as 0.8.
func (p *Place) least(cfg Config) float64 {
	if p.Doubt.strongest() < Away {
		return cfg.Alike
	}
	return p.again(cfg)
}

func (p *Place) again(cfg Config) float64 {
	return min(max(cfg.Alike, p.Usual-usualLess), returned)
}

// sameVehicle reports whether a candidate that now stands in the place is the
// vehicle that stood there before its looks changed: the light, or a door.
func (p *Place) sameVehicle(candidate *Place, l *look) bool {
	if p.box().IoU(candidate.box()) < samePlace {
		return false
	}
	alike := p.likeness(l.Scene, candidate.Box)
	switch p.Doubt.strongest() {
	case NoDoubt:
		return true
	case Broken:
		return alike >= l.cfg.SameVehicle
	case Away:
		return alike >= p.again(l.cfg)
	case Gone:
		return alike >= returned
	}
	return false
}
