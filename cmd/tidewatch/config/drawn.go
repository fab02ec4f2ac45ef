package config

import (
	"fmt"

	"tidewatch/enforce"
)

// Areas are drawn by hand over a picture. What is said of where they lie allows
// for that: see enforce.Touching.

const (
	// mostPoints bounds an outline, of which every pair of sides is looked at.
	mostPoints = 100
	// leastPixels is a coordinate that is meant in pixels.
	leastPixels = 16
	// leastArea is of the ground under the smallest vehicle whose plate may be
	// read in a picture of 2160 lines: 132 pixels wide, 44 high at its foot.
	leastArea = 0.0007
	// speckArea is hardly a vehicle in any picture.
	speckArea = leastArea / 10
	// mostArea of a picture is more than any kerb.
	mostArea = 0.9
	// sameShare of two areas in common makes one of them.
	sameShare = 0.95
	// mostlyShare of an area in another one makes it lie there.
	mostlyShare = 0.5
	// leastHeight is that of the smallest car whose plate may be read in 2160
	// lines: 132 pixels wide, and so at least 110 high.
	leastHeight = 110. / 2160
)

func (r *resolver) zones(c *Config, f *file, cameras map[string]bool) {
	c.VehicleHeights = map[string]float64{}
	taken := map[string]bool{}
	for i, y := range f.Zones {
		path := fmt.Sprintf("zones[%d]", i)
		r.id(path+".id", y.ID, taken)
		r.refers(path+".camera", "cameras", "camera", y.Camera, cameras[y.Camera])
		r.knownSection(path+".section", c, y.Section)
		zone := enforce.Zone{
			ID: y.ID, Camera: y.Camera, Section: y.Section, Polygon: r.polygon(path+".polygon", y.Polygon),
			Vehicles: r.vehicles(path+".vehicles", y.Vehicles), Trial: y.Trial,
		}
		if area := zone.Polygon.Area(); area >= mostArea {
			r.doubt(path+".polygon", "is %s of the picture: vehicles that drive, and other streets, are in it, too; draw it around the kerb", percent(area))
		}
		r.zonesApart(path+".polygon", zone, c.Zones)
		c.Zones = append(c.Zones, zone)
		if y.VehicleHeight != nil {
			c.VehicleHeights[y.ID] = *y.VehicleHeight
			r.vehicleHeight(path+".vehicle_height", *y.VehicleHeight)
		}
	}
}

func (r *resolver) vehicleHeight(path string, h float64) {
	switch {
	case !(h > 0 && h <= 1):
		r.wrong(path, "want a share of the picture's height: more than 0, at most 1")
	case h < leastHeight:
		r.doubt(path, "%g: no plate can be read of a car so small, which needs %.3f in 2160 lines and %.2f in 1080: bring the camera nearer", h, leastHeight, 2*leastHeight)
	}
}

// zonesApart holds a zone against those before it in the same picture.
func (r *resolver) zonesApart(path string, z enforce.Zone, before []enforce.Zone) {
	for i, other := range before {
		if other.Camera != z.Camera || !together(z.Vehicles, other.Vehicles) {
			continue
		}
		mine, its, common := z.Polygon.Area(), other.Polygon.Area(), z.Polygon.Overlap(other.Polygon)
		if common <= max(z.Polygon.Slack(), other.Polygon.Slack()) {
			continue
		}
		share := common / min(mine, its)
		switch same := common >= sameShare*max(mine, its); {
		case z.Section != other.Section && (same || share >= mostlyShare):
			r.astray(path, "%s of the smaller one lies over zones[%d] of section %s: a vehicle there would stand under two rules", percent(share), i, other.Section)
		case z.Section != other.Section:
			r.doubt(path, "lies over zones[%d] of section %s by %s of the smaller one: who stands there is judged by both rules", i, other.Section, percent(share))
		case same && z.Trial == other.Trial:
			r.doubt(path, "is the same area as zones[%d], of the same section: one of them is of no use", i)
		case share >= sameShare:
			r.doubt(path, "lies wholly over zones[%d] of the same section: one of them is of no use", i)
		}
	}
}

// together reports whether a vehicle may concern two zones at once.
func together(a, b enforce.Vehicles) bool {
	return a == b || a == enforce.All || b == enforce.All
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func (r *resolver) vehicles(path, s string) enforce.Vehicles {
	v := enforce.Vehicles(s)
	if v != enforce.Motor && v != enforce.NonMotor && v != enforce.All {
		r.wrong(path, "%q: want motor, non_motor or all", s)
	}
	return v
}

// polygon reads an area. What is not one is nil, of which nothing more is said.
func (r *resolver) polygon(path string, points [][]float64) enforce.Polygon {
	polygon := make(enforce.Polygon, 0, len(points))
	for i, p := range points {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case r.isPartial(at):
			continue
		case len(p) == 2 && max(p[0], p[1]) >= leastPixels:
			r.misread(path, "[%g, %g] looks like pixels: divide them by the picture's width and height", p[0], p[1])
		case len(p) != 2 || !(p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= 1):
			r.wrong(at, "want [x, y], each 0 to 1 of the picture's width and height")
			continue
		}
		polygon = append(polygon, enforce.Point{X: p[0], Y: p[1]})
	}
	switch {
	case r.isPartial(path):
	case len(points) < 3 || len(points) > mostPoints:
		r.wrong(path, "want 3 to %d points around an area", mostPoints)
	case len(polygon) < len(points):
	case polygon.Tangled():
		r.wrong(path, "crosses itself%s: list the points in their order around the area", crossing(polygon))
	case polygon.Area() < speckArea || polygon.Width() < 2*enforce.Touching:
		r.wrong(path, "is hardly an area, %.1f pixels wide in 1920: no vehicle stands in it", 1920*polygon.Width())
	default:
		r.fine(path, polygon)
		return polygon
	}
	r.excuse(path)
	return nil
}

// crossing names the sides that cross, by their points, where it can.
func crossing(p enforce.Polygon) string {
	one, other, found := p.Crossing()
	if !found {
		return ""
	}
	return fmt.Sprintf(" between points %d and %d, and %d and %d", one, (one+1)%len(p), other, (other+1)%len(p))
}

// fine says what may be meant of an area, and hardly is.
func (r *resolver) fine(path string, p enforce.Polygon) {
	if p.Area() < leastArea {
		r.doubt(path, "is very small: of a vehicle that fits in it no plate can be read, even in 2160 lines")
	}
	if i, found := p.Doubled(); found {
		r.doubt(fmt.Sprintf("%s[%d]", path, i), "repeats the point before it: leave it out, an area closes by itself")
	}
}
