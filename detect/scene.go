package detect

import "slices"

// PatchSide is the side of a Patch in pixels.
const PatchSide = 48

// Patch is the picture inside a box, brought to PatchSide x PatchSide grey
// pixels, row by row.
type Patch []byte

// Mask says which pixels of a patch can be compared.
type Mask [PatchSide * PatchSide]bool

// maskMargin widens what hides a box, as a share of the box's sides: boxes are
// not exact to the pixel.
const maskMargin = 0.04

// newMask masks what of a box lies outside the picture or under other boxes.
// Share is what is left of it, 0..1.
func newMask(box Box, hidden []Box) (mask *Mask, share float64) {
	mask = new(Mask)
	for i := range mask {
		mask[i] = true
	}
	share = mask.within(box, Box{W: 1, H: 1})
	for _, h := range hidden {
		wide := Box{X: h.X - box.W*maskMargin, Y: h.Y - box.H*maskMargin, W: h.W + 2*box.W*maskMargin, H: h.H + 2*box.H*maskMargin}
		share = mask.leave(box, func(x, y float64) bool { return !wide.holds(x, y) })
	}
	return mask, share
}

// within leaves only what of a box lies in another one, and returns the share
// that is left.
func (m *Mask) within(box, other Box) float64 { return m.leave(box, other.holds) }

// leave leaves only the pixels that are wanted by their place in the picture,
// and returns the share that is left.
func (m *Mask) leave(box Box, wanted func(x, y float64) bool) float64 {
	left := 0
	for i, seen := range m {
		x := box.X + box.W*(float64(i%PatchSide)+0.5)/PatchSide
		y := box.Y + box.H*(float64(i/PatchSide)+0.5)/PatchSide
		m[i] = seen && wanted(x, y)
		if m[i] {
			left++
		}
	}
	return float64(left) / float64(len(m))
}

// renew takes over the pixels of a newer patch that the mask leaves.
func (p Patch) renew(newer Patch, mask *Mask) Patch {
	if mask == nil || len(p) != len(newer) {
		return newer
	}
	renewed := slices.Clone(p)
	for i, seen := range mask {
		if seen {
			renewed[i] = newer[i]
		}
	}
	return renewed
}

// Scene compares the picture of one look with earlier pictures of the same
// camera.
type Scene interface {
	// Move tells where a box of the look before is in this one. It is false
	// when the two pictures cannot be brought together: the camera has turned
	// away, is covered or dark.
	Move(Box) (Box, bool)

	// Patch is the picture inside a box.
	Patch(Box) Patch

	// Match tells where an earlier patch is found, at the box or (when the
	// camera moves) next to it, and how alike the pixels are that the mask
	// leaves (nil leaves all): 1 is equal but for brightness and contrast, 0
	// unlike.
	Match(p Patch, mask *Mask, near Box) (at Box, alike float64)
}
