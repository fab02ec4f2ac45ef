package picture

import (
	"fmt"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

// FromBGR makes a picture of rows of BGR pixels without gaps, which it copies.
func FromBGR(bgr []byte, width, height int) (*decode.Picture, error) {
	if width < 1 || height < 1 || max(width, height) > MaxSide || len(bgr) != 3*width*height {
		return nil, fmt.Errorf("%w: %d bytes for %dx%d", ErrNotPicture, len(bgr), width, height)
	}
	mat := gocv.NewMatWithSize(height, width, gocv.MatTypeCV8UC3)
	pixels, err := mat.DataPtrUint8()
	if err != nil {
		mat.Close()
		return nil, fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	copy(pixels, bgr)
	return &decode.Picture{Mat: mat}, nil
}
