package picture

import (
	"image"
	"math"

	"gocv.io/x/gocv"
)

const (
	// movedBy is how far, as a share of its longer side, a picture may have moved
	// from the reference before zones drawn in that are not those of the street
	// any more: a pole that sways or was knocked stays below. A camera that was
	// moved is back from backBy on.
	movedBy = 0.02
	backBy  = 0.015

	// mostAnchors bounds the views by which a camera is known again: by day, at
	// dusk, in the light of lamps.
	mostAnchors = 4
	// measureEvery is how many looks pass between two attempts to measure the
	// pose where no anchor fits: features cost as much as all else together.
	measureEvery = 5
	// adoptEvery is how many looks pass between two anchors: in dense traffic
	// none may fit for long, and that teaches nothing.
	adoptEvery = 60
	// equalizeLimit bounds how much a flat part's shades are spread: noise is no
	// landmark.
	equalizeLimit = 20
	// anchorSide is the longest side of an anchor, in pixels.
	anchorSide = featureSide
)

// Anchor is a view by which a camera is known again, and how it lies against
// the reference. Its fields are exported so that it can be kept on disk.
type Anchor struct {
	Width, Height int
	Grey          []byte
	Motion        [4]float64 // from the reference: a, b, dx, dy of a similarity
	Fitted        int        // when it last fitted, by a counter

	view *view
}

// sound reports whether what came from a file can be worked with.
func (a Anchor) sound() bool {
	if a.Width < leastSide || a.Height < leastSide || a.Width > anchorSide || a.Height > anchorSide || len(a.Grey) != a.Width*a.Height {
		return false
	}
	for _, m := range a.Motion {
		if math.IsNaN(m) || math.Abs(m) > 10*anchorSide {
			return false
		}
	}
	return true
}

func (a *Anchor) motion() similarity {
	return similarity{a.Motion[0], a.Motion[1], a.Motion[2], a.Motion[3]}
}

func (a *Anchor) seen() *view {
	if a.view == nil {
		a.view = newPyramid(plane{a.Width, a.Height, a.Grey})
	}
	return a.view
}

// newPyramid is the view of a plane.
func newPyramid(p plane) *view {
	v := &view{levels: []plane{p}}
	for max(p.width, p.height) > 2*coarseSide {
		p = p.resized(image.Pt(p.width/2, p.height/2))
		v.levels = append(v.levels, p)
	}
	return v
}

// resized brings a plane to another size.
func (p plane) resized(size image.Point) plane {
	from := p.mat()
	defer from.Close()
	to := gocv.NewMat()
	defer to.Close()
	gocv.Resize(from, &to, size, 0, 0, gocv.InterpolationArea)
	return planeOf(to, size)
}

// equalized uses all shades alike in each part of a picture, so that a view looks
// the same at noon and in the light of lamps, and with a truck in half of it.
func (p plane) equalized() plane {
	from := p.mat()
	defer from.Close()
	to := gocv.NewMat()
	defer to.Close()
	clahe := gocv.NewCLAHEWithParams(equalizeLimit, image.Pt(lightColumns, lightRows))
	defer clahe.Close()
	clahe.Apply(from, &to)
	return planeOf(to, image.Pt(p.width, p.height))
}

// mat is a plane as OpenCV wants it; the caller closes it.
func (p plane) mat() gocv.Mat {
	mat := gocv.NewMatWithSize(p.height, p.width, gocv.MatTypeCV8U)
	if pixels, err := mat.DataPtrUint8(); err == nil {
		copy(pixels, p.grey)
	}
	return mat
}

func planeOf(mat gocv.Mat, size image.Point) plane {
	p := plane{size.X, size.Y, make([]byte, size.X*size.Y)}
	if pixels, err := mat.DataPtrUint8(); err == nil {
		copy(p.grey, pixels)
	}
	return p
}

// pose is how the picture lies against the reference, in the reference's
// pixels.
type pose struct {
	motion similarity
	known  bool
}

// then is one motion after another.
func (s similarity) then(next similarity) similarity {
	dx, dy := next.apply(s.dx, s.dy)
	return similarity{
		a: next.a*s.a - next.b*s.b, b: next.b*s.a + next.a*s.b,
		dx: dx, dy: dy,
	}
}

// shift is how far the corner that a motion moves most goes, as a share of the
// longer side.
func (s similarity) shift(size image.Point) float64 {
	most := 0.0
	w, h := float64(size.X), float64(size.Y)
	for _, corner := range [][2]float64{{0, 0}, {w, 0}, {0, h}, {w, h}} {
		x, y := s.apply(corner[0], corner[1])
		most = max(most, math.Hypot(x-corner[0], y-corner[1]))
	}
	return most / max(w, h)
}

// reference is the first anchor.
func (c *Checks) reference() *Anchor { return &c.anchors[0] }

// locate finds where the camera looks.
func (c *Checks) locate(scene *Scene) Finding {
	now := c.comparable(scene.now)
	switch {
	case c.fits(now):
	case !now.textured():
		// Snow or fog: nothing speaks against the camera, and nothing tells that it
		// is not turned meanwhile.
		c.pose.known = false
		return Finding{}
	case len(c.anchors) == 0:
		c.adopt(now, identity)
		return Finding{Placed: true}
	default:
		c.unfit++
		c.follow(scene)
		c.measure(now)
	}
	if !c.pose.known || c.lost > 0 && c.unfit > 0 {
		return Finding{Fault: Moved}
	}
	f := Finding{Shift: c.pose.motion.shift(c.reference().seen().size()), Placed: true}
	c.away = f.Shift > movedBy || c.away && f.Shift > backBy
	switch {
	case c.away:
		f.Fault = Moved
	case c.unfit > measureEvery && c.looks-c.adopted > adoptEvery:
		c.adopt(now, c.pose.motion) // the same street in another light
	}
	return f
}

// comparable is a look at the size of the reference.
func (c *Checks) comparable(now *view) *view {
	p := now.level(anchorSide)
	if len(c.anchors) == 0 {
		return newPyramid(p.equalized())
	}
	if size := c.reference().seen().size(); size != image.Pt(p.width, p.height) {
		p = p.resized(size)
	}
	return newPyramid(p.equalized())
}

// fits looks for an anchor that shows the same view to the pixel, and takes over
// its pose.
func (c *Checks) fits(now *view) bool {
	for i := range c.anchors {
		if a := &c.anchors[i]; still(a.seen(), now) {
			a.Fitted = c.looks
			c.pose, c.unfit, c.lost = pose{a.motion(), true}, 0, 0
			return true
		}
	}
	return false
}

// follow takes the pose of the look before into this one, if the two could be
// brought together. A few lost looks in between do no harm: a scene is held
// against the last that was not, until the camera gives that up.
func (c *Checks) follow(scene *Scene) {
	if !scene.known {
		c.lost++
		c.pose.known = c.pose.known && c.lost <= maxLost
		return
	}
	c.lost = 0
	if !c.pose.known || !scene.moved {
		return
	}
	m := scene.motion
	scale := float64(c.reference().Width) / float64(scene.now.size().X)
	m.dx, m.dy = m.dx*scale, m.dy*scale
	c.pose.motion = c.pose.motion.then(m)
}

// measure finds the pose by features, now and then: what is carried from look
// to look does not notice a slow creep.
func (c *Checks) measure(now *view) {
	if c.unfit%measureEvery != 1 {
		return
	}
	for i := range c.anchors {
		a := &c.anchors[i]
		if motion, sure := register(a.seen(), now); sure {
			a.Fitted = c.looks
			c.pose, c.lost = pose{a.motion().then(motion), true}, 0
			return
		}
	}
}

// adopt makes a look an anchor, in place of the one that has not fitted for
// longest. The reference stays.
func (c *Checks) adopt(now *view, motion similarity) {
	p := now.levels[0]
	a := Anchor{
		Width: p.width, Height: p.height, Grey: p.grey, Fitted: c.looks,
		Motion: [4]float64{motion.a, motion.b, motion.dx, motion.dy}, view: now,
	}
	if !a.sound() {
		return
	}
	if len(c.anchors) >= mostAnchors {
		oldest := 1
		for i := range c.anchors[1:] {
			if c.anchors[i+1].Fitted < c.anchors[oldest].Fitted {
				oldest = i + 1
			}
		}
		c.anchors = append(c.anchors[:oldest:oldest], c.anchors[oldest+1:]...)
	}
	c.anchors = append(c.anchors, a)
	c.pose, c.unfit, c.adopted, c.grown = pose{motion, true}, 0, c.looks, true
}
