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
	// pale grounds run from white above to their colour below.
	pale bool
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
	{"police", plate.White, "_ossss警", oneRow, onWhite.last()},
	{"embassy", plate.Black, "dddddd使", afterThree, onBlack},
	{"embassy old", plate.Black, "使dddddd", afterFour, onBlack},
	{"consulate", plate.Black, "_ossss领", oneRow, onBlack},
	{"Hong Kong", plate.Black, "粤Zssss港", oneRow, onBlack},
	{"Macao", plate.Black, "粤Zssss澳", oneRow, onBlack},
	{"military", plate.White, "maddddd", oneRow, onWhite},
	{"armed police", plate.White, "WJ_dddds", eight, onWhite},
}

// last lets only the last character stand out, which is what the layouts mark
// where a colour says so.
func (c colours) last() colours {
	c.marked = c.characters
	return c
}

// CanBeCut reports whether a plate of the style loses its last characters with
// its end, which two rows do not.
func (s Style) CanBeCut() bool { return s.layout.rows() == 1 }

// Random is a plate of a style that the seeded source chooses.
func (s Style) Random(random *rand.Rand) Plate {
	return Plate{Style: s, Text: plate.Spell(s.Text, random.IntN)}
}
