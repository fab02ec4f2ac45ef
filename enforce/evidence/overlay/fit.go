package overlay

import (
	"fmt"
	"image"

	"golang.org/x/image/draw"
)

// Limits are what somebody takes of a picture; zero is no limit.
type Limits struct {
	Bytes int // of the file
	Side  int // of width and height, in pixels
}

// The qualities that are tried, from that of copies down to one at which words
// and plates can still be read.
const (
	leastQuality = 40
	qualityStep  = 5
)

// Fit returns a JPEG picture as it is if it keeps to the limits. Else it returns
// a copy that does: made smaller where it is too large, and of the best quality
// at which the file is small enough. There is an error where none is.
func Fit(picture []byte, limits Limits) ([]byte, error) {
	shown, err := decode(picture)
	if err != nil {
		return nil, fmt.Errorf("fit picture: %w", err)
	}
	size := shown.Bounds().Size()
	tooLarge := limits.Side > 0 && max(size.X, size.Y) > limits.Side
	if !tooLarge && (limits.Bytes <= 0 || len(picture) <= limits.Bytes) {
		return picture, nil
	}
	if tooLarge {
		shown = shrink(shown, limits.Side)
	}
	least := 0
	for q := quality; q >= leastQuality; q -= qualityStep {
		data, err := encode(shown, q)
		if err != nil {
			return nil, fmt.Errorf("fit picture: %w", err)
		}
		if limits.Bytes <= 0 || len(data) <= limits.Bytes {
			return data, nil
		}
		least = len(data)
	}
	size = shown.Bounds().Size()
	return nil, fmt.Errorf("fit picture: %d bytes are allowed, and %dx%d pixels take %d even at quality %d: allow more bytes, or fewer pixels",
		limits.Bytes, size.X, size.Y, least, leastQuality)
}

// shrink brings the longer side of a picture to a number of pixels.
func shrink(picture image.Image, side int) image.Image {
	size := picture.Bounds().Size()
	scale := float64(side) / float64(max(size.X, size.Y))
	small := blank(max(1, int(float64(size.X)*scale)), max(1, int(float64(size.Y)*scale)))
	draw.CatmullRom.Scale(small, small.Bounds(), picture, picture.Bounds(), draw.Src, nil)
	return small
}
