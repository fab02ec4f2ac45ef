// Package picture works on the pixels of pictures: it reads, cuts and encodes
// them, brings them to a network's size, and tells how one look of a camera
// compares with an earlier one.
//
// OpenCV ends the process on a call that it dislikes, so every Mat is checked
// before it goes in.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // known to Decode
	_ "image/png"  // known to Decode
	"math"
	"os"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// ErrNotPicture says that bytes or pixels are not a picture one can work on.
var ErrNotPicture = errors.New("not a picture")

// MaxSide is the longest side, in pixels, of a picture from outside.
const MaxSide = 16384

// EncodeJPEG encodes a picture; quality is 1..100.
func EncodeJPEG(pic *decode.Picture, quality int) ([]byte, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("encode jpeg: %w", err)
	}
	buffer, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, pic.Mat,
		[]int{gocv.IMWriteJpegQuality, min(max(quality, 1), 100)})
	if err != nil {
		return nil, fmt.Errorf("encode jpeg: %w", err)
	}
	defer buffer.Close()
	return append([]byte(nil), buffer.GetBytes()...), nil
}

// Crop cuts out a box, widened on each side by margin times the box's own
// width or height, as far as the picture goes. The result owns its pixels.
func Crop(pic *decode.Picture, box detect.Box, margin float64) (*decode.Picture, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("crop picture: %w", err)
	}
	area := Area(pic.Size(), box, margin)
	if area.Empty() {
		return nil, fmt.Errorf("crop picture: box %+v lies outside it", box)
	}
	region := pic.Mat.Region(area)
	defer region.Close()
	return &decode.Picture{Mat: region.Clone()}, nil
}

// Area is what Crop cuts out of a picture of a size.
func Area(size image.Point, box detect.Box, margin float64) image.Rectangle {
	dx, dy := box.W*margin, box.H*margin
	return pixels(detect.Box{X: box.X - dx, Y: box.Y - dy, W: box.W + 2*dx, H: box.H + 2*dy}, size)
}

// DecodeFile reads a still picture, JPEG or PNG.
func DecodeFile(path string) (*decode.Picture, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	pic, err := Decode(data)
	if err != nil {
		return nil, fmt.Errorf("read picture %s: %w", path, err)
	}
	return pic, nil
}

// Decode reads a still picture, JPEG or PNG, from the bytes of its file. The
// header is read in Go first, since OpenCV ends the process on a size that it
// finds too large.
func Decode(data []byte) (*decode.Picture, error) {
	header, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: neither JPEG nor PNG", ErrNotPicture)
	}
	if max(header.Width, header.Height) > MaxSide || min(header.Width, header.Height) < 1 {
		return nil, fmt.Errorf("%w: it is %dx%d", ErrNotPicture, header.Width, header.Height)
	}
	mat, err := gocv.IMDecode(data, gocv.IMReadColor)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	pic := &decode.Picture{Mat: mat}
	if err := check(pic); err != nil {
		return nil, errors.Join(err, pic.Close())
	}
	return pic, nil
}

// check makes sure that OpenCV will take a picture.
func check(pic *decode.Picture) error {
	switch {
	case pic == nil || pic.Mat.Ptr() == nil || pic.Mat.Empty():
		return fmt.Errorf("%w: it is empty", ErrNotPicture)
	case pic.Mat.Type() != gocv.MatTypeCV8UC3:
		return fmt.Errorf("%w: its type is %v, not 8-bit BGR", ErrNotPicture, pic.Mat.Type())
	case max(pic.Mat.Cols(), pic.Mat.Rows()) > MaxSide:
		return fmt.Errorf("%w: %dx%d is too large", ErrNotPicture, pic.Mat.Cols(), pic.Mat.Rows())
	}
	return nil
}

// pixels is the part of a picture that a box covers, whole pixels, clipped.
func pixels(box detect.Box, size image.Point) image.Rectangle {
	for _, v := range []float64{box.X, box.Y, box.W, box.H} {
		if math.IsNaN(v) || math.Abs(v) > 1e6 {
			return image.Rectangle{}
		}
	}
	w, h := float64(size.X), float64(size.Y)
	return image.Rect(
		int(math.Floor(box.X*w)), int(math.Floor(box.Y*h)),
		int(math.Ceil((box.X+box.W)*w)), int(math.Ceil((box.Y+box.H)*h)),
	).Intersect(image.Rectangle{Max: size})
}
