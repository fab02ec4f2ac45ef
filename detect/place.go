package detect

import (
	"slices"
	"time"
)

// Place is a part of the picture in which something stands: a stop once it is
// open, a candidate before. Its fields are exported so that a snapshot can be
// written to disk; only the tracker gives them meaning.
type Place struct {
	Stop Stop // Stop.ID is empty while the place is a candidate

	Box    Box     // where the patch was taken, in the newest look's coordinates
	Patch  Patch   // as it last stood
	Clear  Patch   // as it stood in the newest look that changed nothing; nil: none yet
	Course []Box   // where it was in the looks before it stood, oldest first; nil: not known
	Usual  float64 // how alike it is from look to look while it stands; 0: not known

	Backing Backing
	Doubt   Doubt
	Drift   Drift
	Line    Line

	Step time.Duration // between kept observations

	standsNow bool    // in the look being worked on
	alike     float64 // the pixels, then
}

func newPlace(camera string, d Detection, l *look) *Place {
	p := &Place{
		Stop:    Stop{Camera: camera, Start: l.At, End: l.At, Looks: 1},
		Box:     d.Box,
		Patch:   l.Scene.Patch(d.Box),
		Backing: Backing{Votes: map[Class]float64{}, Weight: 1, Asked: 1},
	}
	p.Backing.back(d, l)
	p.observe(l.Shot, l.cfg)
	return p
}

func (p *Place) clone() *Place {
	c := *p
	c.Stop.Observations = slices.Clone(p.Stop.Observations)
	c.Backing = p.Backing.clone()
	c.Course = slices.Clone(p.Course)
	c.Line.Queue = slices.Clone(p.Line.Queue)
	return &c
}

// open reports whether the place is a stop, not a candidate.
func (p *Place) open() bool { return p.Stop.ID != "" }

// follow takes the place from the look before into this one.
func (p *Place) follow(scene Scene) {
	to := func(b Box) Box { b, _ = scene.Move(b); return b }
	was := p.Box
	p.Box = to(p.Box)
	p.Drift.carried(p.Box != was)
	p.Backing.move(to)
	for i, b := range p.Course {
		p.Course[i] = to(b)
	}
}

// stands reports whether the pixels say that the thing still stands, and if so
// notes where. Of an open place, a part that shows is enough.
func (p *Place) stands(l *look) bool {
	p.alike = 0
	mask, share := newMask(p.Box, nil)
	if share < minShare {
		return false
	}
	if share == 1 {
		mask = nil
	}
	at, alike := l.Scene.Match(p.Patch, mask, p.Box)
	if alike < l.cfg.Alike && p.open() {
		for _, part := range p.parts(l) {
			if at, alike = l.Scene.Match(p.Patch, part, p.Box); alike >= l.cfg.Alike {
				mask = part
				break
			}
		}
	}
	if alike < p.least(l.cfg) && p.Clear != nil { // a light may have passed over it
		if was, as := l.Scene.Match(p.Clear, mask, p.Box); as > alike {
			at, alike = was, as
		}
	}
	p.alike = alike
	if alike < p.least(l.cfg) {
		return false // and where it seems to be says nothing
	}
	if p.Drift.step(p.Box, at); p.Drift.creeps(p.Box, l.cfg) {
		return false
	}
	for i := range p.Backing.Boxes {
		p.Backing.Boxes[i].X += at.X - p.Box.X
		p.Backing.Boxes[i].Y += at.Y - p.Box.Y
	}
	p.Box = at
	p.Patch = p.Patch.renew(l.Scene.Patch(at), mask)
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

// minShare of a place must be in the picture, and not hidden, for its pixels to
// say anything.
const minShare = 0.25

// parts are what may show of a place of which something hides the rest: all but
// what lies under the boxes of vehicles in front, or what a smaller box holds.
func (p *Place) parts(l *look) []*Mask {
	var parts []*Mask
	if mask, share := newMask(p.Box, p.hiding(l.Found)); share >= minShare && share < 1 {
		parts = append(parts, mask)
	}
	for _, d := range l.Found {
		if d.Score < l.cfg.SteadyScore || d.Box.Covered(p.Box) < partOf || p.Box.IoU(d.Box) >= samePlace {
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
func (p *Place) stood(l *look) {
	if !l.Unmoved {
		p.Backing.asked(l.At.Sub(p.Stop.End))
	}
	p.Stop.End = l.At
	p.Stop.Looks++
	if p.Usual == 0 {
		p.Usual = p.alike
	}
	p.Usual += (1 - leastMemory) * (p.alike - p.Usual)
	p.Doubt = Doubt{}
	p.observe(l.Shot, l.cfg)
}

// box is where the vehicle stands, as far as it is in the picture.
func (p *Place) box() Box { return medianBox(p.Backing.Boxes).Visible() }

// partOf is the share of a box inside another from which both are one vehicle.
const partOf = 0.8

// sameThing reports whether a box shows the thing that stands in the place, or
// a part of it, or the thing and more.
func (p *Place) sameThing(b Box) bool {
	mine := p.box()
	return p.fit(b) >= sameBox || b.Covered(mine) >= partOf || mine.Covered(b) >= partOf
}

// stop is the place's stop as a value of its own.
func (p *Place) stop() Stop {
	if box := p.box(); box.Area() > 0 {
		p.Stop.Box = box
	}
	s := p.Stop
	s.Class, s.Queued = p.Backing.class(), p.queued()
	s.Observations = slices.Clone(s.Observations)
	return s
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
