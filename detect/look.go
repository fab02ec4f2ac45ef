package detect

import (
	"math"
	"slices"
	"time"
)

// Look is what one look at the street tells.
type Look struct {
	At    time.Time   // the moment to judge by
	Found []Detection // the vehicles
	Shot  Shot        // the picture by which it can be shown
	Scene Scene       // how the picture looked at compares with the one before

	// Unmoved says that nothing has moved since an earlier look, whose Found and
	// Scene stand for this one. Where things stand, it is as good as any other,
	// but what the detector said once it has not said twice.
	Unmoved bool
}

// look is a Look as it is worked on.
type look struct {
	Look
	cfg   Config
	dense bool        // the one before was so recent that nothing can have left and another one come
	rest  []Detection // the boxes that back nothing which is known to stand
}

// has reports whether a vehicle found is as wanted.
func (l *look) has(wanted func(Detection) bool) bool { return slices.ContainsFunc(l.Found, wanted) }

// Look takes the next look. It returns all open stops and those that have just
// ended, in order of their start.
func (t *Tracker) Look(next Look) []Stop {
	if t.Early(next.At) {
		return t.Open()
	}
	l := &look{Look: next, cfg: t.cfg, dense: next.At.Sub(t.last) <= denseLooks}
	_, known := l.Scene.Move(Box{W: 1, H: 1})
	t.keepView(l)
	for _, p := range t.places {
		p.standsNow = false
		p.Doubt.Neglected = p.Doubt.Neglected || t.neglected(p, l.At)
		p.Stop.Ended = p.overdue(l, known)
	}
	var parts []Stop
	if known {
		t.lost, t.clear = 0, l.At
		parts = t.compare(l)
	} else if t.lost++; t.lost > lostLooks {
		t.keep((*Place).open) // the camera may look elsewhere
	}
	t.last = l.At
	ended := t.end(l.At)
	return inOrder(slices.Concat(parts, ended, t.stops()))
}

// compare works on a look that can be brought together with those before. It
// returns the stops that turned out to be of a part of another one's vehicle.
func (t *Tracker) compare(l *look) (parts []Stop) {
	t.follow(l)
	l.Found = t.inView(l.Found)
	t.support(l)
	if !l.Unmoved {
		parts = t.whole(l)
	}
	t.grow(l)
	t.settle()
	t.doubt(l)
	t.begin(l)
	t.promote(l)
	t.queue()
	t.kerbs(l)
	return parts
}

// swapped is how long nobody may have looked for no vehicle to have driven off and
// another one of its kind to have taken its place: cameras that send a key picture
// in ten seconds are not to be judged by it.
const swapped = 12 * time.Second

// neglected reports whether, before a look, none was made for so long that another
// vehicle may stand in the place. What a worker before has seen may be older than
// it seems: it wrote down where things stand only now and then.
func (t *Tracker) neglected(p *Place, at time.Time) bool {
	if t.clear.IsZero() {
		return at.Sub(p.Stop.End) > denseLooks
	}
	return at.Sub(t.clear) > swapped
}

// overdue reports whether the vehicle was not seen standing for so long that
// nobody can say whether it stood meanwhile. Where nothing could be seen at all,
// the first look after that may prove it.
func (p *Place) overdue(l *look, known bool) bool {
	away := l.At.Sub(p.Stop.End)
	switch {
	case away.Abs() <= l.cfg.ResumeWithin:
		return false
	case away < 0 || away > l.cfg.ProvenWithin || !p.open():
		return true
	}
	return known && !p.proven(l)
}

// proven reports whether what stands in the place is what stood there before
// nothing was seen for long: to the pixel, and the detector finds it.
func (p *Place) proven(l *look) bool {
	box, known := l.Scene.Move(p.Box)
	if !known || !l.has(func(d Detection) bool { return d.Score >= l.cfg.SteadyScore && p.fit(d.Box) >= samePlace }) {
		return false
	}
	at, alike := l.Scene.Match(p.Patch, nil, box)
	rolled := max(math.Abs(at.X-box.X)/box.W, math.Abs(at.Y-box.Y)/box.H)
	return alike >= returned && rolled <= l.cfg.Drift
}
