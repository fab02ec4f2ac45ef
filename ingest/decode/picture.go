// Package decode turns key units, and the frames of video files, into
// pictures.
package decode

import (
	"image"

	"gocv.io/x/gocv"
)

// Picture is one decoded picture. It owns its Mat and must be closed by
// whoever holds it last; only detect/model and detect/picture look inside.
type Picture struct {
	Mat gocv.Mat // 8-bit BGR, never empty
}

// Size is the picture's width and height in pixels.
func (p *Picture) Size() image.Point { return image.Pt(p.Mat.Cols(), p.Mat.Rows()) }

// Close frees the pixels.
func (p *Picture) Close() error { return p.Mat.Close() }
