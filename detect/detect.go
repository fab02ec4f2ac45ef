// Package detect says when a vehicle stands. The detector says what a thing
// is, the pixels say that it stands, and the tracker joins both into stops.
//
// The package itself is pure Go and does no I/O; model, picture and watch do
// the work on pictures.
package detect

import (
	"cmp"
	"slices"
	"time"

	"tidewatch/detect/plate"
	"tidewatch/ingest"
)

// Class is a kind of vehicle, by its COCO name.
type Class string

// The classes of vehicle that the detector tells apart.
const (
	Car        Class = "car"
	Bus        Class = "bus"
	Truck      Class = "truck"
	Motorcycle Class = "motorcycle"
	Bicycle    Class = "bicycle"
)

// Motor reports whether the class is a motor vehicle with a plate of its own
// kind: bicycles and motorcycles are judged in zones of their own.
func (c Class) Motor() bool { return c == Car || c == Bus || c == Truck }

// Box is a rectangle in a picture, relative: 0..1 of its width and height,
// from the upper left corner.
type Box struct {
	X, Y, W, H float64
}

// Detection is one vehicle in one picture.
type Detection struct {
	Box   Box
	Class Class   // the one that it most looks like
	Score float64 // that it is a vehicle, of whatever class; 0..1

	// Classes are what of the score each class has; nil: Class has all of it. What
	// it is shows over many pictures only.
	Classes map[Class]float64
}

// Shot is a picture by which a look can be shown later. Its time is its own:
// where a camera's smaller stream is looked at, it was taken a little before.
type Shot struct {
	At   time.Time    // the moment judged by
	Unit *ingest.Unit // the picture as the camera sent it; nil when replaying a file
}

// Observation is one look at a standing vehicle.
type Observation struct {
	At   time.Time    // of the picture
	Box  Box          // where it stood
	Unit *ingest.Unit // the picture as the camera sent it; nil when replaying a file
}

// Stop is one vehicle standing still. It is a value: what a tracker returned
// never changes afterwards.
type Stop struct {
	ID     string // deterministic: camera, start and place
	Camera string
	Class  Class
	Box    Box       // where it stands, in the newest picture's coordinates; where it was last in view once the camera has turned away
	Start  time.Time // first moment it stood
	End    time.Time // last moment it was seen standing
	Ended  bool      // it has left
	Looks  int       // looks in which it was seen standing
	Plate  plate.Read

	PlateView PlateView // that the plate was read in; zero without one

	// Unseen are the stretches between Start and End in which the camera's
	// pictures could not be trusted, in order of time and apart. They count
	// towards nobody's dwell.
	Unseen []Span

	// Queued are the stretches in which it stood in a queue of vehicles that had
	// come to stand one behind the other. They count towards no dwell either, and
	// may overlap with those unseen.
	Queued []Span

	// Observations are key pictures of the stop in order of time: always the
	// first and the newest, thinned evenly between, a bounded number.
	Observations []Observation
}

// PlateView is the picture in which a stop's plate showed best, of those in
// which it was read as it is.
type PlateView struct {
	At      time.Time
	Unit    *ingest.Unit // as the camera sent it
	Corners plate.Corners
}

// Dwell is how long the vehicle has been seen standing outside queues.
func (s Stop) Dwell() time.Duration {
	dwell := s.End.Sub(s.Start)
	for _, u := range Union(slices.Concat(s.Unseen, s.Queued)) {
		dwell -= u.Until.Sub(u.From)
	}
	return dwell
}

// Span is a stretch of time: From inclusive, Until exclusive.
type Span struct {
	From, Until time.Time
}

// Union brings spans into order, and joins those that overlap.
func Union(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until)) })
	var joined []Span
	for _, s := range spans {
		last := len(joined) - 1
		if last >= 0 && !s.From.After(joined[last].Until) {
			if s.Until.After(joined[last].Until) {
				joined[last].Until = s.Until
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}
