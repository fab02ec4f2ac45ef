package picture

import (
	"cmp"
	"slices"

	"gocv.io/x/gocv"
)

const (
	featureSide  = 800 // longer side of the level on which features are found
	leastSide    = 96  // of its shorter side; OpenCV is not asked about less
	maxFeatures  = 4000
	featureGrid  = 4   // cells along each side
	cellFeatures = 80  // the strongest of each cell, so that the whole picture is heard
	distinctness = 0.8 // best match over second best
)

// features are the corners of a view that can be found again.
type features struct {
	points      []gocv.KeyPoint
	descriptors []byte // 32 bytes each
}

const descriptorSize = 32

// find computes the features of a view once.
func (v *view) find() *features {
	if v.features != nil {
		return v.features
	}
	v.features = &features{}
	level := v.level(featureSide)
	if min(level.width, level.height) < leastSide {
		return v.features
	}
	grey := gocv.NewMatWithSize(level.height, level.width, gocv.MatTypeCV8U)
	defer grey.Close()
	pixels, err := grey.DataPtrUint8()
	if err != nil || len(pixels) != len(level.grey) {
		return v.features
	}
	copy(pixels, level.grey)
	orb := gocv.NewORBWithParams(maxFeatures, 1.2, 6, 15, 0, 2, gocv.ORBScoreTypeHarris, 31, 7)
	defer orb.Close()
	mask := gocv.NewMat()
	defer mask.Close()
	points, descriptors := orb.DetectAndCompute(grey, mask)
	defer descriptors.Close()
	bytes, err := descriptors.DataPtrUint8()
	if err != nil || len(bytes) != len(points)*descriptorSize {
		return v.features
	}
	v.features = strongest(points, bytes, level)
	return v.features
}

// strongest keeps the strongest features of each cell of the picture.
func strongest(points []gocv.KeyPoint, descriptors []byte, level plane) *features {
	order := make([]int, len(points))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(points[b].Response, points[a].Response) })
	kept := &features{}
	inCell := map[[2]int]int{}
	for _, i := range order {
		cell := level.cell(points[i].X, points[i].Y)
		if inCell[cell]++; inCell[cell] > cellFeatures {
			continue
		}
		kept.points = append(kept.points, points[i])
		kept.descriptors = append(kept.descriptors, descriptors[i*descriptorSize:(i+1)*descriptorSize]...)
	}
	return kept
}

// cell is the part of the picture that a pixel lies in.
func (p plane) cell(x, y float64) [2]int {
	return [2]int{int(x) * featureGrid / p.width, int(y) * featureGrid / p.height}
}

// matches pairs the features of two views that are clearly the same.
func matches(a, b *features) (from, to []gocv.Point2f) {
	if len(a.points) < 2 || len(b.points) < 2 {
		return nil, nil
	}
	matA, matB := descriptorMat(a.descriptors), descriptorMat(b.descriptors)
	defer matA.Close()
	defer matB.Close()
	matcher := gocv.NewBFMatcherWithParams(gocv.NormHamming, false)
	defer matcher.Close()
	for _, pair := range matcher.KnnMatch(matA, matB, 2) {
		if len(pair) < 2 || pair[0].Distance > distinctness*pair[1].Distance {
			continue
		}
		p, q := a.points[pair[0].QueryIdx], b.points[pair[0].TrainIdx]
		from = append(from, gocv.Point2f{X: float32(p.X), Y: float32(p.Y)})
		to = append(to, gocv.Point2f{X: float32(q.X), Y: float32(q.Y)})
	}
	return from, to
}

func descriptorMat(descriptors []byte) gocv.Mat {
	mat := gocv.NewMatWithSize(len(descriptors)/descriptorSize, descriptorSize, gocv.MatTypeCV8U)
	if bytes, err := mat.DataPtrUint8(); err == nil {
		copy(bytes, descriptors)
	}
	return mat
}
