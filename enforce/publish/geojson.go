package publish

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tidewatch/enforce"
)

// The types of geometry that a section may have.
const (
	LineString = "LineString"
	Polygon    = "Polygon"
)

// Geometry is where a section lies: longitudes and latitudes in degrees,
// WGS-84. A polygon is one ring, whose last point joins its first.
type Geometry struct {
	Type   string
	Points [][2]float64
}

// MarshalJSON writes the geometry as GeoJSON has it: the ring of a polygon
// ends at its first point, and goes round against the clock.
func (g Geometry) MarshalJSON() ([]byte, error) {
	var coordinates any = g.Points
	if g.Type == Polygon {
		coordinates = [][][2]float64{ring(g.Points)}
	}
	return json.Marshal(struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}{g.Type, coordinates})
}

func ring(points [][2]float64) [][2]float64 {
	n := len(points)
	if n > 1 && points[0] == points[n-1] {
		n--
	}
	var twice float64
	for i := range n {
		p, q := points[i], points[(i+1)%n]
		twice += p[0]*q[1] - q[0]*p[1]
	}
	closed := make([][2]float64, 0, n+1)
	for i := range n {
		if twice < 0 {
			i = n - 1 - i
		}
		closed = append(closed, points[i])
	}
	return append(closed, closed[0])
}

type collection struct {
	Type     string    `json:"type"`
	Features []feature `json:"features"`
}

type feature struct {
	Type       string     `json:"type"`
	ID         string     `json:"id"`
	Geometry   *Geometry  `json:"geometry"` // null where it is not told
	Properties properties `json:"properties"`
}

// properties are what programs read of a section.
type properties struct {
	Name              string                `json:"name"`
	TimeZone          string                `json:"time_zone"`
	Policy            string                `json:"policy"` // ID of the version in force
	Effective         enforce.Date          `json:"effective,omitzero"`
	ObservationPeriod float64               `json:"observation_period_seconds"`
	Grace             float64               `json:"grace_seconds"`
	Windows           []enforce.TidalWindow `json:"windows"`
	Suspensions       []enforce.Suspension  `json:"suspensions,omitempty"`
	Openings          []opening             `json:"openings"` // that begin in the coming days
}

type opening struct {
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
	Announcement string    `json:"announcement"`
	// Unannounced says that it depends on holidays that have yet to be told.
	Unannounced bool `json:"unannounced,omitempty"`
}

// GeoJSON writes the sections as a FeatureCollection (RFC 7946).
func GeoJSON(w io.Writer, sections []Section) error {
	all := collection{Type: "FeatureCollection", Features: []feature{}}
	for _, s := range sections {
		all.Features = append(all.Features, feature{
			Type: "Feature", ID: s.Policy.Section.ID, Geometry: s.Geometry, Properties: s.properties(),
		})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("write GeoJSON: %w", err)
	}
	return nil
}

func (s Section) properties() properties {
	section := s.Policy.Section
	p := properties{
		Name: section.Name, TimeZone: section.Location.String(), Policy: s.Policy.ID, Effective: section.Effective,
		ObservationPeriod: section.ObservationPeriod.Seconds(), Grace: section.Grace.Seconds(),
		Windows: section.Windows, Suspensions: section.Suspensions, Openings: []opening{},
	}
	if p.Windows == nil {
		p.Windows = []enforce.TidalWindow{}
	}
	for _, day := range s.Days {
		for _, o := range day.Openings {
			p.Openings = append(p.Openings, opening{o.From, o.Until, o.Window.Announcement, o.Unannounced})
		}
	}
	return p
}
