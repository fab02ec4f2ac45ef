package plate

import "math"

// Point is a place in a picture, relative: 0..1 of its width and height.
type Point struct {
	X, Y float64
}

// Corners are a plate's corners as it is read: left top, right top, right
// bottom, left bottom.
type Corners [4]Point

// Whole are the corners of a picture that is only a plate.
var Whole = Corners{{0, 0}, {1, 0}, {1, 1}, {0, 1}}

// Sides are the mean length of the upper and lower edge and of the left and
// right edge, in pixels of a picture of that width and height.
func (c Corners) Sides(width, height float64) (w, h float64) {
	side := func(a, b Point) float64 {
		return math.Hypot((b.X-a.X)*width, (b.Y-a.Y)*height)
	}
	return (side(c[0], c[1]) + side(c[3], c[2])) / 2, (side(c[0], c[3]) + side(c[1], c[2])) / 2
}

// Center is the mean of the corners.
func (c Corners) Center() Point {
	var m Point
	for _, p := range c {
		m.X += p.X / 4
		m.Y += p.Y / 4
	}
	return m
}

// Bounds are the upper left and the lower right corner of the area around them.
func (c Corners) Bounds() (least, most Point) {
	least, most = c[0], c[0]
	for _, p := range c[1:] {
		least = Point{min(least.X, p.X), min(least.Y, p.Y)}
		most = Point{max(most.X, p.X), max(most.Y, p.Y)}
	}
	return least, most
}

// Convex reports whether the corners go round a convex area clockwise (in a
// picture, where y grows downwards), which is what a plate in view does.
func (c Corners) Convex() bool {
	for i := range c {
		a, b, d := c[i], c[(i+1)%4], c[(i+2)%4]
		turn := (b.X-a.X)*(d.Y-b.Y) - (b.Y-a.Y)*(d.X-b.X)
		if !(turn > 0) { // also when it is not a number
			return false
		}
	}
	return true
}
