package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// Sheet is pictures side by side in rows, each with boxes and a line of words,
// for people to see at a glance what was found. It is not evidence.
type Sheet struct {
	rows [][]gocv.Mat
}

// Mark is a box drawn into a picture of a sheet.
type Mark struct {
	Box    detect.Box
	Colour color.RGBA
}

const (
	sheetQuality = 85
	sheetMargin  = 1.5 // of the surrounding shown, as a share of the box on each side
	sheetLine    = 20  // height of the line of words, in pixels
	letterScale  = 0.42
	maxSheetRows = 60 // beyond, JPEG's limits and people's patience end
)

// cellSize is the size of one picture of a sheet, with its line of words.
var cellSize = image.Pt(400, 280)

// ErrSheetFull says that a sheet takes no more rows.
var ErrSheetFull = fmt.Errorf("the sheet has %d rows already", maxSheetRows)

// Row begins a row.
func (s *Sheet) Row() error {
	if len(s.rows) == maxSheetRows {
		return ErrSheetFull
	}
	s.rows = append(s.rows, nil)
	return nil
}

// Put adds to a row what is around a box of a picture. Of the words, letters
// beyond ASCII do not show.
func (s *Sheet) Put(row int, pic *decode.Picture, around detect.Box, marks []Mark, words string) error {
	if row < 0 || row >= len(s.rows) {
		return fmt.Errorf("put picture on sheet: there is no row %d", row)
	}
	if err := check(pic); err != nil {
		return fmt.Errorf("put picture on sheet: %w", err)
	}
	wide := detect.Box{
		X: around.X - around.W*sheetMargin, Y: around.Y - around.H*sheetMargin,
		W: around.W * (1 + 2*sheetMargin), H: around.H * (1 + 2*sheetMargin),
	}
	area := pixels(wide, pic.Size())
	if area.Empty() {
		area = image.Rectangle{Max: pic.Size()}
	}
	region := pic.Mat.Region(area)
	defer region.Close()
	inner := cellSize.Sub(image.Pt(0, sheetLine))
	scale := min(float64(inner.X)/float64(area.Dx()), float64(inner.Y)/float64(area.Dy()))
	size := image.Pt(max(1, int(float64(area.Dx())*scale)), max(1, int(float64(area.Dy())*scale)))
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(region, &small, size, 0, 0, gocv.InterpolationLinear)
	for _, m := range marks {
		box := pixels(m.Box, pic.Size()).Sub(area.Min)
		gocv.Rectangle(&small, image.Rect(
			int(float64(box.Min.X)*scale), int(float64(box.Min.Y)*scale),
			int(float64(box.Max.X)*scale)-1, int(float64(box.Max.Y)*scale)-1,
		), m.Colour, 2)
	}
	cell := emptyPicture(cellSize)
	inside := cell.Region(image.Rectangle{Max: size})
	defer inside.Close()
	small.CopyTo(&inside)
	gocv.PutText(&cell, words, image.Pt(3, cellSize.Y-6), gocv.FontHersheySimplex, letterScale, color.RGBA{R: 255, G: 255, B: 255}, 1)
	s.rows[row] = append(s.rows[row], cell)
	return nil
}

// emptyPicture is a dark picture.
func emptyPicture(size image.Point) gocv.Mat {
	return gocv.NewMatWithSizeFromScalar(gocv.NewScalar(40, 40, 40, 0), size.Y, size.X, gocv.MatTypeCV8UC3)
}

// JPEG is the sheet as a picture. It is an error if nothing was put on it.
func (s *Sheet) JPEG() ([]byte, error) {
	columns := 0
	for _, row := range s.rows {
		columns = max(columns, len(row))
	}
	if columns == 0 {
		return nil, errors.New("there is nothing on the sheet")
	}
	whole := &decode.Picture{Mat: emptyPicture(image.Pt(columns*cellSize.X, len(s.rows)*cellSize.Y))}
	defer whole.Close()
	for y, row := range s.rows {
		for x, cell := range row {
			corner := image.Pt(x*cellSize.X, y*cellSize.Y)
			place := whole.Mat.Region(image.Rectangle{Min: corner, Max: corner.Add(cellSize)})
			cell.CopyTo(&place)
			if err := place.Close(); err != nil {
				return nil, err
			}
		}
	}
	return EncodeJPEG(whole, sheetQuality)
}

// Close frees the pictures.
func (s *Sheet) Close() error {
	var errs []error
	for _, row := range s.rows {
		for _, cell := range row {
			errs = append(errs, cell.Close())
		}
	}
	s.rows = nil
	return errors.Join(errs...)
}
