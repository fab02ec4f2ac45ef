package detect_test

import (
	"math"
	"time"

	"tidewatch/detect"
)

// street is a picture made of things, for tests of the tracker: a thing covers
// what was painted before it, and its texture is fixed to it.
type street struct {
	things []thing
	camera detect.Box // what of the world the camera sees; zero sees 0..1
	before detect.Box // and saw in the look before
	lost   bool
}

// ghost is the seed of what cannot be seen and only gives a box.
const ghost = -2

// thing is a textured rectangle of the world.
type thing struct {
	box   detect.Box
	seed  int     // of its texture, or ghost
	dark  float64 // share of its left half's brightness that a shadow takes
	found float64 // score of the box that the detector gives; 0: none
	class detect.Class
}

func (s street) view(c detect.Box) detect.Box {
	if c.W == 0 {
		return detect.Box{W: 1, H: 1}
	}
	return c
}

// seen maps a box of the world into the picture of a camera.
func seen(b, camera detect.Box) detect.Box {
	return detect.Box{X: (b.X - camera.X) / camera.W, Y: (b.Y - camera.Y) / camera.H, W: b.W / camera.W, H: b.H / camera.H}
}

func world(b, camera detect.Box) detect.Box {
	return detect.Box{X: camera.X + b.X*camera.W, Y: camera.Y + b.Y*camera.H, W: b.W * camera.W, H: b.H * camera.H}
}

func (s street) Move(b detect.Box) (detect.Box, bool) {
	return seen(world(b, s.view(s.before)), s.view(s.camera)), !s.lost
}

func (s street) Patch(b detect.Box) detect.Patch {
	b = world(b, s.view(s.camera))
	patch := make(detect.Patch, detect.PatchSide*detect.PatchSide)
	for i := range patch {
		x := b.X + b.W*(float64(i%detect.PatchSide)+0.5)/detect.PatchSide
		y := b.Y + b.H*(float64(i/detect.PatchSide)+0.5)/detect.PatchSide
		patch[i] = s.grey(x, y)
	}
	return patch
}

// grey is the brightness of a point: that of the topmost thing there, else of
// the road.
func (s street) grey(x, y float64) byte {
	for i := len(s.things) - 1; i >= 0; i-- {
		t := s.things[i]
		if t.seed == ghost {
			continue
		}
		u, v := (x-t.box.X)/t.box.W, (y-t.box.Y)/t.box.H
		if u >= 0 && u < 1 && v >= 0 && v < 1 {
			grey := texture(t.seed, int(u*16), int(v*16))
			if u < 0.5 {
				grey *= 1 - t.dark
			}
			return byte(grey)
		}
	}
	return byte(100 + texture(-1, int(x*200), int(y*200))/16)
}

// texture is a brightness 0..255 that looks random.
func texture(seed, u, v int) float64 {
	h := uint32(seed*7919+u*104729+v*1299709) * 2654435761
	h ^= h >> 13
	h *= 1540483477
	return float64(h >> 16 & 255)
}

func (s street) Match(p detect.Patch, mask *detect.Mask, near detect.Box) (detect.Box, float64) {
	best, most := near, correlation(p, s.Patch(near), mask)
	for step := -4; step <= 4; step++ {
		at := near
		at.X += float64(step) * near.W / detect.PatchSide
		if alike := correlation(p, s.Patch(at), mask); alike > most {
			best, most = at, alike
		}
	}
	return best, most
}

func correlation(a, b []byte, mask *detect.Mask) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for i := range a {
		if mask != nil && !mask[i] {
			continue
		}
		x, y := float64(a[i]), float64(b[i])
		n, sa, sb, saa, sbb, sab = n+1, sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	return max(0, (sab-sa*sb/n)/math.Sqrt((saa-sa*sa/n)*(sbb-sb*sb/n)+1e-9))
}

// detections are the boxes that the things give.
func (s street) detections() []detect.Detection {
	var found []detect.Detection
	for _, t := range s.things {
		box := seen(t.box, s.view(s.camera)).Visible()
		if t.found > 0 && box.Area() > 0 {
			class := t.class
			if class == "" {
				class = detect.Car
			}
			found = append(found, detect.Detection{Box: box, Class: class, Score: t.found})
		}
	}
	return found
}

// look is a look at the street.
func (s street) look(at time.Time) detect.Look {
	return detect.Look{At: at, Found: s.detections(), Shot: detect.Shot{At: at}, Scene: s}
}

var start = time.Date(2026, 5, 1, 19, 0, 0, 0, time.UTC)

// script is what is there in each look; every is the time between looks.
type script struct {
	looks int
	every time.Duration
	scene func(look int) street
}

// play shows a script to a tracker and returns each stop as it was last
// returned, in order of start.
func (s script) play(t *detect.Tracker, from, until int) []detect.Stop {
	every := s.every
	if every == 0 {
		every = time.Second
	}
	last := map[string]detect.Stop{}
	var order []string
	for look := from; look < until; look++ {
		scene := s.scene(look)
		if look > 0 {
			scene.before = s.scene(look - 1).camera
		}
		for _, stop := range t.Look(scene.look(start.Add(time.Duration(look) * every))) {
			if _, known := last[stop.ID]; !known {
				order = append(order, stop.ID)
			}
			last[stop.ID] = stop
		}
	}
	stops := make([]detect.Stop, len(order))
	for i, id := range order {
		stops[i] = last[id]
	}
	return stops
}
