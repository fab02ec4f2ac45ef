package picture

import (
	"math"

	"tidewatch/detect"
)

// similar is how alike two patches are by brightness or by edges, whichever
// has changed less.
func similar(a, b []byte, mask *detect.Mask) float64 {
	byGrey := alike(a, b, mask)
	if byGrey > 0.9 {
		return byGrey // sure enough
	}
	return max(byGrey, alike(edges(a), edges(b), mask))
}

// alike is the normalised cross-correlation of the pixels of two patches that
// the mask leaves, -1..1: brightness and contrast do not matter. Patches
// without any contrast are alike when both have none.
func alike(a, b []byte, mask *detect.Mask) float64 {
	var count, sumA, sumB, sumAA, sumBB, sumAB int64
	b = b[:len(a)]
	for i := range a {
		if mask != nil && !mask[i] {
			continue
		}
		x, y := int64(a[i]), int64(b[i])
		count++
		sumA += x
		sumB += y
		sumAA += x * x
		sumBB += y * y
		sumAB += x * y
	}
	if count == 0 {
		return 0
	}
	n := float64(count)
	varA := float64(sumAA) - float64(sumA)*float64(sumA)/n
	varB := float64(sumBB) - float64(sumB)*float64(sumB)/n
	flat := n // a variance of one grey level
	switch {
	case varA < flat && varB < flat:
		return 1
	case varA < flat || varB < flat:
		return 0
	}
	return (float64(sumAB) - float64(sumA)*float64(sumB)/n) / math.Sqrt(varA*varB)
}

// edges is the strength of the brightness steps in a square patch. Shadows and
// headlights change brightness over areas, and few steps.
func edges(patch []byte) []byte {
	n := int(math.Sqrt(float64(len(patch))))
	out := make([]byte, len(patch))
	for y := 1; y < n-1; y++ {
		for x := 1; x < n-1; x++ {
			i := y*n + x
			dx := int(patch[i+1]) - int(patch[i-1])
			dy := int(patch[i+n]) - int(patch[i-n])
			out[i] = byte(min(255, max(dx, -dx)+max(dy, -dy)))
		}
	}
	return out
}
