package enforce

import "math"

// Touching is how far two lines in a picture may be apart, or over each other,
// and still be drawn as one: a thousandth of its width or height, two pixels of
// 1920. Areas are drawn by hand, and coordinates are rounded.
const Touching = 0.001

// Overlap is the area that two polygons have in common, as a share of the
// picture. Neither need be convex; parts that a polygon runs around twice count
// twice.
func (p Polygon) Overlap(q Polygon) float64 { return math.Abs(common(p, q)) }

// Slack is the area by which a polygon may be off without being drawn
// otherwise: Touching along half of its outline.
func (p Polygon) Slack() float64 { return Touching * p.outline() / 2 }

// Width is about how wide a polygon is where it is narrow: a strip's width.
func (p Polygon) Width() float64 {
	outline := p.outline()
	if outline == 0 {
		return 0
	}
	return 2 * p.Area() / outline
}

// Tangled reports whether the polygon's outline crosses itself: then it winds
// around some of its area twice, or the other way round.
func (p Polygon) Tangled() bool { return common(p, p)-p.Area() > p.Slack() }

// Crossing finds two of its sides that cross, by their first points.
func (p Polygon) Crossing() (one, other int, found bool) {
	for i := range p {
		for j := i + 2; j < len(p); j++ {
			if (j+1)%len(p) != i && cross(p.side(i), p.side(j)) {
				return i, j, true
			}
		}
	}
	return 0, 0, false
}

// Doubled finds a point that repeats the one before it, around the outline.
func (p Polygon) Doubled() (point int, found bool) {
	for i, q := range p {
		before := p[(i+len(p)-1)%len(p)]
		if len(p) > 1 && math.Hypot(q.X-before.X, q.Y-before.Y) < Touching/10 {
			return i, true
		}
	}
	return 0, false
}

func (p Polygon) outline() float64 {
	var length float64
	for i := range p {
		s := p.side(i)
		length += math.Hypot(s[1].X-s[0].X, s[1].Y-s[0].Y)
	}
	return length
}

func (p Polygon) side(i int) [2]Point { return [2]Point{p[i], p[(i+1)%len(p)]} }

// cross reports whether two lines have a point in common that ends neither.
func cross(a, b [2]Point) bool {
	return turn(a[0], a[1], b[0])*turn(a[0], a[1], b[1]) < 0 && turn(b[0], b[1], a[0])*turn(b[0], b[1], a[1]) < 0
}

// turn is twice the area of a triangle, negative if it turns the other way.
func turn(a, b, c Point) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }

// common sums the area of two polygons' triangles over each other, those that
// turn the other way being taken off. Over a point that the outlines wind
// around m and n times this counts m times n.
func common(p, q Polygon) float64 {
	var area float64
	for i := 1; i+1 < len(p); i++ {
		for j := 1; j+1 < len(q); j++ {
			t, tSign := facing(p[0], p[i], p[i+1])
			u, uSign := facing(q[0], q[j], q[j+1])
			if tSign*uSign != 0 {
				area += tSign * uSign * t.inside(u).Area()
			}
		}
	}
	return area
}

// facing is a triangle that turns one way, and which way it turned.
func facing(a, b, c Point) (triangle Polygon, sign float64) {
	switch twice := turn(a, b, c); {
	case twice > 0:
		return Polygon{a, b, c}, 1
	case twice < 0:
		return Polygon{a, c, b}, -1
	}
	return nil, 0
}

// inside is what lies in a triangle of those that facing returns.
func (p Polygon) inside(triangle Polygon) Polygon {
	for i := range triangle {
		s := triangle.side(i)
		p = p.cut(func(q Point) float64 { return turn(s[0], s[1], q) })
	}
	return p
}
