// Package publish shows the announced sections and hours to the public: as one
// page that needs nothing else, in Chinese and English, and as GeoJSON.
package publish

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
