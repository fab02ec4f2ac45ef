package enforce

import (
	"cmp"
	"math"
	"slices"

	"tidewatch/detect"
)

// Vector is a direction in a picture, in shares of its width and height.
type Vector struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// BayKind says what a marked area is.
type BayKind string

// The kinds of marked area. In the last two nobody may stand, whatever the
// hour.
const (
	ParkingBay BayKind = "bay"
	Crossing   BayKind = "crossing"
	FireLane   BayKind = "fire_lane"
)

// BayKinds lists every kind.
var BayKinds = []BayKind{ParkingBay, Crossing, FireLane}

// Bay is one marked area in a camera's picture.
type Bay struct {
	ID      string  `json:"id"`
	Camera  string  `json:"-"`
	Zone    string  `json:"-"`              // the one zone that it belongs to; empty: see Marks
	Kind    BayKind `json:"kind,omitempty"` // empty: ParkingBay
	Polygon Polygon `json:"polygon"`
	Arrow   *Vector `json:"arrow,omitempty"` // where a parked vehicle's front must point; nil: either way
}

func (b Bay) kind() BayKind { return cmp.Or(b.Kind, ParkingBay) }

// ownShare is the share of a bay that lies in its zone at least: who parks in
// the middle of it stands in the zone, too.
const ownShare = insideShare

// Marks reports whether an area belongs to a zone of its camera. One that names
// no zone belongs to those that it lies in: a zone that it belonged to without
// lying in it would have no order to stand in.
func (b Bay) Marks(z Zone) bool {
	if b.Zone != "" {
		return b.Zone == z.ID
	}
	return b.LiesIn(z)
}

// LiesIn reports whether enough of an area lies in a zone for it to mean
// something there: half of a bay, any part of what nobody may stand on.
func (b Bay) LiesIn(z Zone) bool {
	common := b.Polygon.Overlap(z.Polygon)
	if b.kind() == ParkingBay {
		return common >= ownShare*b.Polygon.Area()
	}
	return common > b.Polygon.Slack()
}

const (
	// whollyShare is the share of the footprint that must lie in one bay for the
	// vehicle to stand wholly inside it. The rest allows for a box that is a
	// little too large, and for a body that overhangs the lines in perspective.
	whollyShare = 0.75
	// partShare is the share of the footprint that makes the vehicle stand in an
	// area with a part of it: in a second bay, on the crossing, in the fire lane.
	partShare = 0.25
	// wrongWay is the cosine beyond which a vehicle stands against the arrow:
	// more than 120 degrees apart, since angles in a picture are not those on
	// the ground.
	wrongWay = -0.5
)

// order says how a vehicle stands with regard to the marked areas of its zone.
// The reason has the code Orderly where a window permits it to stand so, and
// no code in a zone without any area.
//
// Areas are judged by the footprint, as the zone is (see Holds). A vehicle
// that is wholly in a bay is not held to stand elsewhere as well.
func (z Zone) order(stop StopRecord) Reason {
	shares := z.shares(stop.Box)
	var bays, banned []occupied
	for _, o := range shares {
		if o.bay.kind() == ParkingBay {
			bays = append(bays, o)
		} else if o.share >= partShare {
			banned = append(banned, o)
		}
	}
	switch {
	case len(z.Bays) == 0:
		return Reason{}
	case len(bays) > 0 && bays[0].share >= whollyShare:
		bay := bays[0].bay
		if bay.Arrow != nil && stop.Heading != nil && against(*bay.Arrow, *stop.Heading) {
			return Reason{Code: WrongDirection, Bays: []string{bay.ID}}
		}
		return Reason{Code: Orderly, Bays: []string{bay.ID}}
	case len(banned) > 0 && banned[0].bay.kind() == Crossing:
		return Reason{Code: OnCrossing, Bays: []string{banned[0].bay.ID}}
	case len(banned) > 0:
		return Reason{Code: InFireLane, Bays: []string{banned[0].bay.ID}}
	case !slices.ContainsFunc(z.Bays, func(b Bay) bool { return b.kind() == ParkingBay }):
		return Reason{} // nothing is marked to stand in: the whole zone is
	case len(bays) > 1 && bays[1].share >= partShare:
		return Reason{Code: AcrossBays, Bays: []string{bays[0].bay.ID, bays[1].bay.ID}}
	}
	return Reason{Code: OutOfBay}
}

// occupied is an area with the share of a footprint that lies in it.
type occupied struct {
	bay   Bay
	share float64
}

// shares are the areas that a footprint touches, the most occupied first.
func (z Zone) shares(box detect.Box) []occupied {
	foot := footprint(box)
	var touched []occupied
	for _, b := range z.Bays {
		if share := b.Polygon.share(foot); share > 0 {
			touched = append(touched, occupied{b, share})
		}
	}
	slices.SortStableFunc(touched, func(a, b occupied) int { return cmp.Compare(b.share, a.share) })
	return touched
}

// against reports whether a heading is the other way round than an arrow.
func against(arrow, heading Vector) bool {
	lengths := math.Hypot(arrow.X, arrow.Y) * math.Hypot(heading.X, heading.Y)
	return lengths > 0 && (arrow.X*heading.X+arrow.Y*heading.Y)/lengths < wrongWay
}
