package model

import (
	"errors"
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

const (
	// legibleWidth is the width in pixels under which a plate is not accepted:
	// the strokes of its characters, 10 of 440 mm, are then thinner than a
	// pixel, and what is read of them is a guess.
	legibleWidth = 44
	// leastVehicle is a vehicle's width in those of its plate: it has four or more,
	// unless something hides a part of it.
	leastVehicle = 3
	// doubleRow is the width by height under which a plate may have two rows.
	doubleRow = 2.4
	// upperRow is the upper row's share of such a plate's height, margin
	// included.
	upperRow = 0.38
	// upperEmpty is what the upper row leaves free on each side: its two
	// characters stand over the middle three of the lower row.
	upperEmpty = 0.2
	// upperWidth is the upper row's part of the straight row. All characters
	// are then about as wide as those of a plate with one row.
	upperWidth = 56
)

// straightRow and straightRows are the sizes in pixels that plates are
// straightened to, and straightMargin what is left around them, since corners
// are not exact.
var (
	straightRow    = image.Pt(160, 48)
	straightRows   = image.Pt(160, 96)
	straightMargin = plate.Point{X: 0.03, Y: 0.06}
	// closerShare is left out on each side for a second look.
	closerShare = plate.Point{X: 0.015, Y: 0.05}
)

// readAt reads the plate between corners.
func (r *PlateReader) readAt(pic *decode.Picture, p foundPlate) (Found, error) {
	found := Found{Corners: p.corners, Score: p.score}
	size := pic.Size()
	width, height := p.corners.Sides(float64(size.X), float64(size.Y))
	aspect := width / height
	to := straightRow
	if aspect < doubleRow {
		to = straightRows
	}
	straight, err := picture.Warp(pic, p.corners, to, straightMargin)
	if errors.Is(err, picture.ErrCorners) {
		return found, nil // seen, but not to be straightened
	}
	if err != nil {
		return Found{}, err
	}
	defer straight.Close()
	found.Read, err = r.read(straight.Mat, aspect, width)
	found.Accepted = found.Accepted && inPicture(p.corners)
	return found, err
}

// inPicture reports whether a plate's corners are in the picture, up to what
// corners are inexact by: what is beyond the edge was not seen.
func inPicture(corners plate.Corners) bool {
	wide, high := corners.Sides(1, 1)
	for _, p := range corners {
		if beyond := max(-p.X, p.X-1); beyond > straightMargin.X*wide {
			return false
		}
		if beyond := max(-p.Y, p.Y-1); beyond > 2*straightMargin.Y*high {
			return false
		}
	}
	return true
}

// ReadCrop reads a picture that is only a plate.
func (r *PlateReader) ReadCrop(pic *decode.Picture) (plate.Read, error) {
	if err := checkPicture(pic); err != nil {
		return plate.Read{}, fmt.Errorf("read plate: %w", err)
	}
	size := pic.Size()
	return r.read(pic.Mat, float64(size.X)/float64(size.Y), float64(size.X))
}

// read reads a straight plate, which had that width by height, and that width
// in pixels, before. It looks twice, the second time without what is round the
// plate: a read that depends on that is a guess.
func (r *PlateReader) read(straight gocv.Mat, aspect, width float64) (plate.Read, error) {
	face, err := faceOf(straight)
	if err != nil {
		return plate.Read{}, fmt.Errorf("tell the colour of a plate: %w", err)
	}
	first, err := r.look(straight, face.Colour, aspect)
	if err != nil {
		return plate.Read{}, err
	}
	inner := straight.Region(closer(straight))
	defer inner.Close()
	second, err := r.look(inner, face.Colour, aspect)
	if err != nil {
		return plate.Read{}, err
	}
	second.Inset = closerShare.X
	read := plate.Confirm(first.Read, second.Read)
	if read.Text != "" {
		if read.Clarity, err = clarity(straight, width); err != nil {
			return plate.Read{}, fmt.Errorf("tell how clear a plate is: %w", err)
		}
	}
	read = read.WithColour(face.Colour)
	read.Accepted = read.Accepted && width >= legibleWidth && face.Bears(read, first, second)
	return read, nil
}

// look lets the networks read a straight plate as one row and, where it stays
// unread and may have two, as two.
func (r *PlateReader) look(straight gocv.Mat, colour plate.Kind, aspect float64) (plate.Look, error) {
	one, err := r.agree(straight, colour)
	if err != nil || one.Accepted || aspect >= doubleRow {
		return one, err
	}
	row := sideBySide(straight)
	defer row.Close()
	two, err := r.agree(row, colour)
	if two.Accepted || two.Confidence > one.Confidence {
		two.Upper = float64(upperWidth) / float64(straightRow.X)
		return two, err
	}
	return one, err
}

// closer is the area of a straight plate without its closerShare.
func closer(straight gocv.Mat) image.Rectangle {
	area := image.Rect(0, 0, straight.Cols(), straight.Rows())
	x := int(math.Round(closerShare.X * float64(area.Dx())))
	y := int(math.Round(closerShare.Y * float64(area.Dy())))
	return image.Rect(x, y, area.Dx()-x, area.Dy()-y)
}

// agree lets all networks read.
func (r *PlateReader) agree(straight gocv.Mat, colour plate.Kind) (plate.Look, error) {
	var look plate.Look
	for i, text := range r.readers {
		var err error
		if look.Sights[i], err = text.read(straight, colour); err != nil {
			return plate.Look{}, err
		}
	}
	look.Read = plate.Settle(look.Sights[0], look.Sights[1], look.Sights[2])
	return look, nil
}

// sideBySide puts the upper row of a plate left of the lower one, as if it had
// one row. The result is the caller's.
func sideBySide(straight gocv.Mat) gocv.Mat {
	scaled := gocv.NewMat()
	defer scaled.Close()
	gocv.Resize(straight, &scaled, straightRows, 0, 0, gocv.InterpolationLinear)
	width, height := straightRows.X, straightRows.Y
	cut, empty := int(upperRow*float64(height)), int(upperEmpty*float64(width))
	upper := scaleRow(scaled, image.Rect(empty, 0, width-empty, cut), upperWidth)
	defer upper.Close()
	lower := scaleRow(scaled, image.Rect(0, cut, width, height), straightRow.X-upperWidth)
	defer lower.Close()
	row := gocv.NewMat()
	gocv.Hconcat(upper, lower, &row)
	return row
}

func scaleRow(rows gocv.Mat, area image.Rectangle, width int) gocv.Mat {
	region := rows.Region(area)
	defer region.Close()
	row := gocv.NewMat()
	gocv.Resize(region, &row, image.Pt(width, straightRow.Y), 0, 0, gocv.InterpolationLinear)
	return row
}
