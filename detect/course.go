package detect

import (
	"math"
	"slices"
	"time"
)

// What moves is somewhere else in each look. Where looks are close, its pixels tell
// that it is the same: so it shows from where a vehicle came that now stands, and in
// which direction one passes those that do.

const (
	// followed is how long after the look before a moving vehicle is still known.
	followed = 2 * time.Second
	// stride is how far it may have moved since, in lengths of its own: 60 km/h in
	// one second.
	stride = 4.0
	// grown is by how much it may seem larger or smaller than then, in its sides.
	grown = 1.5
	// alikeMoving is the likeness from which it is the same.
	alikeMoving = 0.6
	// keptCourse is how many of its boxes are kept.
	keptCourse = 8
)

// course is where the thing of a new candidate was in the looks before, oldest
// first; nil if that is not known.
func (t *Tracker) course(c *Place, l *look) []Box {
	var before *Place
	most := alikeMoving
	for _, m := range t.moving {
		size := math.Sqrt(m.Box.Area() / c.Box.Area())
		x, y := between(m.Box, c.Box)
		if size > grown || size < 1/grown || math.Hypot(x, y) > stride*along(c.Box, x, y) {
			continue
		}
		if _, alike := l.Scene.Match(m.Patch, nil, c.Box); alike >= most {
			before, most = m, alike
		}
	}
	if before == nil {
		return nil
	}
	course := append(slices.Clone(before.Course), before.Box)
	return course[max(0, len(course)-keptCourse):]
}

// moved are the things that were seen in the look before and do not stand in this
// one, if it was not long ago.
func (t *Tracker) moved(l *look) (moving []*Place) {
	if l.At.Sub(t.last) > followed {
		return nil
	}
	for _, p := range t.places {
		if !p.open() && !p.standsNow && p.Stop.End.Equal(t.last) {
			moving = append(moving, p)
		}
	}
	return moving
}
