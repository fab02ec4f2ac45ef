// Package overlay writes on copies of pictures: what, where and when, in a bar
// below them, so that nothing of the street is covered. It puts several pictures
// into one, and makes copies small enough for whoever takes no larger ones.
//
// It never changes what it is given, and the same pictures and words give the
// same copy.
package overlay

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"

	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"

	"tidewatch/enforce/typeface"
)

// Painter draws copies. It is safe for concurrent use.
type Painter struct {
	font *typeface.Font
	cell image.Point // room for one picture of a composite
}

// New makes a painter that writes in a font. A composite gives each picture what
// evidence should have at least, where the camera gives it: 1280 by 720 pixels.
func New(f *typeface.Font) *Painter { return &Painter{f, image.Pt(1280, 720)} }

const (
	// quality is that of copies as they are stored.
	quality = 90
	// leastWidth is how wide a copy is at least: under a narrow picture the
	// words would be many lines high.
	leastWidth = 640
	// maxSide bounds the pictures that are drawn on: JPEG knows no larger ones.
	maxSide = 1 << 16
	// letterShare is the height of letters as a share of a copy's width, and
	// leastLetters what they have at least in pixels, to be legible.
	letterShare  = 1. / 64
	leastLetters = 15.
)

// What bars and their letters look like: as on the pictures of the cameras that
// officers know, white on black.
var (
	ground  = color.RGBA{A: 255}
	letters = color.RGBA{R: 255, G: 255, B: 255, A: 255}
)

// Mark returns a copy of a JPEG picture with words in a bar below it. Words stay
// together where a line ends. The picture itself begins in the upper left corner
// of the copy, pixel for pixel.
func (p *Painter) Mark(picture []byte, words []string) ([]byte, error) {
	shown, err := decode(picture)
	if err != nil {
		return nil, fmt.Errorf("mark picture: %w", err)
	}
	size := shown.Bounds().Size()
	bar, err := p.bar(max(size.X, leastWidth), words)
	if err != nil {
		return nil, fmt.Errorf("mark picture: %w", err)
	}
	defer bar.close()
	copied := blank(bar.width, size.Y+bar.height())
	draw.Draw(copied, image.Rectangle{Max: size}, shown, shown.Bounds().Min, draw.Src)
	bar.draw(copied, image.Pt(0, size.Y))
	return encode(copied, quality)
}

func decode(picture []byte) (image.Image, error) {
	header, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("not a JPEG picture: %w", err)
	}
	if min(header.Width, header.Height) < 1 {
		return nil, errors.New("a picture without pixels")
	}
	return jpeg.Decode(bytes.NewReader(picture))
}

func encode(picture image.Image, quality int) ([]byte, error) {
	if size := picture.Bounds().Size(); max(size.X, size.Y) >= maxSide {
		return nil, fmt.Errorf("a picture of %dx%d pixels is larger than JPEG can be", size.X, size.Y)
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// blank is a black picture.
func blank(width, height int) *image.RGBA {
	canvas := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	return canvas
}

// bar is lines of words of one width.
type bar struct {
	width int
	face  font.Face
	lines []string
}

// between parts words on a line.
const between = "  "

// bar breaks words into lines, as many on each as there is room for.
func (p *Painter) bar(width int, words []string) (*bar, error) {
	face, err := p.font.Face(max(float64(width)*letterShare, leastLetters))
	if err != nil {
		return nil, err
	}
	b := &bar{width: width, face: face}
	line := ""
	for _, word := range words {
		switch longer := line + between + word; {
		case line == "":
			line = word
		case b.holds(longer):
			line = longer
		default:
			b.lines = append(b.lines, line)
			line = word
		}
		for !b.holds(line) { // a word longer than a line
			head := b.head(line)
			b.lines = append(b.lines, head)
			line = line[len(head):]
		}
	}
	if line != "" {
		b.lines = append(b.lines, line)
	}
	return b, nil
}

// holds reports whether there is room for a line.
func (b *bar) holds(line string) bool {
	return font.MeasureString(b.face, line).Ceil() <= b.width-2*b.margin()
}

// head is as much of a line as there is room for.
func (b *bar) head(line string) string {
	head := ""
	for i, r := range line {
		if i > 0 && !b.holds(head+string(r)) {
			break
		}
		head += string(r)
	}
	return head
}

func (b *bar) close() { _ = b.face.Close() } // it holds nothing that could fail to be given back

// margin is what is left free round the lines.
func (b *bar) margin() int { return b.width / 96 }

func (b *bar) step() int { return b.face.Metrics().Height.Ceil() }

func (b *bar) height() int { return len(b.lines)*b.step() + b.margin() }

// draw writes the lines below a corner.
func (b *bar) draw(on draw.Image, corner image.Point) {
	pen := font.Drawer{Dst: on, Src: image.NewUniform(letters), Face: b.face}
	for i, line := range b.lines {
		pen.Dot.X = fixed.I(corner.X + b.margin())
		pen.Dot.Y = fixed.I(corner.Y+b.margin()/2+i*b.step()) + b.face.Metrics().Ascent
		pen.DrawString(line)
	}
}
