package draw

import (
	"image/color"
	"math/rand/v2"
)

// Cover is something opaque over a part of a plate: mud, a sticker, a leaf, a
// cloth. Its edges are shares of the plate's width and height.
type Cover struct {
	Left, Top, Right, Bottom float64
	Colour                   color.RGBA
}

// End is the end of a row.
type End bool

// The ends at which characters are covered.
const (
	First End = false
	Last  End = true
)

// coverColours are those of what covers plates: mud, something dark, something
// white, earth, and green paint.
var coverColours = []color.RGBA{{107, 106, 102, 255}, {17, 17, 17, 255}, {225, 222, 215, 255}, {96, 72, 48, 255}, {32, 160, 80, 255}}

// CoverEnd covers a share of the plate at one end, from top to bottom and a
// little beyond, with something that differs from the plate's ground: what does
// not differ from it cannot be seen.
func (p Plate) CoverEnd(random *rand.Rand, end End, share float64) Cover {
	c := Cover{Left: -0.05, Top: -0.1, Right: share, Bottom: 1.1}
	beside := p.Style.colour.left
	if end == Last {
		c.Left, c.Right, beside = 1-share, 1.05, p.Style.colour.ground
	}
	for !differ(c.Colour, beside) {
		c.Colour = coverColours[random.IntN(len(coverColours))]
	}
	return c
}

// differ reports whether two colours can be told from each other in any light.
func differ(a, b color.RGBA) bool {
	const least = 60
	off := func(a, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }
	return a.A > 0 && max(off(a.R, b.R), off(a.G, b.G), off(a.B, b.B)) >= least
}
