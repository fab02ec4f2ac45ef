package detect

import (
	"math"
	"slices"
	"time"
)

// Place is a part of the picture in which something stands: a stop once it is
// open, a candidate before. Its fields are exported so that a snapshot can be
// written to disk; only the tracker gives them meaning.
type Place struct {
	Stop Stop // Stop.ID is empty while the place is a candidate

	Box   Box   // where the patch was taken, in the newest look's coordinates
	Patch Patch // as it last stood
	Clear Patch // as it stood in the newest look that changed nothing; nil: none yet
	Boxes []Box // the newest boxes that backed it, in the newest look's coordinates

	Larger []Box // boxes of late that hold the place and more: it may be a part only

	// Shared are the looks in which one box held this place and another one, and
	// both stood: they may be parts of one vehicle. Whole is the score of the
	// surest of those boxes.
	Shared int
	Whole  float64

	Votes    map[Class]float64 // scores of the boxes that backed it, by class
	Asked    int               // looks in which it stood and the detector was asked
	Backed   int               // ... and a box backed it
	Steady   int               // ... with at least Config.SteadyScore
	Score    float64           // sum of their scores, those of late above all
	Weight   float64           // the looks that the sum is of, weighed in the same way
	Best     float64           // the highest of them
	BackedAt time.Time         // the last of them

	Missed int     // looks since it was last seen standing, covered ones not counted
	Broken bool    // in some of those no box was quite where the vehicle stood, or they were far apart
	Away   bool    // in some of those no box was there at all
	Gone   bool    // in some of those the place was seen to be empty
	Bare   Patch   // the place, then; nil in none
	Empty  bool    // it stayed as empty in two of those: nothing passed in front
	Usual  float64 // how alike it is from look to look while it stands; 0: not known
	DriftX float64 // recent movement against the ground, in widths and heights
	DriftY float64
	Moved  float64       // how much of late the camera moved: 0 not at all, 1 in all looks
	Step   time.Duration // time between kept observations

	Came   bool      // it was seen to come: its place was in view before
	Queue  []string  // the stops next to it in the queue it came to stand in; none: it is in none
	Freed  time.Time // when the first of those had moved off; zero: none has
	Absent time.Time // the first look in which it was missed; zero: it stands, or is hidden

	standsNow bool      // in the look being worked on
	alike     float64   // the pixels, then
	missedAt  time.Time // the newest look that Missed counts
}

// keptBoxes is how many boxes Stop.Box is the median of.
const keptBoxes = 15

func newPlace(camera string, at time.Time, d Detection, shot Shot, scene Scene, cfg Config) *Place {
	p := &Place{
		Stop:  Stop{Camera: camera, Start: at, End: at, Looks: 1},
		Box:   d.Box,
		Patch: scene.Patch(d.Box),
		Votes: map[Class]float64{}, Weight: 1, Asked: 1,
	}
	p.back(at, d, cfg)
	p.observe(shot, cfg)
	return p
}

// open reports whether the place is a stop, not a candidate.
func (p *Place) open() bool { return p.Stop.ID != "" }

// follow takes the place from the look before into this one.
func (p *Place) follow(scene Scene) {
	was := p.Box
	p.Box, _ = scene.Move(p.Box)
	p.Moved *= driftMemory
	if p.Box != was {
		p.Moved += 1 - driftMemory
	}
	for i, b := range p.Boxes {
		p.Boxes[i], _ = scene.Move(b)
	}
	for i, b := range p.Larger {
		p.Larger[i], _ = scene.Move(b)
	}
}

// driftMemory is the share of a look's movement that the next one remembers.
const driftMemory = 0.8

const (
	// jitter is a movement, as a share of the picture, that says nothing: a
	// pixel or two.
	jitter = 0.004
	// movedJitter is the same where the camera moves: how it moved is known to a
	// fraction of a pixel from look to look, and things higher or farther away
	// than the ground move a little differently.
	movedJitter = 0.012
)

// creeps reports whether the thing has moved against the ground of late.
func (p *Place) creeps(cfg Config) bool {
	least := jitter + (movedJitter-jitter)*min(1, 2*p.Moved)
	return math.Abs(p.DriftX) > max(cfg.Drift, least/p.Box.W) || math.Abs(p.DriftY) > max(cfg.Drift, least/p.Box.H)
}

// stands reports whether the pixels say that the thing still stands, and if so
// notes where. Of an open place, a part that shows is enough.
func (p *Place) stands(found []Detection, scene Scene, cfg Config) bool {
	p.alike = 0
	mask, share := newMask(p.Box, nil)
	if share < minShare {
		return false
	}
	if share == 1 {
		mask = nil
	}
	at, alike := scene.Match(p.Patch, mask, p.Box)
	if alike < cfg.Alike && p.open() {
		for _, part := range p.parts(found, cfg) {
			if at, alike = scene.Match(p.Patch, part, p.Box); alike >= cfg.Alike {
				mask = part
				break
			}
		}
	}
	if alike < p.least(cfg) && p.Clear != nil { // a light may have passed over it
		if was, as := scene.Match(p.Clear, mask, p.Box); as > alike {
			at, alike = was, as
		}
	}
	p.alike = alike
	if alike < p.least(cfg) {
		return false // and where it seems to be says nothing
	}
	p.DriftX = p.DriftX*driftMemory + (at.X+at.W/2-p.Box.X-p.Box.W/2)/p.Box.W
	p.DriftY = p.DriftY*driftMemory + (at.Y+at.H/2-p.Box.Y-p.Box.H/2)/p.Box.H
	if p.creeps(cfg) {
		return false
	}
	for i := range p.Boxes {
		p.Boxes[i].X += at.X - p.Box.X
		p.Boxes[i].Y += at.Y - p.Box.Y
	}
	p.Box = at
	p.Patch = p.Patch.renew(scene.Patch(at), mask)
	if alike >= unchanged && mask == nil {
		p.Clear = p.Patch
	}
	return true
}

// unchanged is the likeness of two looks between which nothing has happened.
const unchanged = 0.9

// likeness is how much what is at a box looks like what stood in the place.
func (p *Place) likeness(scene Scene, near Box) float64 {
	_, alike := scene.Match(p.Patch, nil, near)
	if p.Clear != nil {
		_, clear := scene.Match(p.Clear, nil, near)
		alike = max(alike, clear)
	}
	return alike
}

// least is the likeness from which what is in the place is what stood there: once
// it was out of sight for a look, nearly what it usually is. Two cars of a kind
// are as alike as 0.8.
func (p *Place) least(cfg Config) float64 {
	if !p.Away {
		return cfg.Alike
	}
	return p.again(cfg)
}

func (p *Place) again(cfg Config) float64 {
	return min(max(cfg.Alike, p.Usual-usualLess), returned)
}

// usualLess is how much less than usual a vehicle may look like itself after it
// was out of sight: something may be in front of a part of it.
const usualLess = 0.1

// minShare of a place must be in the picture, and not hidden, for its pixels to
// say anything.
const minShare = 0.25

// parts are what may show of a place of which something hides the rest: all but
// what lies under the boxes of vehicles in front, or what a smaller box holds.
func (p *Place) parts(found []Detection, cfg Config) []*Mask {
	var parts []*Mask
	if mask, share := newMask(p.Box, p.hiding(found)); share >= minShare && share < 1 {
		parts = append(parts, mask)
	}
	for _, d := range found {
		if d.Score < cfg.SteadyScore || d.Box.Covered(p.Box) < partOf || p.Box.IoU(d.Box) >= samePlace {
			continue
		}
		mask, _ := newMask(p.Box, nil)
		if share := mask.within(p.Box, d.Box); share >= minShare {
			parts = append(parts, mask)
		}
	}
	return parts
}

// hiding are the boxes of other vehicles in front of the place: those whose
// foot is lower in the picture.
func (p *Place) hiding(found []Detection) []Box {
	var boxes []Box
	for _, d := range found {
		inFront := d.Box.Y+d.Box.H > p.Box.Y+p.Box.H
		if inFront && p.fit(d.Box) < sameBox && p.Box.Covered(d.Box) > 0 {
			boxes = append(boxes, d.Box)
		}
	}
	return boxes
}

// fit is how well a box fits the place: where the pixels were taken, or where
// the boxes of late have been.
func (p *Place) fit(b Box) float64 { return max(p.Box.Visible().IoU(b), p.box().IoU(b)) }

// stood notes that the thing was seen standing.
func (p *Place) stood(at time.Time, shot Shot, asked bool, cfg Config) {
	if asked {
		memory := max(leastMemory, math.Exp2(-at.Sub(p.Stop.End).Seconds()/halfLife.Seconds()))
		p.Score, p.Weight = p.Score*memory, p.Weight*memory+1
		p.Asked++
	}
	p.Stop.End = at
	p.Stop.Looks++
	if p.Usual == 0 {
		p.Usual = p.alike
	}
	p.Usual += (1 - leastMemory) * (p.alike - p.Usual)
	p.settled()
	p.observe(shot, cfg)
}

// settled forgets the looks in which it was not seen standing.
func (p *Place) settled() {
	p.Missed, p.Broken, p.Away, p.Gone, p.Bare, p.Empty = 0, false, false, false, nil, false
}

const (
	// halfLife is the time after which a score counts half: what the detector
	// was not sure of in the dark, or while it was half hidden, may be clear now.
	halfLife = 10 * time.Second
	// leastMemory is what a look always leaves of those before, so that rare
	// looks are more than one or two.
	leastMemory = 0.9
)

// belief is the mean score over the looks, those of late above all. What a few
// looks say is weighed against one that says nothing: of paint and railings, too,
// one look in some is a vehicle's.
func (p *Place) belief() float64 { return p.Score / (p.Weight + 1) }

// grow notes a box that holds the place and more. When three in a row agree,
// the place was a part of a vehicle that shows whole now.
func (p *Place) grow(b Box, scene Scene) {
	if len(p.Larger) > 0 && medianBox(p.Larger).IoU(b) < samePlace {
		p.Larger = nil
	}
	p.Larger = append(p.Larger, b)
	if len(p.Larger) == 3 {
		p.Boxes, p.Larger = p.Larger, nil
		p.Box = p.box()
		p.Patch, p.Clear = scene.Patch(p.Box), nil
	}
}

// back notes a box that backs the place.
func (p *Place) back(at time.Time, d Detection, cfg Config) {
	p.Backed++
	p.BackedAt = at
	p.Score += d.Score
	p.Best = max(p.Best, d.Score)
	if d.Score >= cfg.SteadyScore {
		p.Steady++
	}
	p.Votes[d.Class] += d.Score
	p.Boxes = append(p.Boxes, d.Box)
	if len(p.Boxes) > keptBoxes {
		p.Boxes = p.Boxes[1:]
	}
}

// believed reports whether the detector is sure enough that a vehicle is
// there.
func (p *Place) believed(cfg Config) bool {
	return (p.Best >= cfg.OpenScore || p.Steady >= cfg.SteadyLooks) &&
		p.belief() >= cfg.Belief && p.backed(cfg) && !p.part()
}

// vanished reports whether the place is seen to be empty: no box is there,
// though one nearly always was, and the pixels are not the vehicle's. When the
// light changes, the detector still finds it.
func (p *Place) vanished(found []Detection, cfg Config) bool {
	return p.alike < cfg.SameVehicle && float64(p.Backed) >= surelyBacked*float64(p.Asked) &&
		!slices.ContainsFunc(found, func(d Detection) bool { return p.fit(d.Box) >= sameBox })
}

// empties notes a look in which the place was seen to be empty. What is the same
// in two of them is the ground; what passes by in front is not.
func (p *Place) empties(scene Scene, cfg Config) {
	if p.Bare != nil {
		_, alike := scene.Match(p.Bare, nil, p.Box)
		p.Empty = p.Empty || alike >= cfg.Alike
	}
	p.Gone, p.Bare = true, scene.Patch(p.Box)
}

// surelyBacked is the share of looks with a box from which a look without one
// means something.
const surelyBacked = 0.8

// backed reports whether boxes back the place often enough.
func (p *Place) backed(cfg Config) bool {
	return float64(p.Backed) >= cfg.Support*float64(p.Asked)
}

// box is where the vehicle stands, as far as it is in the picture.
func (p *Place) box() Box { return medianBox(p.Boxes).Visible() }

// class is the one with the most votes, the earlier name on a tie.
func (p *Place) class() Class {
	var best Class
	for class, votes := range p.Votes {
		if best == "" || votes > p.Votes[best] || votes == p.Votes[best] && class < best {
			best = class
		}
	}
	return best
}

// firstStep is the time between observations until a stop has too many.
const firstStep = time.Second

// observe keeps a picture of the stop: always the first and the newest, and
// between them one in each Step, which doubles when they become too many. Steps
// are counted on the clock, not from the stop's start, so that vehicles which
// stand side by side keep the same pictures.
func (p *Place) observe(shot Shot, cfg Config) {
	kept := p.Stop.Observations
	switch n := len(kept); {
	case shot.At.IsZero(): // the main stream is away
		return
	case shot.Unit != nil && (shot.Unit.Damaged || n > 0 && kept[n-1].Unit == shot.Unit):
		return
	}
	if n := len(kept); n >= 2 && sameStep(kept[n-1], kept[n-2], p.Step) {
		kept = kept[:n-1] // it was only the newest
	}
	kept = append(kept[:len(kept):len(kept)], Observation{At: shot.At, Box: p.box(), Unit: shot.Unit})
	if p.Step == 0 {
		p.Step = firstStep
	}
	for len(kept) > max(cfg.Observations, 2) {
		p.Step *= 2
		kept = thin(kept, p.Step)
	}
	p.Stop.Observations = kept
}

// sameStep reports whether two observations lie in the same step of the clock.
func sameStep(a, b Observation, step time.Duration) bool {
	return a.At.Truncate(step).Equal(b.At.Truncate(step))
}

// thin keeps the first and the newest, and between them one in each step.
func thin(all []Observation, step time.Duration) []Observation {
	newest := all[len(all)-1]
	kept := []Observation{all[0]}
	for _, o := range all[1 : len(all)-1] {
		if !sameStep(o, kept[len(kept)-1], step) {
			kept = append(kept, o)
		}
	}
	return append(kept, newest)
}
