package picture

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// Letterbox is a picture brought to a network's size without distortion, the
// rest filled with grey 114.
type Letterbox struct {
	Size  image.Point // width and height of the network's input
	Inner image.Point // width and height of the picture in it
	At    image.Point // upper left corner of the picture in it
	BGR   []float32   // three planes, 0..255
}

const letterboxGrey = 114

// NewLetterbox scales a picture into the upper left corner of size.
func NewLetterbox(pic *decode.Picture, size image.Point) (*Letterbox, error) {
	return letterbox(pic, size, func(image.Point) image.Point { return image.Point{} })
}

// NewCentredLetterbox scales a picture into the middle of size.
func NewCentredLetterbox(pic *decode.Picture, size image.Point) (*Letterbox, error) {
	return letterbox(pic, size, func(free image.Point) image.Point { return free.Div(2) })
}

// letterbox scales a picture into size; place says where, of the room that it
// leaves.
func letterbox(pic *decode.Picture, size image.Point, place func(free image.Point) image.Point) (*Letterbox, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	w, h := float64(pic.Mat.Cols()), float64(pic.Mat.Rows())
	scale := min(float64(size.X)/w, float64(size.Y)/h)
	l := &Letterbox{
		Size:  size,
		Inner: image.Pt(max(1, int(w*scale)), max(1, int(h*scale))),
		BGR:   make([]float32, 3*size.X*size.Y),
	}
	l.At = place(size.Sub(l.Inner))
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(pic.Mat, &small, l.Inner, 0, 0, gocv.InterpolationLinear)
	pixels, err := small.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	l.fill(pixels)
	return l, nil
}

func (l *Letterbox) fill(pixels []byte) {
	for i := range l.BGR {
		l.BGR[i] = letterboxGrey
	}
	plane := l.Size.X * l.Size.Y
	for y := range l.Inner.Y {
		row := pixels[3*y*l.Inner.X : 3*(y+1)*l.Inner.X]
		for c := range 3 {
			out := l.BGR[c*plane+(l.At.Y+y)*l.Size.X+l.At.X:]
			for x := range l.Inner.X {
				out[x] = float32(row[3*x+c])
			}
		}
	}
}

// Box turns corners in the network's pixels into a relative box of the
// picture, clipped to it. It is false when nothing of it is inside.
func (l *Letterbox) Box(x1, y1, x2, y2 float64) (detect.Box, bool) {
	w, h := float64(l.Inner.X), float64(l.Inner.Y)
	left, top := float64(l.At.X), float64(l.At.Y)
	x1, x2 = clip01((x1-left)/w), clip01((x2-left)/w)
	y1, y2 = clip01((y1-top)/h), clip01((y2-top)/h)
	return detect.Box{X: x1, Y: y1, W: x2 - x1, H: y2 - y1}, x2 > x1 && y2 > y1
}

// clip01 limits v to 0..1; what is not a number becomes 0.
func clip01(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return min(max(v, 0), 1)
}
