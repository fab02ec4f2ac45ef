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

// coverColours are those of what covers plates. One of the plate's own ground
// is among them, since a strip of that colour hides best.
var coverColours = []color.RGBA{{107, 106, 102, 255}, {17, 17, 17, 255}, {225, 222, 215, 255}, {96, 72, 48, 255}, {}}

// CoverEnd covers a share of the plate at one end, from top to bottom and a
// little beyond.
func (p Plate) CoverEnd(random *rand.Rand, end End, share float64) Cover {
	c := Cover{Left: -0.05, Top: -0.1, Right: share, Bottom: 1.1, Colour: coverColours[random.IntN(len(coverColours))]}
	if end == Last {
		c.Left, c.Right = 1-share, 1.05
	}
	if c.Colour.A == 0 {
		c.Colour = p.Style.colour.ground
		if end == First {
			c.Colour = p.Style.colour.left
		}
	}
	return c
}
