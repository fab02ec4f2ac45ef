// Package draw draws number plates that nobody has, of every kind of GA
// 36-2018, as they leave the press and as a camera in the street sees them. It
// measures and trains readers where no footage of such plates is at hand. The
// same seed gives the same plates and the same pictures. It is pure Go.
package draw

import (
	"image/color"
	"math/rand/v2"

	"tidewatch/detect/plate"
)

// Style is one way in which plates are made.
type Style struct {
	Name   string
	Kind   plate.Kind
	Text   string // a pattern for plate.Spell
	layout layout
	colour colours
}

// Plate is a plate to be drawn.
type Plate struct {
	Style Style
	Text  string
}

// colours are those of a plate: its ground, its characters, and the characters
// that stand out. Large new-energy plates have another ground on the left.
type colours struct {
	ground, left, characters, marked color.RGBA
	// line is that of the line round the edge and of the dot, and last that of
	// the last character, where they are not the characters'.
	line, last color.RGBA
	// pale grounds run from white above to their colour below.
	pale bool
}

// edge is the colour of the line round the edge and of the dot.
func (c colours) edge() color.RGBA {
	if c.line.A > 0 {
		return c.line
	}
	return c.characters
}

var (
	blue   = color.RGBA{20, 60, 170, 255}
	green  = color.RGBA{60, 175, 105, 255}
	yellow = color.RGBA{245, 180, 20, 255}
	white  = color.RGBA{238, 240, 240, 255}
	black  = color.RGBA{22, 22, 24, 255}
	red    = color.RGBA{190, 30, 35, 255}
)

var (
	onBlue   = colours{ground: blue, left: blue, characters: white, marked: white}
	onYellow = colours{ground: yellow, left: yellow, characters: black, marked: black}
	onWhite  = colours{ground: white, left: white, characters: black, marked: red}
	onPolice = colours{ground: white, left: white, characters: black, marked: black, last: red}
	onBlack  = colours{ground: black, left: black, characters: white, marked: white}
	onGreen  = colours{ground: green, left: green, characters: black, marked: black, pale: true}
	onBoth   = colours{ground: green, left: yellow, characters: black, marked: black}
)

// Styles are all that can be drawn.
var Styles = []Style{
	{"blue", plate.Blue, "_osssss", oneRow, onBlue},
	{"green small", plate.Green, "_oesdddd", electric, onGreen},
	{"green large", plate.Green, "_oddddde", electric, onBoth},
	{"yellow", plate.Yellow, "_osssss", oneRow, onYellow},
	{"yellow two rows", plate.Yellow, "_osssss", twoRows, onYellow},
	{"coach", plate.Yellow, "_ossss学", oneRow, onYellow},
	{"trailer", plate.Yellow, "_ossss挂", twoRows, onYellow},
	{"police", plate.White, "_ossss警", oneRow, onPolice},
	{"embassy", plate.Black, "dddddd使", afterThree, onBlack},
	{"embassy old", plate.Black, "使dddddd", afterFour, onBlack},
	{"consulate", plate.Black, "_ossss领", oneRow, onBlack},
	{"Hong Kong", plate.Black, "粤Zssss港", oneRow, onBlack},
	{"Macao", plate.Black, "粤Zssss澳", oneRow, onBlack},
	{"military", plate.White, "maddddd", oneRow, onWhite},
	{"armed police", plate.White, "WJ_dddds", eight, onWhite},
}

// parts paints each part of a plate in a colour that no other part has: the
// characters red, those that stand out yellow, the ground on the left green, the
// line round the edge and the dot blue.
var parts = colours{
	ground:     color.RGBA{A: 255},
	left:       color.RGBA{G: 255, A: 255},
	characters: color.RGBA{R: 255, A: 255},
	marked:     color.RGBA{R: 255, G: 255, A: 255},
	line:       color.RGBA{B: 255, A: 255},
}

// Rows is how many rows of characters plates of the style have.
func (s Style) Rows() int { return s.layout.rows() }

// Places are from where to where each character goes, in shares of the width.
func (s Style) Places() [][2]float64 {
	var places [][2]float64
	width := float64(s.layout.size.X)
	for _, c := range s.layout.characters {
		places = append(places, [2]float64{c.x / width, (c.x + c.w) / width})
	}
	return places
}

// CanBeCut reports whether a plate of the style loses its last characters with
// its end, which two rows do not.
func (s Style) CanBeCut() bool { return s.layout.rows() == 1 }

// Random is a plate of a style that the seeded source chooses.
func (s Style) Random(random *rand.Rand) Plate {
	return Plate{Style: s, Text: plate.Spell(s.Text, random.IntN)}
}
