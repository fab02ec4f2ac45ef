package config

import (
	"fmt"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/publish"
)

// sections reads the rules. A section may stand there several times, with
// other days of effect: these are the versions of its rule.
func (r *resolver) sections(c *Config, f *file) {
	taken := map[string]bool{}
	for i, y := range f.Sections {
		path := fmt.Sprintf("sections[%d]", i)
		r.version(path, y, taken)
		section := r.section(path, y)
		section.Calendar = c.Calendar
		c.Policies.Add(enforce.NewPolicy(section))
		if y.Geometry != nil {
			c.Geometries[y.ID] = r.geometry(path+".geometry", *y.Geometry)
		}
	}
}

// version checks that a section is not written twice for the same days.
func (r *resolver) version(path string, y sectionYAML, taken map[string]bool) {
	r.id(path+".id", y.ID, map[string]bool{})
	if taken[y.ID+" "+y.Effective] {
		r.wrong(path+".id", "%q: already used above; another version of a section needs another effective day", y.ID)
	}
	taken[y.ID+" "+y.Effective] = true
}

// longestClockError keeps the clock by which everything is judged worth its
// name.
const longestClockError = time.Minute

// shortestObservation is what it takes to know that a vehicle stands.
const shortestObservation = 3 * time.Second

func (r *resolver) section(path string, y sectionYAML) enforce.RoadSection {
	location, err := time.LoadLocation(y.TimeZone)
	if err != nil {
		r.wrong(path+".time_zone", "%q: want an IANA name such as Asia/Shanghai", y.TimeZone)
		location = time.UTC
	}
	if y.ObservationPeriod == "" {
		r.wrong(path+".observation_period", "is missing: how long may a vehicle stand before it is suspected?")
	}
	s := enforce.RoadSection{
		ID: y.ID, Name: y.Name, Location: location, Effective: r.day(path+".effective", y.Effective), Code: y.Code,
		ObservationPeriod: r.duration(path+".observation_period", y.ObservationPeriod, 0, shortestObservation),
		Grace:             r.duration(path+".grace", y.Grace, 0, 0),
		ClockError:        r.duration(path+".clock_error", y.ClockError, 0, 0),
	}
	if s.ClockError > longestClockError {
		r.wrong(path+".clock_error", "%s: must be at most %s; set this machine's clock instead", y.ClockError, longestClockError)
	}
	for i, l := range y.Limits {
		s.Limits = append(s.Limits, r.limit(fmt.Sprintf("%s.limits[%d]", path, i), l))
	}
	for i, w := range y.Windows {
		s.Windows = append(s.Windows, r.window(fmt.Sprintf("%s.windows[%d]", path, i), w))
	}
	for i, each := range y.Suspensions {
		s.Suspensions = append(s.Suspensions, r.suspension(fmt.Sprintf("%s.suspensions[%d]", path, i), each, s))
	}
	s.ExemptClasses = r.classes(path+".exempt_classes", y.ExemptClasses)
	s.AgainAfter = r.duration(path+".again_after", y.AgainAfter, 0, enforce.ShortestAgain)
	s.Discretion = r.discretion(path+".discretion", y.Discretion)
	return s
}

func (r *resolver) limit(path string, y limitYAML) enforce.Limit {
	if y.ObservationPeriod == "" {
		r.wrong(path+".observation_period", "is missing: how long may a vehicle stand in these hours?")
	}
	return enforce.Limit{
		Hours:             r.hours(path, y.Hours),
		ObservationPeriod: r.duration(path+".observation_period", y.ObservationPeriod, 0, shortestObservation),
		Grace:             r.duration(path+".grace", y.Grace, 0, 0),
	}
}

// leastPoints are how many points a geometry needs, by its type.
var leastPoints = map[string]int{publish.LineString: 2, publish.Polygon: 3}

func (r *resolver) geometry(path string, y geometryYAML) publish.Geometry {
	g := publish.Geometry{Type: y.Type}
	least, known := leastPoints[y.Type]
	if !known {
		r.wrong(path+".type", "%q: want LineString or Polygon", y.Type)
	}
	for i, p := range y.Coordinates {
		if len(p) != 2 || p[0] < -180 || p[0] > 180 || p[1] < -90 || p[1] > 90 {
			r.wrong(fmt.Sprintf("%s.coordinates[%d]", path, i), "want [longitude, latitude] in degrees (WGS-84)")
			continue
		}
		g.Points = append(g.Points, [2]float64{p[0], p[1]})
	}
	if known && len(y.Coordinates) < least {
		r.wrong(path+".coordinates", "want at least %d points", least)
	}
	return g
}

func (r *resolver) bays(c *Config, f *file, cameras map[string]bool) {
	taken := map[string]bool{}
	for i, y := range f.Bays {
		path := fmt.Sprintf("bays[%d]", i)
		r.id(path+".id", y.ID, taken)
		if !cameras[y.Camera] {
			r.wrong(path+".camera", "%q: no such camera", y.Camera)
		}
		if y.Zone != "" && !hasZone(c.ZonesOf(y.Camera), y.Zone) {
			r.wrong(path+".zone", "%q: the bay's camera has no such zone", y.Zone)
		}
		c.Bays = append(c.Bays, enforce.Bay{
			ID: y.ID, Camera: y.Camera, Zone: y.Zone, Kind: r.bayKind(path+".kind", y.Kind),
			Polygon: r.polygon(path+".polygon", y.Polygon), Arrow: r.arrow(path+".arrow", y),
		})
	}
}

func hasZone(zones []enforce.Zone, id string) bool {
	for _, z := range zones {
		if z.ID == id {
			return true
		}
	}
	return false
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

func (r *resolver) arrow(path string, y bayYAML) *enforce.Vector {
	switch {
	case y.Arrow == nil:
		return nil
	case len(y.Arrow) != 2 || y.Arrow[0] == 0 && y.Arrow[1] == 0:
		r.wrong(path, "want [x, y]: how far right and down the arrow points in the picture")
		return nil
	case y.Kind != string(enforce.ParkingBay):
		r.wrong(path, "only a bay has an arrow")
	}
	return &enforce.Vector{X: y.Arrow[0], Y: y.Arrow[1]}
}
