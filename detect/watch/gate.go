package watch

import (
	"math"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

// gate decides whether a picture must be looked at in full, or shows nothing
// that the newest full look has not shown. It works on small grey pictures and
// knows nothing of vehicles.
type gate struct {
	verify time.Duration // zero: it is always open
	areas  []detect.Box  // in which something may move; none: the whole picture

	seen picture.Grey // of the newest full look
	at   time.Time    // of it
}

const (
	// gateSide is the longer side of the pictures that are compared. The
	// smallest vehicle that the network can find is some six pixels high in it.
	gateSide = 160

	// areaMargin is looked at around each area, in shares of the picture: what
	// comes to stand in an area may be seen to come.
	areaMargin = 0.03

	// movedTile is the side of a square, in pixels, of which movedPixels must
	// have changed for something to have moved. Noise changes single ones.
	movedTile   = 8
	movedPixels = 7

	// A pixel has changed by more than movedLeast levels of grey and movedNoise
	// times what half of the pixels change by at most; by more than movedMost it
	// has in any noise.
	movedLeast = 7
	movedNoise = 4
	movedMost  = 24
)

// closed reports whether nothing has moved since the newest full look, in the
// areas or where something stands, and that look is not too old.
func (g *gate) closed(at time.Time, now picture.Grey, standing []detect.Stop) bool {
	since := at.Sub(g.at)
	return g.verify > 0 && since >= 0 && since < g.verify && g.unmoved(now, standing)
}

// unmoved reports whether nothing has moved since the newest full look.
func (g *gate) unmoved(now picture.Grey, standing []detect.Stop) bool {
	if now.Width != g.seen.Width || now.Height != g.seen.Height || len(now.Pixels) != len(g.seen.Pixels) {
		return false
	}
	boxes := g.areas
	if len(boxes) == 0 {
		boxes = []detect.Box{{W: 1, H: 1}}
	}
	for _, s := range standing {
		boxes = append(boxes[:len(boxes):len(boxes)], s.Box)
	}
	return !moved(g.seen, now, watched(boxes, now.Width, now.Height))
}

// opened notes a full look.
func (g *gate) opened(at time.Time, now picture.Grey) { g.at, g.seen = at, now }

// watched marks the pixels that lie in some boxes or close to them.
func watched(boxes []detect.Box, width, height int) []bool {
	marks := make([]bool, width*height)
	for _, b := range boxes {
		left := max(0, int(math.Floor((b.X-areaMargin)*float64(width))))
		right := min(width, int(math.Ceil((b.X+b.W+areaMargin)*float64(width))))
		top := max(0, int(math.Floor((b.Y-areaMargin)*float64(height))))
		bottom := min(height, int(math.Ceil((b.Y+b.H+areaMargin)*float64(height))))
		for y := top; y < bottom; y++ {
			for x := left; x < right; x++ {
				marks[y*width+x] = true
			}
		}
	}
	return marks
}

// moved reports whether something in the marked pixels has come, gone or moved
// between two pictures of one size. What changes all of them alike, as the
// light and the camera's exposure do, does not count, nor does noise.
func moved(before, now picture.Grey, marks []bool) bool {
	light, limit, any := change(before.Pixels, now.Pixels, marks)
	if !any {
		return false
	}
	const step = movedTile / 2
	for y := 0; y < now.Height; y += step {
		for x := 0; x < now.Width; x += step {
			changed := 0
			for row := y; row < min(y+movedTile, now.Height); row++ {
				for i := row*now.Width + x; i < row*now.Width+min(x+movedTile, now.Width); i++ {
					if d := int(now.Pixels[i]) - int(before.Pixels[i]) - light; marks[i] && (d > limit || d < -limit) {
						changed++
					}
				}
			}
			if changed >= movedPixels {
				return true
			}
		}
	}
	return false
}

// change is by how much half of the marked pixels have become brighter, and
// how far from that a pixel must lie to have changed on its own. It is false
// without marks.
func change(before, now []byte, marks []bool) (light, limit int, ok bool) {
	var differences [511]int
	count := 0
	for i, marked := range marks {
		if marked {
			differences[int(now[i])-int(before[i])+255]++
			count++
		}
	}
	if count == 0 {
		return 0, 0, false
	}
	light = median(differences[:], count) - 255
	var distances [511]int
	for i, n := range differences {
		d := i - 255 - light
		distances[min(max(d, -d), len(distances)-1)] += n
	}
	return light, min(movedLeast+movedNoise*median(distances[:], count), movedMost), true
}

// median is the index below which, with itself, half of the counts lie.
func median(counts []int, total int) int {
	below := 0
	for i, n := range counts {
		if below += n; 2*below >= total {
			return i
		}
	}
	return len(counts) - 1
}
