package draw

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// pen writes letters and digits along lines of one width, as plates have them
// (GA 36-2018: 10 mm of 45 by 90). Fonts are of other widths and shapes; a
// reader that shall know the shapes of plates needs more than fonts.
type pen struct {
	width  float64 // in millimetres
	round  float64 // radius of bends, in units of lines
	unsure float64 // by how much each point is off, in units of lines
	random *rand.Rand
}

// A character's lines are given on a grid 4 units wide and 8 high.
const gridWide, gridHigh = 4.0, 8.0

// knot is a point of a line; at a bend the line is round.
type knot struct {
	x, y float64
	bend bool
}

func at(x, y float64) knot   { return knot{x, y, false} }
func bend(x, y float64) knot { return knot{x, y, true} }

// bowl is a closed round shape.
func bowl(left, top, right, bottom float64) []knot {
	middle := (left + right) / 2
	return []knot{
		at(middle, top), bend(right, top), bend(right, bottom),
		bend(left, bottom), bend(left, top), at(middle, top),
	}
}

// lines are those of a character, and other ways to write it.
var lines = map[rune][][][]knot{
	'0': {{bowl(0, 0, 4, 8)}},
	'1': {
		{{at(1.3, 1.3), at(2.4, 0), at(2.4, 8)}},
		{{at(1.7, .7), at(2.3, 0), at(2.3, 8)}},
		{{at(2, 0), at(2, 8)}},
	},
	'2': {{{at(0, 2.2), bend(0, 0), bend(4, 0), bend(4, 3.4), at(0, 8), at(4, 8)}}},
	'3': {
		{{at(0, 1.7), bend(0, 0), bend(3.9, 0), bend(3.9, 3.8), at(1.5, 3.8)}, {at(1.5, 3.8), bend(4, 3.8), bend(4, 8), bend(0, 8), at(0, 6.2)}},
		{{at(.2, 0), at(3.8, 0), at(1.8, 3.2), bend(4, 3.2), bend(4, 8), bend(0, 8), at(0, 6.2)}},
	},
	'4': {
		{{at(2.4, 0), at(0, 6), at(4, 6)}, {at(3, 3.4), at(3, 8)}},
		{{at(3, 8), at(3, 0), at(0, 5.8), at(4, 5.8)}},
	},
	'5': {{{at(3.7, 0), at(.5, 0), at(.2, 3.8), bend(.8, 3), bend(4, 3), bend(4, 8), bend(0, 8), at(0, 6.2)}}},
	'6': {
		{bowl(0, 3.2, 4, 8), {at(2.7, 0), bend(0, 3.8), at(0, 5.6)}},
		{bowl(0, 3.4, 4, 8), {at(3.9, 1.6), bend(3.9, 0), bend(0, 0), at(0, 5.6)}},
	},
	'7': {{{at(0, 0), at(4, 0), at(1.4, 8)}}, {{at(0, 0), at(4, 0), bend(2, 3.5), at(1.6, 8)}}},
	'8': {{bowl(.3, 0, 3.7, 3.7), bowl(0, 3.7, 4, 8)}},
	'9': {
		{bowl(0, 0, 4, 4.8), {at(1.3, 8), bend(4, 4.2), at(4, 2.4)}},
		{bowl(0, 0, 4, 4.6), {at(.1, 6.4), bend(.1, 8), bend(4, 8), at(4, 2.4)}},
	},
	'A': {{{at(0, 8), at(2, 0), at(4, 8)}, {at(.7, 5.4), at(3.3, 5.4)}}},
	'B': {{{at(0, 8), at(0, 0), bend(3.8, 0), bend(3.8, 3.8), at(0, 3.8)}, {at(0, 3.8), bend(4, 3.8), bend(4, 8), at(0, 8)}}},
	'C': {{{at(4, 2.2), bend(4, 0), bend(0, 0), bend(0, 8), bend(4, 8), at(4, 5.8)}}},
	'D': {{{at(0, 8), at(0, 0), bend(4, 0), bend(4, 8), at(0, 8)}}},
	'E': {{{at(4, 0), at(0, 0), at(0, 8), at(4, 8)}, {at(0, 3.8), at(3.4, 3.8)}}},
	'F': {{{at(4, 0), at(0, 0), at(0, 8)}, {at(0, 3.8), at(3.4, 3.8)}}},
	'G': {{{at(4, 2.2), bend(4, 0), bend(0, 0), bend(0, 8), bend(4, 8), at(4, 4.4), at(2.2, 4.4)}}},
	'H': {{{at(0, 0), at(0, 8)}, {at(4, 0), at(4, 8)}, {at(0, 3.9), at(4, 3.9)}}},
	'J': {{{at(3.5, 0), bend(3.5, 8), bend(.2, 8), at(.2, 6)}}},
	'K': {{{at(0, 0), at(0, 8)}, {at(3.9, 0), at(0, 5)}, {at(1.3, 3.4), at(4, 8)}}},
	'L': {{{at(0, 0), at(0, 8), at(4, 8)}}},
	'M': {{{at(0, 8), at(0, 0), at(2, 5), at(4, 0), at(4, 8)}}},
	'N': {{{at(0, 8), at(0, 0), at(4, 8), at(4, 0)}}},
	'O': {{bowl(0, 0, 4, 8)}},
	'P': {{{at(0, 8), at(0, 0), bend(4, 0), bend(4, 4.4), at(0, 4.4)}}},
	'Q': {{bowl(0, 0, 4, 8), {at(2.2, 5.6), at(4, 8)}}},
	'R': {{{at(0, 8), at(0, 0), bend(4, 0), bend(4, 4.3), at(0, 4.3)}, {at(1.8, 4.3), at(4, 8)}}},
	'S': {{{at(3.9, 2), bend(3.9, 0), bend(.1, 0), bend(.1, 3.8), bend(4, 3.8), bend(4, 8), bend(0, 8), at(0, 6)}}},
	'T': {{{at(0, 0), at(4, 0)}, {at(2, 0), at(2, 8)}}},
	'U': {{{at(0, 0), bend(0, 8), bend(4, 8), at(4, 0)}}},
	'V': {{{at(0, 0), at(2, 8), at(4, 0)}}},
	'W': {{{at(0, 0), at(.9, 8), at(2, 2.6), at(3.1, 8), at(4, 0)}}},
	'X': {{{at(0, 0), at(4, 8)}, {at(4, 0), at(0, 8)}}},
	'Y': {{{at(0, 0), at(2, 4), at(4, 0)}, {at(2, 4), at(2, 8)}}},
	'Z': {{{at(0, 0), at(4, 0), at(0, 8), at(4, 8)}}},
}

// write fills a box with a character, and reports whether the pen knows it.
func (p pen) write(pic *image.RGBA, r rune, to box, ink color.RGBA) bool {
	ways := lines[r]
	if len(ways) == 0 {
		return false
	}
	half := p.width / 2
	sx, sy := (to.w-p.width)/gridWide, (to.h-p.width)/gridHigh
	cover := newCover(to)
	for _, line := range ways[p.random.IntN(len(ways))] {
		points := p.flatten(line)
		for i := range points {
			points[i].x = to.x + half + points[i].x*sx
			points[i].y = to.y + half + points[i].y*sy
		}
		for i := 1; i < len(points); i++ {
			cover.segment(points[i-1], points[i], half)
		}
	}
	cover.paint(pic, ink)
	return true
}

// bendSteps is how many straight pieces a bend is made of.
const bendSteps = 6

// flatten makes bends of straight pieces: a curve from a little before the bend
// to a little behind it.
func (p pen) flatten(line []knot) []knot {
	moved := make([]knot, len(line))
	for i, k := range line {
		moved[i] = knot{k.x + p.random.NormFloat64()*p.unsure, k.y + p.random.NormFloat64()*p.unsure, k.bend}
	}
	if n := len(line) - 1; line[0] == line[n] { // closed shapes stay closed
		moved[n] = moved[0]
	}
	var out []knot
	for i, k := range moved {
		if !k.bend {
			out = append(out, k)
			continue
		}
		from, to := p.toward(k, moved[i-1]), p.toward(k, moved[i+1])
		for step := range bendSteps + 1 {
			t := float64(step) / bendSteps
			a, b, c := (1-t)*(1-t), 2*t*(1-t), t*t
			out = append(out, at(a*from.x+b*k.x+c*to.x, a*from.y+b*k.y+c*to.y))
		}
	}
	return out
}

// toward is the point where a bend begins: at its radius, and at most halfway
// to the next knot where that is a bend too. Bends are higher than wide.
func (p pen) toward(k, next knot) knot {
	dx, dy := next.x-k.x, next.y-k.y
	length := math.Hypot(dx, dy)
	most := length
	if next.bend {
		most = length / 2
	}
	share := 0.0
	if length > 0 {
		share = min(p.round*(1+0.4*math.Abs(dy)/length), most) / length
	}
	return at(k.x+dx*share, k.y+dy*share)
}

// cover is how much of each pixel is under ink.
type cover struct {
	area   image.Rectangle
	shares []float64
}

func newCover(b box) cover {
	area := image.Rect(int(b.x)-3, int(b.y)-3, int(b.x+b.w)+4, int(b.y+b.h)+4)
	return cover{area, make([]float64, area.Dx()*area.Dy())}
}

// segment covers what is within a distance of a straight line.
func (c cover) segment(a, b knot, within float64) {
	near := image.Rect(
		int(min(a.x, b.x)-within)-1, int(min(a.y, b.y)-within)-1,
		int(max(a.x, b.x)+within)+2, int(max(a.y, b.y)+within)+2,
	).Intersect(c.area)
	dx, dy := b.x-a.x, b.y-a.y
	square := max(dx*dx+dy*dy, 1e-9)
	for y := near.Min.Y; y < near.Max.Y; y++ {
		for x := near.Min.X; x < near.Max.X; x++ {
			px, py := float64(x)+.5-a.x, float64(y)+.5-a.y
			t := min(max((px*dx+py*dy)/square, 0), 1)
			share := min(max(within+.5-math.Hypot(px-t*dx, py-t*dy), 0), 1)
			i := (y-c.area.Min.Y)*c.area.Dx() + x - c.area.Min.X
			c.shares[i] = max(c.shares[i], share)
		}
	}
}

func (c cover) paint(pic *image.RGBA, ink color.RGBA) {
	for i, share := range c.shares {
		x, y := c.area.Min.X+i%c.area.Dx(), c.area.Min.Y+i/c.area.Dx()
		if share > 0 && image.Pt(x, y).In(pic.Rect) {
			pic.SetRGBA(x, y, mix(pic.RGBAAt(x, y), ink, share))
		}
	}
}
