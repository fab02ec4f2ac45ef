package config

import (
	"fmt"
	"math"

	"tidewatch/enforce"
)

func (r *resolver) bays(c *Config, f *file, cameras map[string]bool) {
	taken := map[string]bool{}
	for i, y := range f.Bays {
		path := fmt.Sprintf("bays[%d]", i)
		r.id(path+".id", y.ID, taken)
		r.refers(path+".camera", "cameras", "camera", y.Camera, cameras[y.Camera])
		bay := enforce.Bay{
			ID: y.ID, Camera: y.Camera, Zone: y.Zone, Kind: r.bayKind(path+".kind", y.Kind),
			Polygon: r.polygon(path+".polygon", y.Polygon), Arrow: r.arrow(path+".arrow", y),
		}
		if cameras[y.Camera] {
			r.bayInZone(path, bay, c.ZonesOf(y.Camera))
		}
		r.baysApart(path+".polygon", bay, c.Bays)
		c.Bays = append(c.Bays, bay)
	}
}

// bayInZone checks that a bay lies where it means something.
func (r *resolver) bayInZone(path string, b enforce.Bay, zones []enforce.Zone) {
	in, most, found := enforce.Zone{}, -1., false
	for _, z := range zones {
		if common := b.Polygon.Overlap(z.Polygon); (b.Zone == "" || b.Zone == z.ID) && common > most {
			in, most, found = z, common, true
		}
	}
	whole := b.Polygon.Area()
	switch {
	case r.isPartial("zones") || b.Polygon == nil || found && in.Polygon == nil:
	case !found && b.Zone != "":
		r.wrong(path+".zone", "%q: the bay's camera has no such zone", b.Zone)
	case !found:
		r.doubt(path, "its camera has no zone: nobody is judged by it")
	case !b.LiesIn(in) && b.Zone != "":
		r.astray(path+".polygon", "%s of it lies in zone %s, %s", percent(most/whole), b.Zone, outsideHarm(b))
	case !b.LiesIn(in):
		r.astray(path+".polygon", "lies in no zone of its camera: who parks in it is not judged; draw it again, or the zone")
	case b.Kind == enforce.ParkingBay && whole-most > b.Polygon.Slack():
		r.doubt(path+".polygon", "%s of it lies outside zone %s: who parks there may count as outside the zone", percent(1-most/whole), in.ID)
	}
}

// outsideHarm says what a bay does that does not lie in its zone.
func outsideHarm(b enforce.Bay) string {
	if b.Kind == enforce.ParkingBay {
		return "and nobody can stand in order in that zone: draw it again, or the zone"
	}
	return "where nobody can stand on it: draw it again, or the zone"
}

// baysApart holds a bay against those before it in the same picture.
func (r *resolver) baysApart(path string, b enforce.Bay, before []enforce.Bay) {
	for i, other := range before {
		if other.Camera != b.Camera {
			continue
		}
		smaller, common := min(b.Polygon.Area(), other.Polygon.Area()), b.Polygon.Overlap(other.Polygon)
		switch share := common / smaller; {
		case common <= max(b.Polygon.Slack(), other.Polygon.Slack()):
		case common >= sameShare*max(b.Polygon.Area(), other.Polygon.Area()):
			r.astray(path, "is the same area as bays[%d]", i)
		case share >= mostlyShare && (b.Kind == enforce.ParkingBay || other.Kind == enforce.ParkingBay):
			r.astray(path, "%s of the smaller one lies over bays[%d]: a vehicle can stand in one of them only", percent(share), i)
		case b.Kind == enforce.ParkingBay || other.Kind == enforce.ParkingBay:
			r.doubt(path, "lies over bays[%d] by %s of the smaller one: which of them does a vehicle there stand in?", i, percent(share))
		}
	}
}

func (r *resolver) bayKind(path, s string) enforce.BayKind {
	for _, kind := range enforce.BayKinds {
		if s == string(kind) {
			return kind
		}
	}
	r.wrong(path, "%q: want bay, crossing or fire_lane", s)
	return enforce.ParkingBay
}

// shortestArrow still has a direction.
const shortestArrow = 1e-3

func (r *resolver) arrow(path string, y bayYAML) *enforce.Vector {
	switch {
	case y.Arrow == nil:
		return nil
	case len(y.Arrow) != 2 || !(math.Hypot(y.Arrow[0], y.Arrow[1]) >= shortestArrow && math.Hypot(y.Arrow[0], y.Arrow[1]) <= 1e6):
		r.wrong(path, "want [x, y]: how far right and down the arrow points in the picture")
		return nil
	case y.Kind != string(enforce.ParkingBay):
		r.wrong(path, "only a bay has an arrow")
	}
	return &enforce.Vector{X: y.Arrow[0], Y: y.Arrow[1]}
}
