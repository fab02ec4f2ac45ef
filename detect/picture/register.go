package picture

import (
	"math"

	"gocv.io/x/gocv"

	"tidewatch/detect"
)

// similarity maps pixels of one view to another: turn, zoom and shift.
// x' = a*x - b*y + dx, y' = b*x + a*y + dy.
type similarity struct{ a, b, dx, dy float64 }

var identity = similarity{a: 1}

func (s similarity) apply(x, y float64) (float64, float64) {
	return s.a*x - s.b*y + s.dx, s.b*x + s.a*y + s.dy
}

// box maps a relative box between two views of one size: its centre moves, its
// size follows the zoom.
func (s similarity) box(b detect.Box, width, height int) detect.Box {
	w, h := float64(width), float64(height)
	cx, cy := s.apply((b.X+b.W/2)*w, (b.Y+b.H/2)*h)
	zoom := math.Hypot(s.a, s.b)
	return detect.Box{X: cx/w - b.W*zoom/2, Y: cy/h - b.H*zoom/2, W: b.W * zoom, H: b.H * zoom}
}

const (
	inlierPixels   = 3.0
	minInliers     = 15
	minInlierPct   = 0.2  // of the matches
	minInlierCells = 4    // of featureGrid squared
	minInlierShare = 0.25 // of the cells that speak: in a busy street, traffic does too
	minCellPairs   = 4    // that make a cell without inliers speak against a motion
	maxZoom        = 1.5
)

// small reports whether a motion is less than a pixel at the size at which
// motion is judged.
func (s similarity) small(v *view) bool {
	size := v.size()
	w, h := float64(size.X), float64(size.Y)
	least := float64(max(size.X, size.Y)) / voteSide
	for _, corner := range [][2]float64{{0, 0}, {w, 0}, {0, h}, {w, h}} {
		if x, y := s.apply(corner[0], corner[1]); math.Hypot(x-corner[0], y-corner[1]) > least {
			return false
		}
	}
	return true
}

// register finds how the camera moved between two looks. It is false when it
// cannot tell.
func register(before, now *view) (similarity, bool) {
	from, to := matches(before.find(), now.find())
	if len(from) < minInliers {
		return identity, false
	}
	fromVector, toVector := gocv.NewPoint2fVectorFromPoints(from), gocv.NewPoint2fVectorFromPoints(to)
	defer fromVector.Close()
	defer toVector.Close()
	matrix := gocv.EstimateAffinePartial2D(fromVector, toVector)
	defer matrix.Close()
	if matrix.Empty() || matrix.Rows() != 2 || matrix.Cols() != 3 || matrix.Type() != gocv.MatTypeCV64F {
		return identity, false
	}
	s := similarity{
		a: matrix.GetDoubleAt(0, 0), b: matrix.GetDoubleAt(1, 0),
		dx: matrix.GetDoubleAt(0, 2), dy: matrix.GetDoubleAt(1, 2),
	}
	if zoom := math.Hypot(s.a, s.b); !(zoom < maxZoom && zoom > 1/maxZoom) || !s.spread(from, to, before.level(featureSide)) {
		return identity, false
	}
	// Features were found on a smaller level; shifts are wanted in pixels of
	// the largest.
	scale := float64(before.levels[0].width) / float64(before.level(featureSide).width)
	s.dx, s.dy = s.dx*scale, s.dy*scale
	return s, s.small(before) || s.explains(before, now)
}

// spread reports whether enough pairs agree with a motion, and in many parts
// of the picture that have pairs: what agrees in one part of it only is a vehicle.
func (s similarity) spread(from, to []gocv.Point2f, level plane) bool {
	pairs, inliers := map[[2]int]int{}, map[[2]int]int{}
	total := 0
	for i, p := range from {
		cell := level.cell(float64(p.X), float64(p.Y))
		pairs[cell]++
		x, y := s.apply(float64(p.X), float64(p.Y))
		if math.Hypot(x-float64(to[i].X), y-float64(to[i].Y)) <= inlierPixels {
			total++
			inliers[cell]++
		}
	}
	speaking, agreeing := 0, 0
	for cell, n := range pairs {
		switch {
		case inliers[cell] >= 2:
			agreeing++
			speaking++
		case n >= minCellPairs:
			speaking++
		}
	}
	return total >= minInliers && float64(total) >= minInlierPct*float64(len(from)) &&
		agreeing >= minInlierCells && float64(agreeing) >= minInlierShare*float64(speaking)
}
