package enforce

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"tidewatch/detect"
)

// Point is a place in a picture, relative: 0..1 of its width and height.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Polygon is an area of a picture; its last point joins its first.
type Polygon []Point

// Zone is an area of one camera's picture in which a section's rule applies.
type Zone struct {
	ID       string
	Camera   string
	Section  string
	Polygon  Polygon
	Vehicles Vehicles // to which the rule applies; empty is Motor
	Trial    bool     // new, and watched without consequences: nothing of it can be submitted
	Bays     []Bay    // the areas marked in it; without any bay all of it is to park in
}

// Vehicles are the kinds of vehicle that a zone is for. Bicycles and
// motorcycles stand under rules and in bays of their own.
type Vehicles string

// The kinds of vehicle that a zone may be for.
const (
	Motor    Vehicles = "motor"     // cars, buses and trucks
	NonMotor Vehicles = "non_motor" // bicycles, shared ones too, and motorcycles
	All      Vehicles = "all"
)

// Concerns reports whether the zone's rule applies to a class of vehicle.
func (z Zone) Concerns(class detect.Class) bool {
	nonMotor := class == detect.Bicycle || class == detect.Motorcycle
	return z.Vehicles == All || nonMotor == (z.Vehicles == NonMotor)
}

// Layout names what zones draw in a camera's picture: the same name for the
// same polygons, in whatever order and for whatever sections; empty without
// zones.
func Layout(zones []Zone) string {
	if len(zones) == 0 {
		return ""
	}
	drawn := make([]string, len(zones))
	for i, z := range zones {
		drawn[i] = fmt.Sprintf("%s %v", z.ID, z.Polygon)
	}
	slices.Sort(drawn)
	sum := sha256.Sum256([]byte(strings.Join(drawn, "\n")))
	return hex.EncodeToString(sum[:8])
}

// footprintShare is the part of a box's height, from its foot, that is taken
// for the ground the vehicle stands on.
const footprintShare = 0.4

// insideShare is the share of the footprint that must lie in a zone for the
// vehicle to stand in it.
const insideShare = 0.5

// Holds reports whether a vehicle seen in box stands in the zone: at least
// half of its footprint, the lower part of the box, lies in the polygon.
func (z Zone) Holds(box detect.Box) bool {
	return z.Polygon.share(footprint(box)) >= insideShare
}

// footprint is where a vehicle seen in box touches the ground.
func footprint(box detect.Box) detect.Box {
	return detect.Box{
		X: box.X, W: box.W,
		Y: box.Y + box.H*(1-footprintShare), H: box.H * footprintShare,
	}
}

// share is how much of a box lies in the polygon: 0 to 1.
func (p Polygon) share(b detect.Box) float64 {
	whole := b.W * b.H
	if whole <= 0 {
		return 0
	}
	return p.clip(b).Area() / whole
}

// Bounds is the smallest box around the polygon.
func (p Polygon) Bounds() detect.Box {
	if len(p) == 0 {
		return detect.Box{}
	}
	least, most := p[0], p[0]
	for _, q := range p {
		least = Point{min(least.X, q.X), min(least.Y, q.Y)}
		most = Point{max(most.X, q.X), max(most.Y, q.Y)}
	}
	return detect.Box{X: least.X, Y: least.Y, W: most.X - least.X, H: most.Y - least.Y}
}

// Area is the polygon's area, as a share of the picture.
func (p Polygon) Area() float64 {
	var twice float64
	for i, a := range p {
		b := p[(i+1)%len(p)]
		twice += a.X*b.Y - b.X*a.Y
	}
	return math.Abs(twice) / 2
}

// clip cuts the polygon to a box (Sutherland and Hodgman: the box is convex,
// the polygon need not be).
func (p Polygon) clip(b detect.Box) Polygon {
	p = p.cut(func(q Point) float64 { return q.X - b.X })
	p = p.cut(func(q Point) float64 { return b.X + b.W - q.X })
	p = p.cut(func(q Point) float64 { return q.Y - b.Y })
	return p.cut(func(q Point) float64 { return b.Y + b.H - q.Y })
}

// cut keeps the side of a line on which inside is not negative.
func (p Polygon) cut(inside func(Point) float64) Polygon {
	var kept Polygon
	for i, b := range p {
		a := p[(i+len(p)-1)%len(p)]
		da, db := inside(a), inside(b)
		if (da < 0) != (db < 0) {
			t := da / (da - db)
			kept = append(kept, Point{a.X + t*(b.X-a.X), a.Y + t*(b.Y-a.Y)})
		}
		if db >= 0 {
			kept = append(kept, b)
		}
	}
	return kept
}
