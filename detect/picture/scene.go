package picture

import (
	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// Camera follows the pictures of one camera, look by look, and tells how each
// compares with the one before. It is not safe for concurrent use.
type Camera struct {
	before *view
	lost   int // looks since that could not be brought together with it
}

// Scene is one look, seen against the look before.
type Scene struct {
	now    *view
	motion similarity
	known  bool // motion is known
	moved  bool // the camera has moved since the look before
}

// maxLost is how many looks in a row may be lost before the camera is taken to
// look elsewhere for good.
const maxLost = 3

// Look takes the next picture. A look that cannot be brought together with the
// one before is lost: the next one is held against the last that was not, until
// the camera has clearly turned to something else. A covered lens or a dark
// street shows nothing else.
func (c *Camera) Look(pic *decode.Picture) (*Scene, error) {
	now, err := newView(pic)
	if err != nil {
		return nil, err
	}
	scene := &Scene{now: now, motion: identity, known: true}
	if c.before != nil {
		scene.compare(c.before)
	}
	c.lost++
	if scene.known || c.lost > maxLost && now.textured() {
		c.before, c.lost = now, 0
	}
	return scene, nil
}

func (s *Scene) compare(before *view) {
	if before.size() != s.now.size() {
		s.known = false
		return
	}
	if still(before, s.now) {
		return
	}
	s.motion, s.known = register(before, s.now)
	s.moved = s.known
}

// Known reports whether the look could be brought together with the one
// before.
func (s *Scene) Known() bool { return s.known }

// Move implements detect.Scene.
func (s *Scene) Move(b detect.Box) (detect.Box, bool) {
	if !s.moved {
		return b, s.known
	}
	size := s.now.size()
	return s.motion.box(b, size.X, size.Y), true
}

// Patch implements detect.Scene.
func (s *Scene) Patch(b detect.Box) detect.Patch { return s.now.sample(b, detect.PatchSide) }

const (
	searchSteps = 4    // how far Match looks to each side, in pixels of a patch
	unmoved     = 0.95 // likeness from which a fixed camera need not search
	better      = 0.03 // likeness that a shift must add to be believed there
)

// Match implements detect.Scene. It searches a little around the box: what
// creeps is then seen to move, instead of becoming less alike bit by bit, and
// with a camera that is carried, a vehicle nearer than the ground moves a
// little differently.
func (s *Scene) Match(p detect.Patch, mask *detect.Mask, near detect.Box) (detect.Box, float64) {
	if len(p) != detect.PatchSide*detect.PatchSide {
		return near, 0
	}
	here := max(0, similar(p, s.Patch(near), mask))
	if !s.moved && here >= unmoved {
		return near, here
	}
	at, there := s.search(p, mask, near)
	if at == near || !s.moved && there < here+better {
		return near, here
	}
	return at, max(there, similar(p, s.Patch(at), mask))
}

// search finds the shift around a box at which the patch fits best, to a
// fraction of a step.
func (s *Scene) search(p detect.Patch, mask *detect.Mask, middle detect.Box) (detect.Box, float64) {
	const side, shifts = detect.PatchSide + 2*searchSteps, 2*searchSteps + 1
	stepX, stepY := middle.W/detect.PatchSide, middle.H/detect.PatchSide
	around := s.now.sample(detect.Box{
		X: middle.X - searchSteps*stepX, Y: middle.Y - searchSteps*stepY,
		W: side * stepX, H: side * stepY,
	}, side)
	var fits [shifts][shifts]float64
	bestX, bestY := searchSteps, searchSteps
	part := make([]byte, len(p))
	for dy := range shifts {
		for dx := range shifts {
			for y := range detect.PatchSide {
				copy(part[y*detect.PatchSide:(y+1)*detect.PatchSide], around[(y+dy)*side+dx:])
			}
			fits[dy][dx] = alike(p, part, mask)
			if fits[dy][dx] > fits[bestY][bestX] {
				bestX, bestY = dx, dy
			}
		}
	}
	shiftX, shiftY := float64(bestX-searchSteps), float64(bestY-searchSteps)
	best := fits[bestY][bestX]
	if bestX > 0 && bestX < shifts-1 {
		shiftX += peak(fits[bestY][bestX-1], best, fits[bestY][bestX+1])
	}
	if bestY > 0 && bestY < shifts-1 {
		shiftY += peak(fits[bestY-1][bestX], best, fits[bestY+1][bestX])
	}
	middle.X += shiftX * stepX
	middle.Y += shiftY * stepY
	return middle, max(0, best)
}

// peak is where, -0.5..0.5, the parabola through three neighbours has its top.
func peak(left, top, right float64) float64 {
	bend := left - 2*top + right
	if bend >= 0 {
		return 0
	}
	return (left - right) / (2 * bend)
}
