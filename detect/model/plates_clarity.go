package model

import (
	"math"

	"gocv.io/x/gocv"
)

const (
	// clearWidth is the width in pixels from which a plate is large.
	clearWidth = 160
	// clearEdges is the step between neighbouring pixels of a sharp plate
	// straightened to one size, as a share of its contrast (root mean squares).
	clearEdges = 0.6
	// leastContrast keeps the noise of a plate without any contrast from
	// counting as edges.
	leastContrast = 12
)

// clarity tells how large and sharp a plate shows, 0..1: how many pixels it had
// and how steep the edges of its characters are. The Mat is 8-bit BGR, not
// empty.
func clarity(straight gocv.Mat, width float64) (float64, error) {
	scaled, grey := gocv.NewMat(), gocv.NewMat()
	defer scaled.Close()
	defer grey.Close()
	gocv.Resize(straight, &scaled, straightRow, 0, 0, gocv.InterpolationLinear)
	gocv.CvtColor(scaled, &grey, gocv.ColorBGRToGray)
	lights, err := grey.DataPtrUint8()
	if err != nil {
		return 0, err
	}
	size := min(width/clearWidth, 1)
	sharp := min(steepness(lights, straightRow.X)/clearEdges, 1)
	return math.Sqrt(size * sharp), nil
}

// steepness is the difference of pixels side by side, the root of its mean
// square, as a share of the standard deviation.
func steepness(lights []byte, width int) float64 {
	var sum, squares, steps float64
	for i, v := range lights {
		sum += float64(v)
		squares += float64(v) * float64(v)
		if i%width > 0 {
			step := float64(v) - float64(lights[i-1])
			steps += step * step
		}
	}
	n := float64(len(lights))
	deviation := math.Sqrt(max(squares/n-(sum/n)*(sum/n), 0))
	return math.Sqrt(steps/n) / max(deviation, leastContrast)
}
