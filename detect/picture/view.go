package picture

import (
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// viewSide bounds the longer side of a view, in pixels: more detail does not
// help to tell whether something stands.
const viewSide = 1280

// plane is a grey picture in Go memory.
type plane struct {
	width, height int
	grey          []byte
}

// view is what is kept of a look: the grey picture at its own size, at half of
// it, and so on.
type view struct {
	levels    []plane
	features  *features  // nil until the camera moves
	landmarks *landmarks // nil until they are asked for
}

func newView(pic *decode.Picture) (*view, error) {
	if err := check(pic); err != nil {
		return nil, fmt.Errorf("view picture: %w", err)
	}
	grey := gocv.NewMat()
	defer grey.Close()
	gocv.CvtColor(pic.Mat, &grey, gocv.ColorBGRToGray)
	v := &view{}
	size := fit(pic.Size(), viewSide)
	for {
		gocv.Resize(grey, &grey, size, 0, 0, gocv.InterpolationArea)
		pixels, err := grey.DataPtrUint8()
		if err != nil {
			return nil, fmt.Errorf("view picture: %w", err)
		}
		v.levels = append(v.levels, plane{size.X, size.Y, append([]byte(nil), pixels...)})
		if max(size.X, size.Y) <= 2*detect.PatchSide {
			return v, nil
		}
		size = image.Pt(max(1, size.X/2), max(1, size.Y/2))
	}
}

// fit shrinks a size, keeping its shape, until no side is longer than side.
func fit(size image.Point, side int) image.Point {
	longer := max(size.X, size.Y)
	if longer <= side {
		return size
	}
	return image.Pt(max(1, size.X*side/longer), max(1, size.Y*side/longer))
}

// size is the view's size at its largest level.
func (v *view) size() image.Point { return image.Pt(v.levels[0].width, v.levels[0].height) }

// level is the largest level whose longer side does not exceed side, or the
// smallest there is.
func (v *view) level(side int) plane {
	for _, l := range v.levels {
		if max(l.width, l.height) <= side {
			return l
		}
	}
	return v.levels[len(v.levels)-1]
}

// sample brings a box of the view to n x n grey pixels. The level is chosen so
// that no more than every second pixel is left out.
func (v *view) sample(box detect.Box, n int) []byte {
	level := v.levels[0]
	for _, l := range v.levels[1:] {
		if box.W*float64(level.width) <= float64(2*n) && box.H*float64(level.height) <= float64(2*n) {
			break
		}
		level = l
	}
	return level.sample(box, n)
}

// sample interpolates; beyond the edge the picture's last pixels are repeated.
func (p plane) sample(box detect.Box, n int) []byte {
	patch := make([]byte, n*n)
	stepX, stepY := box.W*float64(p.width)/float64(n), box.H*float64(p.height)/float64(n)
	columns := make([]struct {
		left, right int
		share       float64
	}, n)
	for i := range columns {
		c := &columns[i]
		c.left, c.right, c.share = between(box.X*float64(p.width)+(float64(i)+0.5)*stepX-0.5, p.width)
	}
	for j := range n {
		above, below, share := between(box.Y*float64(p.height)+(float64(j)+0.5)*stepY-0.5, p.height)
		upper, lower := p.grey[above*p.width:], p.grey[below*p.width:]
		for i, c := range columns {
			top := float64(upper[c.left])*(1-c.share) + float64(upper[c.right])*c.share
			bottom := float64(lower[c.left])*(1-c.share) + float64(lower[c.right])*c.share
			patch[j*n+i] = byte(top*(1-share) + bottom*share + 0.5)
		}
	}
	return patch
}

// between names the pixels on both sides of a coordinate, and the share of the
// second.
func between(at float64, size int) (int, int, float64) {
	at = min(max(at, 0), float64(size-1))
	first := int(at)
	return first, min(first+1, size-1), at - float64(first)
}
