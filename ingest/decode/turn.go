package decode

import (
	"image"
	"math"

	"github.com/asticode/go-astiav"
	"gocv.io/x/gocv"
)

// turn is how far a picture must be turned clockwise to stand upright, in
// quarters. Mirrored and slanted pictures are taken as they are.
type turn int

const upright turn = 0

// turnOf reads a stream's display matrix, which phones write.
func turnOf(stream *astiav.Stream) turn {
	matrix, err := astiav.NewDisplayMatrixFromBytes(stream.SideData(astiav.PacketSideDataTypeDisplaymatrix))
	if err != nil {
		return upright
	}
	counterclockwise := matrix.Rotation()
	if math.IsNaN(counterclockwise) || math.Mod(counterclockwise, 90) != 0 {
		return upright
	}
	return turn((360 - int(counterclockwise)) / 90 % 4)
}

func (t turn) size(p image.Point) image.Point {
	if t%2 == 1 {
		return image.Pt(p.Y, p.X)
	}
	return p
}

// flag is OpenCV's name for a turn that is not upright.
func (t turn) flag() gocv.RotateFlag {
	return [...]gocv.RotateFlag{gocv.Rotate90Clockwise, gocv.Rotate180Clockwise, gocv.Rotate90CounterClockwise}[t-1]
}
