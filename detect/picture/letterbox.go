package picture

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// Letterbox is where a picture lies in a network's input, brought to its size
// without distortion: the whole of it, or a part.
type Letterbox struct {
	Size  image.Point // width and height of the input, in pixels
	Inner image.Point // width and height that the whole picture has at this scale
	At    image.Point // upper left corner of the whole picture, as the input counts
}

const letterboxGrey = 114

// NewLetterbox puts a picture of a shape into the upper left corner of size.
func NewLetterbox(shape, size image.Point) Letterbox {
	w, h := float64(max(1, shape.X)), float64(max(1, shape.Y))
	scale := min(float64(size.X)/w, float64(size.Y)/h)
	return Letterbox{Size: size, Inner: image.Pt(max(1, int(w*scale)), max(1, int(h*scale)))}
}

// NewCentredLetterbox puts it into the middle.
func NewCentredLetterbox(shape, size image.Point) Letterbox {
	l := NewLetterbox(shape, size)
	l.At = size.Sub(l.Inner).Div(2)
	return l
}

// Part is a smaller input: the squares of a grid, in pixels, in which a part of
// the picture lies. A network that works on that grid sees in it what it sees
// there in the whole, but for what is near the edge. A part outside the picture
// gives an input without size.
func (l Letterbox) Part(part detect.Box, grid int) Letterbox {
	inside := pixels(part, l.Inner).Add(l.At)
	squares := image.Rect(
		inside.Min.X/grid*grid, inside.Min.Y/grid*grid,
		(inside.Max.X+grid-1)/grid*grid, (inside.Max.Y+grid-1)/grid*grid,
	).Intersect(image.Rectangle{Max: l.Size})
	return Letterbox{Size: squares.Size(), Inner: l.Inner, At: l.At.Sub(squares.Min)}
}

// View is the part of the picture that shows in the input.
func (l Letterbox) View() detect.Box {
	box, _ := l.Box(0, 0, float64(l.Size.X), float64(l.Size.Y))
	return box
}

// Fill brings a picture to the input: three planes, blue, green and red, 0..255,
// and grey 114 where the picture is not.
func (l Letterbox) Fill(pic *decode.Picture) ([]float32, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(pic.Mat, &small, l.Inner, 0, 0, gocv.InterpolationLinear)
	bgr, err := small.DataPtrUint8()
	if err != nil {
		return nil, fmt.Errorf("scale picture: %w", err)
	}
	plane := l.Size.X * l.Size.Y
	input := make([]float32, 3*plane)
	shown := image.Rectangle{Min: l.At, Max: l.At.Add(l.Inner)}.Intersect(image.Rectangle{Max: l.Size})
	if shown.Size() != l.Size {
		for i := range input {
			input[i] = letterboxGrey
		}
	}
	for y := shown.Min.Y; y < shown.Max.Y; y++ {
		from := 3 * ((y-l.At.Y)*l.Inner.X + shown.Min.X - l.At.X)
		row := bgr[from : from+3*shown.Dx()]
		to := y*l.Size.X + shown.Min.X
		blue, green, red := input[to:][:shown.Dx()], input[plane+to:][:shown.Dx()], input[2*plane+to:][:shown.Dx()]
		for x := range blue {
			pixel := row[3*x : 3*x+3]
			blue[x], green[x], red[x] = float32(pixel[0]), float32(pixel[1]), float32(pixel[2])
		}
	}
	return input, nil
}

// Box turns corners in the input's pixels into a relative box of the whole
// picture, clipped to it. It is false when nothing of it is inside.
func (l Letterbox) Box(x1, y1, x2, y2 float64) (detect.Box, bool) {
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
