package detect

import (
	"cmp"
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
	// compared is with how many things that moved the pixels of one are compared: with
	// itself and the one behind it, in most cases.
	compared = 2
	// keptCourse is how many of its boxes are kept.
	keptCourse = 8
)

// course is where the thing of a new candidate was in the looks before, oldest
// first; nil if that is not known.
func (t *Tracker) course(c *Place, l *look) []Box {
	var before *Place
	most := alikeMoving
	for _, m := range t.nearest(c.Box) {
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

// nearest are the moving things that may have come to a box, at most compared of
// them, those first that would be nearest if they had gone on as before.
func (t *Tracker) nearest(b Box) []*Place {
	var near []*Place
	for _, m := range t.moving {
		size := math.Sqrt(m.Box.Area() / b.Area())
		x, y := between(m.Box, b)
		if size <= grown && size >= 1/grown && math.Hypot(x, y) <= stride*along(b, x, y) {
			near = append(near, m)
		}
	}
	off := func(m *Place) float64 {
		x, y := between(m.Box, b)
		if n := len(m.Course); n > 0 {
			stepX, stepY := between(m.Course[n-1], m.Box)
			x, y = x-stepX, y-stepY
		}
		return math.Hypot(x, y)
	}
	slices.SortStableFunc(near, func(a, b *Place) int { return cmp.Compare(off(a), off(b)) })
	return near[:min(len(near), compared)]
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
