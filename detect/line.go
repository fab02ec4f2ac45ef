package detect

import "math"

const (
	// Distances of a queue are in lengths of its vehicles along the line, and
	// in their widths across it, as far as boxes tell either.

	nextInLine = 2.0  // from foot to foot: a gap of one length
	notTheSame = 0.25 // from foot to foot: less is one vehicle with two boxes
	alongside  = 0.4  // across the line of two others: more is beside them
	ofASize    = 3.0  // sides of a bus and of a car next to it
)

// near reports whether two boxes are those of vehicles one of which stands behind
// the other.
func near(a, b Box) bool {
	size := math.Sqrt(a.Area() / b.Area())
	x, y := between(a, b)
	apart := math.Hypot(x, y)
	length := (along(a, x, y) + along(b, x, y)) / 2
	return size <= ofASize && size >= 1/ofASize && apart <= nextInLine*length && apart >= notTheSame*length
}

// inLine reports whether three vehicles stand one behind the other: the first and
// the last on the line of the other two, to either side of the middle.
func inLine(a, b, c Box) bool {
	abX, abY := between(a, b)
	bcX, bcY := between(b, c)
	return abX*bcX+abY*bcY > 0 && beside(abX, abY, bcX, bcY) <= alongside*across(c, abX, abY) &&
		beside(bcX, bcY, abX, abY) <= alongside*across(a, bcX, bcY)
}

// between is the way from where one vehicle's wheels are to another's.
func between(a, b Box) (x, y float64) {
	return b.X + b.W/2 - a.X - a.W/2, b.Y + b.H - a.Y - a.H
}

// along is what a box measures in a direction, and across at a right angle to it.
func along(b Box, x, y float64) float64 {
	return (math.Abs(x)*b.W + math.Abs(y)*b.H) / max(math.Hypot(x, y), math.SmallestNonzeroFloat64)
}

func across(b Box, x, y float64) float64 { return along(b, -y, x) }

// beside is how far a step leads from the line of another one.
func beside(lineX, lineY, x, y float64) float64 {
	return math.Abs(lineX*y-lineY*x) / max(math.Hypot(lineX, lineY), math.SmallestNonzeroFloat64)
}
