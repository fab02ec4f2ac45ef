package picture

import (
	"hash/maphash"
	"math"
	"slices"
	"time"

	"tidewatch/ingest"
)

// Fault is why the pictures of a camera cannot be trusted to show its street.
type Fault string

// The faults, as metrics name them. Where several could be meant, the first
// of this order is.
const (
	Dark    Fault = "dark"    // nothing but black and a few lights
	Covered Fault = "covered" // something without detail lies before most of the view
	Blurred Fault = "blurred" // the same street, without its fine detail
	Moved   Fault = "moved"   // the camera looks elsewhere than when its zones were drawn
	Frozen  Fault = "frozen"  // the same picture again and again, but for what is drawn over it
)

// Faults lists all of them.
var Faults = []Fault{Dark, Covered, Blurred, Moved, Frozen}

// Finding is what the checks make of one look.
type Finding struct {
	Fault Fault // empty: nothing is wrong

	// Shift is how far the picture's corner that moved most lies from where it
	// was in the reference, as a share of the picture's longer side. It is
	// meaningless unless Placed.
	Shift  float64
	Placed bool // it is known where the camera looks

	Since time.Time // of a frozen picture: when it first came
}

// Cause is what is wrong, for whoever looks after the camera; zero if nothing
// is.
func (f Finding) Cause() ingest.Cause {
	switch {
	case f.Fault == Moved && f.Placed:
		return ingest.Because(ingest.SceneMoved, "percent", int(math.Round(100*f.Shift)))
	case f.Fault == Moved:
		return ingest.Because(ingest.SceneElsewhere)
	}
	return ingest.Because(causes[f.Fault])
}

// causes are the faults that have no more to tell.
var causes = map[Fault]ingest.Code{
	Dark: ingest.SceneDark, Covered: ingest.SceneCovered, Blurred: ingest.SceneBlurred, Frozen: ingest.SceneFrozen,
}

// Checks holds the looks of one camera against what the camera showed before:
// against a reference view, taken when the camera was first seen well with the
// zones that it has, and against its usual brightness and sharpness. A single
// finding proves little, a bus may stand before the camera: it is for the
// caller to see whether it lasts. Checks is not safe for concurrent use.
type Checks struct {
	anchors []Anchor // views that the camera is known again by; the first is the reference
	pose    pose
	usual   Usual

	repetition repetition
	looks      int

	lost    int  // looks in a row that could not be brought together with those before
	unfit   int  // looks in a row that no anchor fitted
	adopted int  // look at which the newest anchor was taken
	away    bool // the newest known pose was too far from the reference
	grown   bool // there is an anchor that no Memory has been asked for since
}

// Memory is what checks know of a camera, to be kept over a restart.
type Memory struct {
	Anchors []Anchor
	Usual   Usual
}

// NewChecks begins with what is remembered of the camera; a memory that is empty
// or not sound makes the first good look the reference.
func NewChecks(m Memory) *Checks {
	c := &Checks{repetition: repetition{seed: maphash.MakeSeed()}}
	if m.Sound() {
		c.anchors, c.usual = slices.Clone(m.Anchors), m.Usual
		c.usual.Fine, c.usual.Coarse = slices.Clone(m.Usual.Fine), slices.Clone(m.Usual.Coarse)
	}
	return c
}

// Sound reports whether a memory can be worked with: it comes from a file.
func (m Memory) Sound() bool {
	for _, a := range m.Anchors {
		if first := m.Anchors[0]; !a.sound() || a.Width != first.Width || a.Height != first.Height {
			return false
		}
	}
	return m.Usual.sound()
}

// Memory is what should be kept for a restart.
func (c *Checks) Memory() Memory {
	c.grown = false
	usual := c.usual
	usual.Fine, usual.Coarse = slices.Clone(usual.Fine), slices.Clone(usual.Coarse)
	return Memory{Anchors: slices.Clone(c.anchors), Usual: usual}
}

// Grown reports whether there is a view to know the camera by that was not there
// when Memory was asked for last.
func (c *Checks) Grown() bool { return c.grown }

// Look checks one look, taken at a moment by which only the pace of learning is
// reckoned.
func (c *Checks) Look(at time.Time, scene *Scene) Finding {
	c.looks++
	c.repetition.look(at, scene.now.levels[0])
	measured := measure(scene.now)
	if light := c.usual.judge(measured, scene.now); light != "" {
		c.pose.known = false // the camera may be turned meanwhile
		c.repetition.forgive(at)
		return Finding{Fault: light}
	}
	place := c.locate(scene)
	if place.Fault == "" && c.repetition.frozen {
		place.Fault, place.Since = Frozen, c.repetition.fresh
	}
	if place.Fault == "" {
		c.usual.learn(at, measured, scene.now)
	}
	return place
}
