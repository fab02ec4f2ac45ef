package config

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
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

const (
	// shortestObservation is what it takes to know that a vehicle stands.
	shortestObservation = 3 * time.Second
	// Periods outside these may be meant, and hardly are.
	shortObservation, longObservation = 15 * time.Second, time.Hour
	longGrace                         = 2 * time.Hour
	// longestPeriod is beyond what an observation period or a grace can mean.
	longestPeriod = 24 * time.Hour
	// longestAgain bounds for how long a vehicle that stays is followed.
	longestAgain = 30 * 24 * time.Hour
)

func (r *resolver) section(path string, y sectionYAML) enforce.RoadSection {
	location := r.location(path+".time_zone", y.TimeZone)
	if y.ObservationPeriod == "" {
		r.wrong(path+".observation_period", "is missing: how long may a vehicle stand before it is suspected?")
	}
	s := enforce.RoadSection{
		ID: y.ID, Name: string(y.Name), Location: location, Effective: r.day(path+".effective", y.Effective), Code: r.code(path+".code", y.Code),
		ObservationPeriod: r.observation(path+".observation_period", y.ObservationPeriod),
		Grace:             r.grace(path+".grace", y.Grace),
		ClockError:        r.duration(path+".clock_error", y.ClockError, 0, longestClockError, "set this machine's clock instead"),
	}
	for i, l := range y.Limits {
		s.Limits = append(s.Limits, r.limit(fmt.Sprintf("%s.limits[%d]", path, i), l))
	}
	for i, w := range y.Windows {
		s.Windows = append(s.Windows, r.window(fmt.Sprintf("%s.windows[%d]", path, i), w))
		r.repeated(fmt.Sprintf("%s.windows[%d]", path, i), s.Windows)
	}
	for i, each := range y.Suspensions {
		s.Suspensions = append(s.Suspensions, r.suspension(fmt.Sprintf("%s.suspensions[%d]", path, i), each, s))
	}
	s.ExemptClasses = r.classes(path+".exempt_classes", y.ExemptClasses)
	s.AgainAfter = r.duration(path+".again_after", y.AgainAfter, enforce.ShortestAgain, longestAgain, "leave it out")
	s.Discretion = r.discretion(path+".discretion", y.Discretion)
	return s
}

func (r *resolver) limit(path string, y limitYAML) enforce.Limit {
	if y.ObservationPeriod == "" {
		r.wrong(path+".observation_period", "is missing: how long may a vehicle stand in these hours?")
	}
	return enforce.Limit{
		Hours:             r.hours(path, y.Hours),
		ObservationPeriod: r.observation(path+".observation_period", y.ObservationPeriod),
		Grace:             r.grace(path+".grace", y.Grace),
	}
}

// observation reads how long a vehicle may stand before it is suspected.
func (r *resolver) observation(path, s string) time.Duration {
	d := r.duration(path, s, shortestObservation, longestPeriod, "nobody would ever be suspected")
	switch {
	case d > longObservation && d <= longestPeriod:
		r.doubt(path, "%s: is longer than %s: most who park against the rule are gone by then", s, short(longObservation))
	case d < shortObservation && d >= shortestObservation:
		r.doubt(path, "%s: is shorter than %s: who stops to let somebody out is suspected", s, short(shortObservation))
	}
	return d
}

func (r *resolver) grace(path, s string) time.Duration {
	d := r.duration(path, s, 0, longestPeriod, "a window would never end")
	if d > longGrace && d <= longestPeriod {
		r.doubt(path, "%s: is longer than %s: a window's end would mean little", s, short(longGrace))
	}
	return d
}

// codeForm is a violation's code on the police side.
var codeForm = regexp.MustCompile(`^[0-9A-Z]{1,10}$`)

func (r *resolver) code(path, s string) string {
	if !codeForm.MatchString(s) {
		r.wrong(path, "%q: want the police's code, such as 1039", s)
	}
	return s
}

// location finds a time zone. Local is another one on every machine, and so is
// what has no place in its name.
func (r *resolver) location(path string, name zoneName) *time.Location {
	location, err := time.LoadLocation(string(name))
	if err != nil || !zoneForm.MatchString(string(name)) || name == "Local" || name == "Factory" {
		r.wrong(path, "%q: want an IANA name such as Asia/Shanghai", name)
		return time.UTC
	}
	return location
}

var zoneForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`)

// repeated says that the newest of some windows says what one before it does.
func (r *resolver) repeated(path string, windows []enforce.TidalWindow) {
	newest := len(windows) - 1
	for i, w := range windows[:newest] {
		if reflect.DeepEqual(w, windows[newest]) {
			r.doubt(path, "is the same as windows[%d]", i)
			return
		}
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
		if len(p) != 2 || !(math.Abs(p[0]) <= 180) || !(math.Abs(p[1]) <= 90) {
			r.wrong(fmt.Sprintf("%s.coordinates[%d]", path, i), "want [longitude, latitude] in degrees (WGS-84)")
			continue
		}
		g.Points = append(g.Points, [2]float64{p[0], p[1]})
	}
	if n := len(y.Coordinates); known && (n < least || n > mostPoints) {
		r.wrong(path+".coordinates", "want %d to %d points", least, mostPoints)
	}
	return g
}
