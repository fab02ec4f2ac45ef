package picture

import (
	"fmt"
	"image"
	"image/color"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

// Outline is an area to be drawn over a picture.
type Outline struct {
	Label  string       // in ASCII: the font knows nothing else
	Points [][2]float64 // 0..1 of the picture's width and height
	Colour color.RGBA
}

// tint is how much of an outline's colour lies over its area.
const tint = 0.25

// Draw returns a copy of a picture over which areas are drawn, each with its
// label.
func Draw(pic *decode.Picture, outlines []Outline) (*decode.Picture, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("draw outlines: %w", err)
	}
	for _, o := range outlines {
		if err := o.check(); err != nil {
			return nil, fmt.Errorf("draw outlines: %w", err)
		}
	}
	drawn := &decode.Picture{Mat: pic.Mat.Clone()}
	size := pic.Size()
	pen := newPen(size)
	filled := pic.Mat.Clone()
	defer filled.Close()
	for _, o := range outlines {
		area := gocv.NewPointsVectorFromPoints([][]image.Point{o.pixels(size)})
		gocv.FillPoly(&filled, area, o.Colour)
		area.Close()
	}
	gocv.AddWeighted(drawn.Mat, 1-tint, filled, tint, 0, &drawn.Mat)
	for _, o := range outlines {
		pen.outline(&drawn.Mat, o)
	}
	for _, o := range slices.Backward(outlines) { // what is drawn last is small, and has first choice
		pen.label(&drawn.Mat, o)
	}
	return drawn, nil
}

func (o Outline) check() error {
	if len(o.Points) < 3 {
		return fmt.Errorf("outline %q has %d points", o.Label, len(o.Points))
	}
	for _, p := range o.Points {
		if !(p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= 1) {
			return fmt.Errorf("outline %q has a point outside the picture", o.Label)
		}
	}
	return nil
}

func (o Outline) pixels(size image.Point) []image.Point {
	points := make([]image.Point, len(o.Points))
	for i, p := range o.Points {
		points[i] = image.Pt(int(math.Round(p[0]*float64(size.X-1))), int(math.Round(p[1]*float64(size.Y-1))))
	}
	return points
}

// middle is the mean of the corners, which lies in the area of most shapes.
func (o Outline) middle(size image.Point) image.Point {
	var sum image.Point
	for _, p := range o.pixels(size) {
		sum = sum.Add(p)
	}
	return sum.Div(len(o.Points))
}

// pen draws lines and letters that can be read at a picture's size.
type pen struct {
	line   int
	scale  float64
	labels []image.Rectangle // written so far
}

func newPen(size image.Point) *pen {
	side := float64(max(size.X, size.Y))
	return &pen{line: max(1, int(math.Round(side/500))), scale: max(0.4, side/1800)}
}

// ink is black: round a bright line, and under it, seen on any ground.
var ink = color.RGBA{A: 255}

func (p *pen) outline(mat *gocv.Mat, o Outline) {
	area := gocv.NewPointsVectorFromPoints([][]image.Point{o.pixels(image.Pt(mat.Cols(), mat.Rows()))})
	defer area.Close()
	gocv.Polylines(mat, area, true, ink, p.line+2)
	gocv.Polylines(mat, area, true, o.Colour, p.line)
}

// label writes black letters on the outline's colour, in the middle of the area
// or near it: inside the picture, and beside the labels that are there.
func (p *pen) label(mat *gocv.Mat, o Outline) {
	if o.Label == "" {
		return
	}
	weight := max(1, p.line/2)
	text, below := gocv.GetTextSizeWithBaseline(o.Label, gocv.FontHersheySimplex, p.scale, weight)
	box := p.room(o.middle(image.Pt(mat.Cols(), mat.Rows())), text.Add(image.Pt(2*below, 3*below)), image.Pt(mat.Cols(), mat.Rows()))
	p.labels = append(p.labels, box)
	gocv.Rectangle(mat, box.Inset(-p.line), ink, -1)
	gocv.Rectangle(mat, box, o.Colour, -1)
	gocv.PutTextWithParams(mat, o.Label, box.Min.Add(image.Pt(below, below+text.Y)), gocv.FontHersheySimplex, p.scale, ink, weight, gocv.LineAA, false)
}

// room finds the place nearest above or below a point at which a label hides no
// other one; if there is none, the point itself.
func (p *pen) room(middle, label, picture image.Point) image.Rectangle {
	step := label.Y + 3*p.line
	at := func(offset int) image.Rectangle {
		corner := middle.Sub(label.Div(2)).Add(image.Pt(0, offset))
		corner.X = max(0, min(corner.X, picture.X-label.X))
		corner.Y = max(0, min(corner.Y, picture.Y-label.Y))
		return image.Rectangle{Min: corner, Max: corner.Add(label)}
	}
	for i := range 2 * picture.Y / step {
		offset := step * ((i + 1) / 2)
		if i%2 == 0 {
			offset = -offset
		}
		box := at(offset)
		if !slices.ContainsFunc(p.labels, box.Inset(-p.line).Overlaps) {
			return box
		}
	}
	return at(0)
}
