package detect

import (
	"slices"
	"time"
)

// A vehicle behind a tree or a post gives a box of each of its ends and now and
// then one of the whole; one that the picture's edge cuts gives a box of what
// shows. None of its parts is a vehicle of its own.

// sharedLooks are enough to tell parts of one vehicle from a box that was wrong
// once.
const sharedLooks = 2

// part reports whether a place shows a part of a vehicle that another place
// shows too: the detector is surer of the whole than it ever was of the part. Of
// two vehicles it is surer one by one.
func (b Backing) part() bool { return b.Shared >= sharedLooks && b.Whole > b.Best }

// whole notes which places lie with another one in the same box. Both must
// stand: what drives by in front has a box over both, too. It returns the stops
// that turned out to be of a part: they have ended, their vehicle's goes on.
func (t *Tracker) whole(l *look) []Stop {
	var parts []Stop
	for _, p := range t.places {
		for _, d := range l.Found {
			if d.Score < l.cfg.SteadyScore || p.fit(d.Box) >= sameBox || !p.inside(d.Box) {
				continue
			}
			if other := t.besides(p, d.Box); other != nil {
				p.Backing.Shared++
				p.Backing.Whole = max(p.Backing.Whole, d.Score)
				if p.open() && p.Backing.part() {
					other.begins(p.Stop)
					other.Line.Came = other.Line.Came && p.Line.Came
					parts = append(parts, p.close(l.At))
				}
			}
		}
	}
	return parts
}

// close ends a stop, and leaves its place as that of a thing which is none.
func (p *Place) close(at time.Time) Stop {
	p.Stop.Ended = true
	s := p.stop()
	p.Stop = Stop{Camera: s.Camera, Start: at, End: at, Looks: s.Looks}
	p.Line.Came, p.Line.Queue = false, nil
	return s
}

// besides is another stop whose vehicle a box shows, if there is one.
func (t *Tracker) besides(p *Place, b Box) *Place {
	i := slices.IndexFunc(t.places, func(o *Place) bool {
		return o != p && o.open() && !o.Stop.Ended && !p.sameThing(o.box()) && (o.inside(b) || o.standsNow && o.fit(b) >= sameBox)
	})
	if i < 0 {
		return nil
	}
	return t.places[i]
}

// begins lets the stop begin with that of a part of its vehicle, if that was
// seen first.
func (p *Place) begins(part Stop) {
	if !part.Start.Before(p.Stop.Start) {
		return
	}
	p.Stop.Start = part.Start
	if len(part.Observations) > 0 {
		p.Stop.Observations = slices.Insert(slices.Clone(p.Stop.Observations), 0, part.Observations[0])
	}
}

// inside reports whether what stands in the place lies in a box.
func (p *Place) inside(b Box) bool { return p.standsNow && p.box().Covered(b) >= partOf }

// edge is how near a box comes to the picture's edge that is cut by it.
const edge = 0.01

// inView leaves out the boxes at the picture's edge that may show the rest of a
// vehicle which is known to stand beyond it: the camera has turned away from
// that.
func (t *Tracker) inView(found []Detection) []Detection {
	var kept []Detection
	for _, d := range found {
		cut := d.Box.X < edge || d.Box.Y < edge || d.Box.X+d.Box.W > 1-edge || d.Box.Y+d.Box.H > 1-edge
		if !cut || !slices.ContainsFunc(t.places, func(p *Place) bool { return p.open() && p.reaches(d.Box) }) {
			kept = append(kept, d)
		}
	}
	return kept
}

// reaches reports whether the vehicle, most of which is out of the picture, may
// reach into a box.
func (p *Place) reaches(b Box) bool {
	if p.Box.Covered(Box{W: 1, H: 1}) >= minShare {
		return false
	}
	wide, high := p.Box, p.Box
	wide.X, wide.W = wide.X-wide.W/2, 2*wide.W
	high.Y, high.H = high.Y-high.H/2, 2*high.H
	return b.Covered(wide) >= 0.5 || b.Covered(high) >= 0.5
}
