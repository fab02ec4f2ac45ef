package overlay

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"
)

// Cell is one picture of a composite, with words of its own.
type Cell struct {
	Picture []byte // JPEG
	Words   string
}

const (
	columns = 2 // pictures of a composite that stand side by side
	gap     = 8 // pixels between them
)

// Composite puts pictures into one, two in a row, each as large as there is room
// for and with its words below, and the words on all of them at the bottom.
func (p *Painter) Composite(cells []Cell, words []string) ([]byte, error) {
	width := columns*(p.cell.X+gap) - gap
	whole, err := p.bar(width, words)
	if err != nil {
		return nil, fmt.Errorf("compose picture: %w", err)
	}
	defer whole.close()
	strip := whole.step() + whole.margin()
	rows := (len(cells) + columns - 1) / columns
	canvas := blank(width, rows*(p.cell.Y+strip)+whole.height())
	for i, cell := range cells {
		corner := image.Pt(i%columns*(p.cell.X+gap), i/columns*(p.cell.Y+strip))
		if err := place(canvas, cell.Picture, image.Rectangle{Min: corner, Max: corner.Add(p.cell)}); err != nil {
			return nil, fmt.Errorf("compose picture %q: %w", cell.Words, err)
		}
		own := bar{face: whole.face, width: width, lines: []string{cell.Words}}
		own.draw(canvas, corner.Add(image.Pt(0, p.cell.Y)))
	}
	whole.draw(canvas, image.Pt(0, rows*(p.cell.Y+strip)))
	return encode(canvas, quality)
}

// largest is how much a small picture is enlarged at most: a plate is to be
// read, not to be looked at pixel by pixel.
const largest = 4

// place draws a picture in the middle of a part of the canvas, as large as fits.
func place(canvas draw.Image, picture []byte, in image.Rectangle) error {
	shown, err := decode(picture)
	if err != nil {
		return err
	}
	size := shown.Bounds().Size()
	scale := min(float64(in.Dx())/float64(size.X), float64(in.Dy())/float64(size.Y), largest)
	scaled := image.Pt(max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale)))
	corner := in.Min.Add(in.Size().Sub(scaled).Div(2))
	draw.CatmullRom.Scale(canvas, image.Rectangle{Min: corner, Max: corner.Add(scaled)}, shown, shown.Bounds(), draw.Src, nil)
	return nil
}
