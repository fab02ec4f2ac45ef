// Package truth holds what people saw in a film against the stops that were
// found in it. It reads no pictures and does no I/O.
//
// Every stop that was found is counted once: as matched, doubled, false, or
// set aside; every vehicle that people saw parked is matched or missed.
package truth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"tidewatch/detect"
	"tidewatch/enforce"
)

// Kind is why a vehicle stands.
type Kind string

// The kinds of standing.
const (
	Parked Kind = "parked" // it was left, or waits out of the traffic: it has to be found
	Pause  Kind = "pause"  // it stands for a moment, on its way: it may be found
	Queue  Kind = "queue"  // it waits behind others, or at a signal: finding it is wrong
)

// Camera is how the camera of a film was held.
type Camera string

// The ways to hold a camera.
const (
	Fixed   Camera = "fixed"
	Carried Camera = "carried" // in a hand, or panned
)

// Film is what people saw in one film. Seconds are from its first picture,
// places are relative to the picture, 0..1.
type Film struct {
	Clip     string
	Camera   Camera
	FPS      float64
	Size     [2]int
	Duration float64
	Zone     enforce.Zone // without a polygon: everywhere
	Stops    []Stop
}

// Stop is one vehicle that people saw standing.
type Stop struct {
	Class  detect.Class
	Box    detect.Box // where it was at BoxAt
	BoxAt  float64
	Start  float64
	End    float64
	Kind   Kind
	Plate  string // empty: nobody can read it; "_" is a character that nobody can
	Ignore bool   // too small, too hidden or too doubtful to be counted; Box may hold several
}

// filmJSON and stopJSON are Film and Stop as they are written.
type filmJSON struct {
	Clip     string      `json:"clip"`
	Camera   Camera      `json:"camera"`
	FPS      float64     `json:"fps"`
	Size     []int       `json:"size"`
	Duration float64     `json:"duration"`
	Zone     [][]float64 `json:"zone"`
	Stops    []stopJSON  `json:"stops"`
}

type stopJSON struct {
	Class  detect.Class `json:"class"`
	Box    []float64    `json:"box"`
	BoxAt  *float64     `json:"box_at"`
	Start  *float64     `json:"start"`
	End    *float64     `json:"end"`
	Kind   Kind         `json:"kind"`
	Plate  string       `json:"plate"`
	Ignore bool         `json:"ignore"`
}

// Parse reads a film's truth. Unknown fields are refused, and all that is wrong
// is told at once, each with its field.
func Parse(data []byte) (Film, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var read filmJSON
	if err := decoder.Decode(&read); err != nil {
		return Film{}, fmt.Errorf("not the truth of a film: %w; docs/accuracy.md shows one", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Film{}, errors.New("something follows the truth of the film; one file holds one film")
	}
	return read.film()
}

// film checks what was read.
func (r filmJSON) film() (Film, error) {
	film := Film{Clip: r.Clip, Camera: r.Camera, FPS: r.FPS, Duration: r.Duration}
	var p problems
	p.unless(r.Clip != "", "clip", "it is empty; give the film's file name")
	if film.Camera == "" {
		film.Camera = Fixed
	}
	p.unless(film.Camera == Fixed || film.Camera == Carried, "camera", "it is %q; give %q or %q", film.Camera, Fixed, Carried)
	p.unless(r.FPS > 0 && r.FPS <= 1000, "fps", "it is %v; give the film's pictures a second, more than 0", r.FPS)
	p.unless(r.Duration > 0 && r.Duration <= 1e6, "duration", "it is %v; give the film's length in seconds, more than 0", r.Duration)
	if len(r.Size) == 2 && min(r.Size[0], r.Size[1]) > 0 {
		film.Size = [2]int(r.Size)
	} else {
		p.add("size", "it is %v; give width and height in pixels", r.Size)
	}
	p.unless(len(r.Zone) == 0 || len(r.Zone) >= 3, "zone", "it has %d points; give three or more, or leave it out", len(r.Zone))
	for i, point := range r.Zone {
		if len(point) != 2 || !relative(point...) {
			p.add(fmt.Sprintf("zone[%d]", i), "it is %v; give x and y, 0 to 1 of the picture", point)
			continue
		}
		film.Zone.Polygon = append(film.Zone.Polygon, enforce.Point{X: point[0], Y: point[1]})
	}
	for i, stop := range r.Stops {
		film.Stops = append(film.Stops, stop.stop(fmt.Sprintf("stops[%d]", i), r.Duration, &p))
	}
	if err := errors.Join(p...); err != nil {
		return Film{}, err
	}
	return film, nil
}

var (
	classes = []detect.Class{detect.Car, detect.Bus, detect.Truck, detect.Motorcycle, detect.Bicycle}
	kinds   = []Kind{Parked, Pause, Queue}
)

func (r stopJSON) stop(field string, duration float64, p *problems) Stop {
	s := Stop{Class: r.Class, Kind: r.Kind, Plate: r.Plate, Ignore: r.Ignore}
	p.unless(slices.Contains(classes, s.Class), field+".class", "it is %q; give one of %v", s.Class, classes)
	p.unless(slices.Contains(kinds, s.Kind), field+".kind", "it is %q; give one of %v", s.Kind, kinds)
	if len(r.Box) == 4 && relative(r.Box...) && r.Box[2] > 0 && r.Box[3] > 0 && relative(r.Box[0]+r.Box[2]-slack, r.Box[1]+r.Box[3]-slack) {
		s.Box = detect.Box{X: r.Box[0], Y: r.Box[1], W: r.Box[2], H: r.Box[3]}
	} else {
		p.add(field+".box", "it is %v; give left, top, width and height inside the picture, 0 to 1", r.Box)
	}
	if r.Start == nil || r.End == nil || !(*r.Start >= 0 && *r.Start < *r.End && *r.End <= duration) {
		p.add(field, "start is %v and end is %v; give seconds with 0 <= start < end <= duration", number(r.Start), number(r.End))
		return s
	}
	s.Start, s.End = *r.Start, *r.End
	s.BoxAt = (s.Start + s.End) / 2
	if r.BoxAt != nil {
		s.BoxAt = *r.BoxAt
	}
	p.unless(s.BoxAt >= s.Start && s.BoxAt <= s.End, field+".box_at", "it is %v; give the moment of the box, from start to end", s.BoxAt)
	return s
}

// slack is how far rounding may put a box beyond the edge.
const slack = 1e-3

func relative(values ...float64) bool {
	return !slices.ContainsFunc(values, func(v float64) bool { return !(v >= -slack && v <= 1) })
}

// number is a number as people read it, or that there is none.
func number(v *float64) any {
	if v == nil {
		return "missing"
	}
	return *v
}

// problems is all that is wrong with a file.
type problems []error

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %s", field, fmt.Sprintf(format, args...)))
}

func (p *problems) unless(right bool, field, format string, args ...any) {
	if !right {
		p.add(field, format, args...)
	}
}

// Fits reports whether the truth can be that of a film of this size in pixels
// and duration in seconds (0: not known).
func (f Film) Fits(width, height int, duration float64) error {
	if f.Size != [2]int{width, height} {
		return fmt.Errorf("the truth is of a film of %dx%d pixels, this one has %dx%d; name the truth of this film", f.Size[0], f.Size[1], width, height)
	}
	if duration > 0 && math.Abs(f.Duration-duration) > 1 {
		return fmt.Errorf("the truth is of a film of %.1f s, this one has %.1f s; name the truth of this film", f.Duration, duration)
	}
	return nil
}
