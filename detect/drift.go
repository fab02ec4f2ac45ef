package detect

import "math"

// Drift is how a thing has seemed to move of late.
type Drift struct {
	X, Y  float64 // against the ground, in its widths and heights
	Moved float64 // how much of late the camera moved: 0 not at all, 1 in all looks
}

// driftMemory is the share of a look's movement that the next one remembers.
const driftMemory = 0.8

const (
	// jitter is a movement, as a share of the picture, that says nothing: a
	// pixel or two.
	jitter = 0.004
	// movedJitter is the same where the camera moves: how it moved is known to a
	// fraction of a pixel from look to look, and things higher or farther away
	// than the ground move a little differently.
	movedJitter = 0.012
)

// carried notes a look, and whether the camera moved for it.
func (d *Drift) carried(moved bool) {
	d.Moved *= driftMemory
	if moved {
		d.Moved += 1 - driftMemory
	}
}

// step notes where a thing is found that is expected in a box.
func (d *Drift) step(expected, at Box) {
	d.X = d.X*driftMemory + (at.X+at.W/2-expected.X-expected.W/2)/expected.W
	d.Y = d.Y*driftMemory + (at.Y+at.H/2-expected.Y-expected.H/2)/expected.H
}

// creeps reports whether a thing of a size has moved against the ground of late.
func (d Drift) creeps(size Box, cfg Config) bool {
	least := jitter + (movedJitter-jitter)*min(1, 2*d.Moved)
	return math.Abs(d.X) > max(cfg.Drift, least/size.W) || math.Abs(d.Y) > max(cfg.Drift, least/size.H)
}
