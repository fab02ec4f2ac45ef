package model

import (
	"fmt"
	"image"
	"math"
	"slices"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

const (
	// leastHeight and bestHeight are of a vehicle, in pixels of the input: below
	// the first it is found by chance only, and the second, in the middle of what
	// the networks know best, is what a closer look brings it to.
	leastHeight = 24
	bestHeight  = 52

	// surrounding is what a closer look shows around a zone, in heights of its
	// vehicles: a vehicle without the road around it is not known as one.
	surrounding = 1.5

	// enoughHeights must be known before a zone's usual one is believed, and
	// keptHeights is how many are remembered.
	enoughHeights = 5
	keptHeights   = 31
	heightScore   = 0.35 // of the vehicles that are measured

	// guessEvery is how many looks lie between two closer ones at a zone of
	// whose vehicles nothing is known, and guessHeight is the height that is
	// guessed then: as a share of the picture's, what is too small to be found.
	guessEvery  = 16
	guessHeight = 0.04
)

// Zone is a part of a camera's picture in which vehicles matter.
type Zone struct {
	ID     string
	Box    detect.Box // around it
	Height float64    // usual one of its vehicles, as a share of the picture's; 0: it is learnt
}

// Camera finds vehicles in the pictures of one camera: in the street about its
// zones, once it is known how large vehicles appear there, else in the whole
// picture. Where those of a zone appear too small for the network, it looks
// closer as well. It is not safe for concurrent use; the network is shared.
type Camera struct {
	vehicles *Vehicles
	zones    []*zone
	looks    int

	cost   float64 // of looks at parts of late, as a share of one at the whole; 1 and more: too much
	resume int     // the look from which parts are looked at again after that
}

// zone is what is known of the vehicles in a Zone.
type zone struct {
	Zone
	heights, widths []float64  // of vehicles of late, as shares of the picture's
	reach           detect.Box // the zone, and the newest look's vehicles that reach into it or stand next to those
	small           int        // their height in pixels where even a closer look is too coarse, else 0
}

// Camera returns a finder for one camera.
func (v *Vehicles) Camera(zones ...Zone) *Camera {
	c := &Camera{vehicles: v}
	for _, z := range zones {
		c.zones = append(c.zones, &zone{Zone: z, reach: z.Box})
	}
	return c
}

// Find returns the vehicles in a picture, as Vehicles.Find does, but for those
// far from all zones. What reaches from there is cut off, unless it reaches into
// a zone.
func (c *Camera) Find(pic *decode.Picture) ([]detect.Detection, error) {
	c.looks++
	found, err := c.street(pic)
	if err != nil {
		return nil, err
	}
	closer := false
	for _, z := range c.zones {
		part, ok := z.closer(pic.Size(), c.looks%guessEvery == 0)
		if !ok {
			continue
		}
		inside, err := c.vehicles.findIn(pic, part)
		if err != nil {
			return nil, err
		}
		closer = true
		found = append(found, inside...)
	}
	if closer {
		found = distinct(found)
	}
	for _, z := range c.zones {
		z.learn(found)
	}
	return found, nil
}

// Small names the zones whose vehicles are too small to be found, and their
// height in pixels.
func (c *Camera) Small() map[string]int {
	small := map[string]int{}
	for _, z := range c.zones {
		if z.small > 0 {
			small[z.ID] = z.small
		}
	}
	return small
}

// worthwhile is how much larger a closer look must show vehicles.
const worthwhile = 1.2

// closer is the part of the picture to look at for a zone. It is false where
// the whole picture is enough, or a closer look would show little more. With
// guess it also looks at a zone of which nothing is known.
func (z *zone) closer(size image.Point, guess bool) (detect.Box, bool) {
	z.small = 0
	height, known := z.height()
	switch {
	case !known && !guess:
		return detect.Box{}, false
	case !known:
		height = guessHeight
	}
	native := height * float64(size.Y)
	seen := native * scale(size, detect.Box{W: 1, H: 1})
	if seen >= leastHeight {
		return detect.Box{}, false
	}
	part := around(z.Box, seen/bestHeight, surrounding*height, float64(size.Y)/float64(size.X))
	larger := native * scale(size, part)
	ok := larger >= worthwhile*seen
	if ok {
		seen = larger
	}
	// What is made larger than it came shows no more than it did.
	if seen = min(seen, native); known && seen < leastHeight {
		z.small = max(1, int(math.Round(seen)))
	}
	return part, ok
}

// scale is the size of the network's input to that of a part of a picture.
func scale(size image.Point, part detect.Box) float64 {
	w, h := part.W*float64(size.X), part.H*float64(size.Y)
	input := inputSize(image.Pt(max(1, int(w)), max(1, int(h))))
	return min(float64(input.X)/w, float64(input.Y)/h)
}

// around is a part of the picture of at least a share of its sides around a
// box and what surrounds it, given as a share of the picture's height.
func around(box detect.Box, share, margin, aspect float64) detect.Box {
	side := func(at, size, margin float64) (float64, float64) {
		length := min(max(size+2*margin, share), 1)
		return min(max(at+size/2-length/2, 0), 1-length), length
	}
	x, w := side(box.X, box.W, margin*aspect)
	y, h := side(box.Y, box.H, margin)
	return detect.Box{X: x, Y: y, W: w, H: h}
}

// height is the usual one of the zone's vehicles, if it is known.
func (z *zone) height() (float64, bool) {
	if z.Height > 0 {
		return z.Height, true
	}
	return usual(z.heights)
}

// usual is the middle one of enough measures.
func usual(measures []float64) (float64, bool) {
	if len(measures) < enoughHeights {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(measures))
	return sorted[len(sorted)/2], true
}

// learn measures the motor vehicles that stand or drive in the zone.
func (z *zone) learn(found []detect.Detection) {
	z.reach = z.reached(found)
	for _, d := range found {
		foot := detect.Box{X: d.Box.X + d.Box.W/2, Y: d.Box.Y + d.Box.H}
		inside := foot.X >= z.Box.X && foot.X <= z.Box.X+z.Box.W && foot.Y >= z.Box.Y && foot.Y <= z.Box.Y+z.Box.H
		if inside && d.Class.Motor() && d.Score >= heightScore {
			z.heights, z.widths = append(z.heights, d.Box.H), append(z.widths, d.Box.W)
		}
	}
	z.heights = z.heights[max(0, len(z.heights)-keptHeights):]
	z.widths = z.widths[max(0, len(z.widths)-keptHeights):]
}

// findIn finds the vehicles that show whole in a part of a picture.
func (v *Vehicles) findIn(pic *decode.Picture, part detect.Box) ([]detect.Detection, error) {
	crop, err := picture.Crop(pic, part, 0)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	defer crop.Close()
	inside, err := v.Find(crop)
	if err != nil {
		return nil, err
	}
	var found []detect.Detection
	for _, d := range inside {
		b := d.Box
		d.Box = detect.Box{X: part.X + b.X*part.W, Y: part.Y + b.Y*part.H, W: b.W * part.W, H: b.H * part.H}
		if !cutOff(d.Box, part) {
			found = append(found, d)
		}
	}
	return found, nil
}
