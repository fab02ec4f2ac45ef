package picture

import (
	"fmt"
	"image"
	"math"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

// Agreement is what two pictures that should show the same say of each other.
type Agreement string

// The agreements.
const (
	Unsure  Agreement = "unsure"  // too little shows in them to tell
	Agree   Agreement = "agree"   // what shows at a place of one shows there in the other
	Differs Agreement = "differs" // one shows another part of the street, or another street
)

const (
	// agreeSide is the longer side, in pixels, of the pictures that are held
	// against each other: what the encoding of a small stream takes is finer.
	agreeSide = 320
	// A cell tells something whose contrast, in grey levels, is agreeContrast or
	// more; agreeLeast such cells are needed.
	agreeContrast = 6.0
	agreeLeast    = lightCells / 4
	// cellAgrees is the likeness from which a cell shows the same, at a place that
	// lies no further away than zones may.
	cellAgrees = 0.8
	agreeStep  = 2 // pixels between the places that are tried
	// Between these shares of cells features must tell: traffic hides some of
	// them, and of a slightly smaller view the middle agrees.
	mostAgree = 0.8
	fewAgree  = 0.4
)

// Compare tells whether two pictures of about the same moment show the same,
// each squeezed to any size. Encoding, brightness and what drives do not matter;
// black bars, another crop, a mirrored or a turned picture do.
func Compare(a, b *decode.Picture) (Agreement, error) {
	size := image.Pt(agreeSide, agreeSide*3/4)
	one, err := squeezed(a, size)
	if err != nil {
		return Unsure, err
	}
	two, err := squeezed(b, size)
	if err != nil {
		return Unsure, err
	}
	agreeing, telling := one.agreeing(two)
	switch share := float64(agreeing) / float64(max(1, telling)); {
	case telling < agreeLeast:
		return Unsure, nil
	case share >= mostAgree:
		return Agree, nil
	case share <= fewAgree:
		return Differs, nil
	}
	return placed(a, b)
}

// placed tells by features how one picture lies in the other.
func placed(a, b *decode.Picture) (Agreement, error) {
	size := fit(a.Size(), featureSide)
	one, err := squeezed(a, size)
	if err != nil {
		return Unsure, err
	}
	two, err := squeezed(b, size)
	if err != nil {
		return Unsure, err
	}
	motion, known := register(newPyramid(one.equalized()), newPyramid(two.equalized()))
	switch {
	case !known:
		return Unsure, nil
	case motion.shift(size) > movedBy:
		return Differs, nil
	}
	return Agree, nil
}

// squeezed is a picture in grey, brought to a size, whatever its shape.
func squeezed(pic *decode.Picture, size image.Point) (plane, error) {
	if err := check(pic); err != nil {
		return plane{}, fmt.Errorf("compare pictures: %w", err)
	}
	small := gocv.NewMat()
	defer small.Close()
	gocv.Resize(pic.Mat, &small, size, 0, 0, gocv.InterpolationArea)
	gocv.CvtColor(small, &small, gocv.ColorBGRToGray)
	return planeOf(small, size), nil
}

// agreeing counts the cells of a plane that tell something, and those of them
// that show the same in another of its size.
func (p plane) agreeing(other plane) (agreeing, telling int) {
	for i := range lightCells {
		x0, y0, x1, y1 := p.lightCell(i)
		here := p.cut(x0, y0, x1, y1)
		if contrast(here) < agreeContrast {
			continue
		}
		telling++
		if other.finds(here, image.Rect(x0, y0, x1, y1)) {
			agreeing++
		}
	}
	return agreeing, telling
}

// finds reports whether pixels show at a place, or very close to it.
func (p plane) finds(pixels []byte, at image.Rectangle) bool {
	reach := int(movedBy*float64(p.width)) / agreeStep * agreeStep
	for dy := -reach; dy <= reach; dy += agreeStep {
		for dx := -reach; dx <= reach; dx += agreeStep {
			there := at.Add(image.Pt(dx, dy))
			if there.In(image.Rect(0, 0, p.width, p.height)) &&
				alike(pixels, p.cut(there.Min.X, there.Min.Y, there.Max.X, there.Max.Y), nil) >= cellAgrees {
				return true
			}
		}
	}
	return false
}

// cut is a part of a plane, row by row.
func (p plane) cut(x0, y0, x1, y1 int) []byte {
	pixels := make([]byte, 0, (x1-x0)*(y1-y0))
	for y := y0; y < y1; y++ {
		pixels = append(pixels, p.grey[y*p.width+x0:y*p.width+x1]...)
	}
	return pixels
}

// contrast is the standard deviation of pixels, in grey levels.
func contrast(pixels []byte) float64 {
	var sum, squares float64
	for _, v := range pixels {
		sum, squares = sum+float64(v), squares+float64(v)*float64(v)
	}
	n := float64(len(pixels))
	return math.Sqrt(max(0, squares/n-(sum/n)*(sum/n)))
}
