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

// cellSize is the room for one picture of a composite: what evidence should
// have at least where the camera gives it.
var cellSize = image.Pt(1280, 720)

const (
	columns = 2 // pictures of a composite that stand side by side
	gap     = 8 // pixels between them
)

// Composite puts pictures into one, two in a row, each as large as there is room
// for and with its words below, and the words on all of them at the bottom.
func (p *Painter) Composite(cells []Cell, words []string) ([]byte, error) {
	width := columns*(cellSize.X+gap) - gap
	whole, err := p.bar(width, words)
	if err != nil {
		return nil, fmt.Errorf("compose picture: %w", err)
	}
	defer whole.close()
	strip := whole.step() + whole.margin()
	rows := (len(cells) + columns - 1) / columns
	canvas := blank(width, rows*(cellSize.Y+strip)+whole.height())
	for i, cell := range cells {
		corner := image.Pt(i%columns*(cellSize.X+gap), i/columns*(cellSize.Y+strip))
		if err := place(canvas, cell.Picture, corner); err != nil {
			return nil, fmt.Errorf("compose picture %q: %w", cell.Words, err)
		}
		own := bar{face: whole.face, width: width, lines: []string{cell.Words}}
		own.draw(canvas, corner.Add(image.Pt(0, cellSize.Y)))
	}
	whole.draw(canvas, image.Pt(0, rows*(cellSize.Y+strip)))
	return encode(canvas, quality)
}

// largest is how much a small picture is enlarged at most: a plate is to be
// read, not to be looked at pixel by pixel.
const largest = 4

// place draws a picture in the middle of a cell, as large as fits.
func place(canvas draw.Image, picture []byte, corner image.Point) error {
	shown, err := decode(picture)
	if err != nil {
		return err
	}
	size := shown.Bounds().Size()
	scale := min(float64(cellSize.X)/float64(size.X), float64(cellSize.Y)/float64(size.Y), largest)
	scaled := image.Pt(max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale)))
	corner = corner.Add(cellSize.Sub(scaled).Div(2))
	draw.CatmullRom.Scale(canvas, image.Rectangle{Min: corner, Max: corner.Add(scaled)}, shown, shown.Bounds(), draw.Src, nil)
	return nil
}
