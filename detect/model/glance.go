package model

import (
	"fmt"
	"image"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

const (
	// glanceAround is what a glance shows around its part, in pixels of the
	// network's input: a vehicle without the road around it is not known as one.
	glanceAround = 80
	// glanceShare is the share of the whole input up to which a glance is worth
	// its while: a whole look follows where it shows something new.
	glanceShare = 0.5
)

// Glance returns the vehicles in a part of a picture and around it, those that
// are cut off included. The network sees them in the size in which Find shows
// them. It is false where that would cost hardly less than Find, or where Find
// looks closer at some zone.
func (c *Camera) Glance(pic *decode.Picture, part detect.Box) (found []detect.Detection, ok bool, err error) {
	for _, z := range c.zones {
		if _, closer := z.closer(pic.Size(), false); closer {
			return nil, false, nil
		}
	}
	part, input := glance(pic.Size(), part)
	if whole := inputSize(pic.Size()); float64(input.X*input.Y) > glanceShare*float64(whole.X*whole.Y) {
		return nil, false, nil
	}
	crop, err := picture.Crop(pic, part, 0)
	if err != nil {
		return nil, false, fmt.Errorf("glance: %w", err)
	}
	defer crop.Close()
	if found, err = c.vehicles.findAt(crop, input); err != nil {
		return nil, false, fmt.Errorf("glance: %w", err)
	}
	for i := range found {
		found[i].Box = ofWhole(found[i].Box, part)
	}
	return found, true, nil
}

// glance is the part of a picture that a glance shows, and the size of the
// network's input for it.
func glance(size image.Point, part detect.Box) (shown detect.Box, input image.Point) {
	zoom := scale(size, detect.Box{W: 1, H: 1})
	side := func(at, length float64, pixels int) (float64, float64, int) {
		all := zoom * float64(pixels)
		input := min(onGrid(length*all+2*glanceAround), onGrid(all))
		length, at = min(float64(input)/all, 1), at+length/2
		return min(max(at-length/2, 0), 1-length), length, input
	}
	shown.X, shown.W, input.X = side(part.X, part.W, size.X)
	shown.Y, shown.H, input.Y = side(part.Y, part.H, size.Y)
	return shown, input
}

// onGrid is the least side of an input that has room for some pixels.
func onGrid(pixels float64) int {
	const grid = inputGrid
	return max(leastSide, (int(pixels+grid-0.001)/grid)*grid)
}

// ofWhole is a box of a part of a picture as one of the whole.
func ofWhole(box, part detect.Box) detect.Box {
	return detect.Box{X: part.X + box.X*part.W, Y: part.Y + box.Y*part.H, W: box.W * part.W, H: box.H * part.H}
}
