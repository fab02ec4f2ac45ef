package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"

	"gocv.io/x/gocv"

	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

// ErrCorners says that corners do not go round a piece of the picture.
var ErrCorners = errors.New("corners are not those of a plate")

// Warp cuts a plate out of a picture and straightens it to a size in pixels.
// A margin, a share of that size on each side, shows what is around the
// corners; beyond the picture's edge its last pixels repeat.
func Warp(pic *decode.Picture, corners plate.Corners, size image.Point, margin plate.Point) (*decode.Picture, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("warp plate: %w", err)
	}
	if err := checkWarp(corners, pic.Size(), size, margin); err != nil {
		return nil, fmt.Errorf("warp plate: %w", err)
	}
	from := quadrangle(corners, pic.Size())
	defer from.Close()
	left, right := margin.X, 1-margin.X
	top, bottom := margin.Y, 1-margin.Y
	to := quadrangle(plate.Corners{{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}}, size)
	defer to.Close()

	transform := gocv.GetPerspectiveTransform2f(from, to)
	defer transform.Close()
	warped := gocv.NewMat()
	gocv.WarpPerspectiveWithParams(pic.Mat, &warped, transform, size,
		gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	return &decode.Picture{Mat: warped}, nil
}

func checkWarp(corners plate.Corners, from, to image.Point, margin plate.Point) error {
	if to.X < 1 || to.Y < 1 || max(to.X, to.Y) > MaxSide {
		return fmt.Errorf("size %v is not possible", to)
	}
	if !(margin.X >= 0 && margin.X < 0.5 && margin.Y >= 0 && margin.Y < 0.5) {
		return fmt.Errorf("margin %v leaves nothing of the plate", margin)
	}
	w, h := corners.Sides(float64(from.X), float64(from.Y))
	if !corners.Convex() || w < 1 || h < 1 || max(w, h) > 4*MaxSide {
		return ErrCorners
	}
	return nil
}

// quadrangle turns relative corners into pixels, whose centres OpenCV counts.
func quadrangle(corners plate.Corners, size image.Point) gocv.Point2fVector {
	points := make([]gocv.Point2f, len(corners))
	for i, p := range corners {
		points[i] = gocv.Point2f{
			X: float32(p.X*float64(size.X) - 0.5),
			Y: float32(p.Y*float64(size.Y) - 0.5),
		}
	}
	return gocv.NewPoint2fVectorFromPoints(points)
}
