package picture

import (
	"fmt"
	"slices"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

// Grey is a small grey picture, row by row.
type Grey struct {
	Width, Height int
	Pixels        []byte
}

// NewGrey shrinks a picture until no side is longer than side pixels. Each
// pixel is the mean of those that it stands for, so that their noise goes away.
func NewGrey(pic *decode.Picture, side int) (Grey, error) {
	if err := check(pic); err != nil {
		return Grey{}, fmt.Errorf("shrink picture: %w", err)
	}
	size := fit(pic.Size(), side)
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(pic.Mat, &small, size, 0, 0, gocv.InterpolationArea)
	gocv.CvtColor(small, &small, gocv.ColorBGRToGray)
	pixels, err := small.DataPtrUint8()
	if err != nil {
		return Grey{}, fmt.Errorf("shrink picture: %w", err)
	}
	return Grey{Width: size.X, Height: size.Y, Pixels: slices.Clone(pixels)}, nil
}
