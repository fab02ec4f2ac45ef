package draw

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"os"
	"sync"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// ErrFont says that a font is missing or cannot be used.
var ErrFont = errors.New("font for drawing plates")

// Files are fonts by what they are for. Of each, one is chosen for a plate.
type Files struct {
	Latin, Han []string
	// Pen lets most plates' letters and digits be written with a pen instead,
	// and lets no character fill its box exactly.
	Pen bool
}

// Measured are the fonts that plates for measuring are drawn in, of Debian's
// fonts-roboto-unhinted, fonts-opendin and fonts-noto-cjk.
var Measured = Files{
	Latin: []string{
		"/usr/share/fonts/truetype/roboto/unhinted/RobotoCondensed-Bold.ttf",
		"/usr/share/fonts/truetype/opendin/OSP-DIN.ttf",
	},
	Han: []string{
		"/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
	},
}

// Trained are the fonts that plates for training are drawn in, beside the pen.
// None is among the measured ones, and of the families only that of Noto Sans is,
// in another weight. They are of Debian's fonts-dejavu-extra, fonts-roadgeek,
// fonts-droid-fallback and fonts-noto-cjk. What stands twice is chosen twice as
// often: plates have no serifs.
var Trained = Files{
	Latin: []string{
		"/usr/share/fonts/truetype/dejavu/DejaVuSansCondensed.ttf",
		"/usr/share/fonts/truetype/dejavu/DejaVuSansCondensed-Bold.ttf",
		"/usr/share/fonts/truetype/roadgeek/RG2014B.ttf",
		"/usr/share/fonts/truetype/roadgeek/RG2014D.ttf",
		"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
	},
	Han: []string{
		"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
		"/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
		"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
		"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
		"/usr/share/fonts/opentype/noto/NotoSerifCJK-Bold.ttc",
	},
	Pen: true,
}

// Fonts are loaded fonts. They are safe for concurrent use.
type Fonts struct {
	latin, han []*sfnt.Font
	pen        bool
}

// Open loads fonts. An error says which file is missing.
func Open(files Files) (*Fonts, error) {
	f := &Fonts{pen: files.Pen}
	for _, group := range []struct {
		paths []string
		to    *[]*sfnt.Font
	}{{files.Latin, &f.latin}, {files.Han, &f.han}} {
		for _, path := range group.paths {
			font, err := open(path)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrFont, err)
			}
			*group.to = append(*group.to, font)
		}
	}
	if len(f.latin) == 0 || len(f.han) == 0 {
		return nil, fmt.Errorf("%w: one for letters and one for Chinese characters are needed", ErrFont)
	}
	return f, nil
}

// inChinese is where a collection of Noto has the shapes of mainland China.
const inChinese = 2

func open(path string) (*sfnt.Font, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	all, err := sfnt.ParseCollection(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	at := 0
	if all.NumFonts() > inChinese+2 {
		at = inChinese
	}
	font, err := all.Font(at)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return font, nil
}

// hand is the two fonts of one plate, and by how many millimetres its strokes
// are made thicker on each side.
type hand struct {
	latin, han *sfnt.Font
	bold       float32
	// pen writes letters and digits instead of the font, where there is one.
	pen *pen
	// loose says by how many millimetres characters are off, and random is for
	// that; there is none where characters fill their boxes.
	loose  float64
	random *rand.Rand
}

// mostBold is as much as strokes are made thicker.
const mostBold = 1.6

// penShare is the share of plates that are written with the pen, where there is
// one.
const penShare = 0.7

func (f *Fonts) choose(random *rand.Rand) hand {
	h := hand{
		latin: f.latin[random.IntN(len(f.latin))],
		han:   f.han[random.IntN(len(f.han))],
		bold:  random.Float32() * mostBold,
	}
	if !f.pen {
		return h
	}
	h.random, h.loose = random, random.Float64()*1.2
	if random.Float64() < penShare {
		h.pen = &pen{
			width: 6.5 + random.Float64()*6, round: 1.2 + random.Float64()*1.6,
			unsure: random.Float64() * 0.15, random: random,
		}
	}
	return h
}

// shift moves a box a little, and makes it a little smaller or larger.
func (h hand) shift(to box, r rune) box {
	if h.random == nil {
		return to
	}
	off := func() float64 { return h.random.NormFloat64() * h.loose }
	w, high := off()*1.5, off()*1.5
	if r >= 0x80 { // on real plates these are smaller than letters
		w -= h.random.Float64() * 0.25 * to.w
		high -= h.random.Float64() * 0.35 * to.h
	}
	return box{to.x + off() - w/2, to.y + off() - high/2, to.w + w, to.h + high}
}

// Draw draws a plate as it leaves the press, a pixel for each millimetre. The
// source chooses the fonts.
func (f *Fonts) Draw(random *rand.Rand, p Plate) (*image.RGBA, error) {
	l, c := p.Style.layout, p.Style.colour
	text := []rune(p.Text)
	if len(text) != len(l.characters) {
		return nil, fmt.Errorf("draw plate %q: a plate of style %s has %d characters", p.Text, p.Style.Name, len(l.characters))
	}
	pic := ground(l, c)
	hand := f.choose(random)
	for i, r := range text {
		ink := c.characters
		switch {
		case i < l.marked:
			ink = c.marked
		case i == len(text)-1 && c.last.A > 0:
			ink = c.last
		}
		if err := hand.write(pic, r, l.characters[i], ink); err != nil {
			return nil, fmt.Errorf("draw plate %q: %w", p.Text, err)
		}
	}
	disc(pic, l.dot, c.edge())
	return pic, nil
}

// Stencil draws a plate's parts rather than its colours, for whoever wants to
// choose those: red is what characters cover, green with it the characters that
// stand out, green alone the ground that is of another colour on the left, blue
// the line round the edge and the dot.
func (f *Fonts) Stencil(random *rand.Rand, p Plate) (*image.RGBA, error) {
	p.Style.colour = parts
	return f.Draw(random, p)
}

// ground is the plate without its characters: the colour, and the line round
// the edge.
func ground(l layout, c colours) *image.RGBA {
	pic := image.NewRGBA(image.Rectangle{Max: l.size})
	split := int(l.dot.x)
	for y := range l.size.Y {
		for x := range l.size.X {
			ink := c.ground
			if x < split {
				ink = c.left
			}
			if c.pale {
				ink = mix(white, ink, min(1, float64(y)/float64(l.size.Y)*1.3))
			}
			if edge := min(x, y, l.size.X-1-x, l.size.Y-1-y); edge >= 3 && edge < 6 && !c.pale {
				ink = c.edge()
			}
			pic.SetRGBA(x, y, ink)
		}
	}
	return pic
}

func mix(a, b color.RGBA, share float64) color.RGBA {
	of := func(a, b uint8) uint8 { return uint8(float64(a)*(1-share) + float64(b)*share) }
	return color.RGBA{of(a.R, b.R), of(a.G, b.G), of(a.B, b.B), 255}
}

func disc(pic *image.RGBA, at box, ink color.RGBA) {
	for y := at.y - at.h/2; y < at.y+at.h/2; y++ {
		for x := at.x - at.w/2; x < at.x+at.w/2; x++ {
			dx, dy := (x-at.x)/(at.w/2), (y-at.y)/(at.h/2)
			if dx*dx+dy*dy <= 1 {
				pic.SetRGBA(int(x), int(y), ink)
			}
		}
	}
}

const (
	// unit is the size at which outlines are asked for.
	unit = 1000
	// thin is the width by height under which a character, the 1, is not
	// stretched to the width of its box.
	thin = 0.4
)

var buffers = sync.Pool{New: func() any { return new(sfnt.Buffer) }}

// write fills a box with a character, as the press does: whatever the font's
// own proportions are, the character is as wide and as high as its box.
func (h hand) write(pic *image.RGBA, r rune, to box, ink color.RGBA) error {
	to = h.shift(to, r)
	if h.pen != nil && h.pen.write(pic, r, to, ink) {
		return nil
	}
	font := h.han
	if r < 0x80 {
		font = h.latin
	}
	buffer := buffers.Get().(*sfnt.Buffer)
	defer buffers.Put(buffer)
	index, err := font.GlyphIndex(buffer, r)
	if err == nil && index == 0 {
		err = errors.New("not in the font")
	}
	if err != nil {
		return fmt.Errorf("%w: character %q: %w", ErrFont, r, err)
	}
	outline, err := font.LoadGlyph(buffer, index, fixed.I(unit), nil)
	if err != nil {
		return fmt.Errorf("%w: character %q: %w", ErrFont, r, err)
	}
	for _, d := range [5][2]float32{{0, 0}, {-1, 0}, {1, 0}, {0, -1}, {0, 1}} {
		to := box{to.x + float64(d[0]*h.bold), to.y + float64(d[1]*h.bold), to.w, to.h}
		fill(pic, outline, to, ink)
	}
	return nil
}

func fill(pic *image.RGBA, outline sfnt.Segments, to box, ink color.RGBA) {
	bounds := outline.Bounds()
	left, top := float32(bounds.Min.X), float32(bounds.Min.Y)
	width, height := float32(bounds.Max.X)-left, float32(bounds.Max.Y)-top
	if width <= 0 || height <= 0 {
		return
	}
	area := image.Rect(int(to.x), int(to.y), int(to.x+to.w)+2, int(to.y+to.h)+2)
	x, y := float32(to.x)-float32(area.Min.X), float32(to.y)-float32(area.Min.Y)
	sx, sy := float32(to.w)/width, float32(to.h)/height
	if width < thin*height {
		sx = min(sx, sy)
		x += (float32(to.w) - width*sx) / 2
	}
	at := func(p fixed.Point26_6) (float32, float32) {
		return x + (float32(p.X)-left)*sx, y + (float32(p.Y)-top)*sy
	}
	raster := vector.NewRasterizer(area.Dx(), area.Dy())
	trace(raster, outline, at)
	raster.DrawOp = draw.Over
	raster.Draw(pic, area, image.NewUniform(ink), image.Point{})
}

// trace draws an outline with each point put where at says.
func trace(raster *vector.Rasterizer, outline sfnt.Segments, at func(fixed.Point26_6) (float32, float32)) {
	for _, s := range outline {
		ax, ay := at(s.Args[0])
		bx, by := at(s.Args[1])
		cx, cy := at(s.Args[2])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			raster.ClosePath()
			raster.MoveTo(ax, ay)
		case sfnt.SegmentOpLineTo:
			raster.LineTo(ax, ay)
		case sfnt.SegmentOpQuadTo:
			raster.QuadTo(ax, ay, bx, by)
		case sfnt.SegmentOpCubeTo:
			raster.CubeTo(ax, ay, bx, by, cx, cy)
		}
	}
	raster.ClosePath()
}
