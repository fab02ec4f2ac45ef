package picture

import (
	"math"
	"slices"
	"time"
)

// The picture is judged in cells, so that what a vehicle covers is told from
// what covers the lens.
const (
	lightColumns = 8
	lightRows    = 6
	lightCells   = lightColumns * lightRows
)

const (
	// fineSide and coarseSide are the longer sides of the levels at which detail
	// is measured: what blurs a picture takes the fine first.
	fineSide   = voteSide
	coarseSide = voteSide / 4

	// leastDetail is the mean step, in grey levels, between a pixel and those
	// around it from which a cell has detail that can be missed.
	leastDetail = 3.0
	// speaking is the share of cells that must usually have detail for anything
	// to be said about its absence.
	speaking = 0.25

	// blank is the share of its usual fine detail below which a cell shows
	// nothing; blanks is the share of such cells from which the view is covered.
	// A truck before the camera fills half of the picture, and has detail.
	// In dimmer light than usual less detail is to be expected, down to noDetail,
	// in grey levels, which noise alone has.
	blank    = 0.3
	blanks   = 0.6
	noDetail = 0.8

	// soft is the share of the usual relation between fine and coarse detail
	// below which a picture is blurred. Dusk, fog and a dim lamp take both.
	soft = 0.5
	// sameStreet is the likeness of the coarse picture to the newest good one from
	// which it shows the same street.
	sameStreet = 0.6

	// A cell is black whose mean and contrast, in grey levels, are below these.
	// A picture is dark if nearly all of its cells are: headlights and lamps
	// light some.
	blackMean     = 20
	blackContrast = 8
	blacks        = 0.9
	// daylight is the mean from which a street does not turn black from one look
	// to the next.
	daylight = 50

	// learning is how slowly the usual follows the camera: over a dusk, not over
	// a passing bus.
	learning = 30 * time.Minute
)

// cells are what is measured in one look.
type cells struct {
	fine, coarse, mean, contrast [lightCells]float64
}

func measure(v *view) cells {
	var c cells
	fine, coarse := v.level(fineSide), v.level(coarseSide)
	c.fine, c.coarse = fine.detail(), coarse.detail()
	for i := range lightCells {
		x0, y0, x1, y1 := coarse.lightCell(i)
		var sum, squares, n float64
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				g := float64(coarse.grey[y*coarse.width+x])
				sum, squares, n = sum+g, squares+g*g, n+1
			}
		}
		if n > 0 {
			c.mean[i] = sum / n
			c.contrast[i] = math.Sqrt(max(0, squares/n-c.mean[i]*c.mean[i]))
		}
	}
	return c
}

// lightCell is the area of a cell, in pixels.
func (p plane) lightCell(i int) (x0, y0, x1, y1 int) {
	column, row := i%lightColumns, i/lightColumns
	return column * p.width / lightColumns, row * p.height / lightRows,
		(column + 1) * p.width / lightColumns, (row + 1) * p.height / lightRows
}

// detail is, for each cell, the mean step between a pixel and the mean of its
// four neighbours.
func (p plane) detail() (mean [lightCells]float64) {
	for i := range mean {
		x0, y0, x1, y1 := p.lightCell(i)
		sum, n := 0, 0
		left, right := max(x0, 1), min(x1, p.width-1)
		for y := max(y0, 1); y < min(y1, p.height-1) && left < right; y++ {
			row := p.grey[y*p.width+left-1 : y*p.width+right+1]
			above, below := p.grey[(y-1)*p.width+left:][:right-left], p.grey[(y+1)*p.width+left:][:right-left]
			for x := range above {
				around := int(row[x]) + int(row[x+2]) + int(above[x]) + int(below[x])
				sum += abs(4*int(row[x+1]) - around)
			}
			n += right - left
		}
		if n > 0 {
			mean[i] = float64(sum) / float64(4*n)
		}
	}
	return mean
}

// brightness is the mean of the whole picture.
func (c cells) brightness() float64 {
	sum := 0.0
	for _, m := range c.mean {
		sum += m
	}
	return sum / lightCells
}

// dark reports whether nearly all of the picture is black.
func (c cells) dark() bool {
	black := 0
	for i, m := range c.mean {
		if m < blackMean && c.contrast[i] < blackContrast {
			black++
		}
	}
	return float64(black) >= blacks*lightCells
}

// Usual is how a camera's picture usually is. Its fields are exported so that
// it can be kept on disk; only the checks give them meaning.
type Usual struct {
	Looks      int // that it was learnt from
	At         time.Time
	Fine       []float64 // detail of each cell
	Coarse     []float64
	Light      float64 // brightness
	Brightness float64 // of the newest good look
	Good       []byte  // the newest good look, coarse
}

// sound reports whether what came from a file can be worked with.
func (u Usual) sound() bool {
	if u.Looks == 0 {
		return len(u.Fine) == 0 && len(u.Coarse) == 0
	}
	wild := func(v float64) bool { return math.IsNaN(v) || v < 0 || v > math.MaxUint8 }
	return len(u.Fine) == lightCells && len(u.Coarse) == lightCells &&
		!slices.ContainsFunc(slices.Concat(u.Fine, u.Coarse, []float64{u.Light, u.Brightness}), wild)
}

// judge says what is wrong with the light or the sharpness of a look, if
// anything.
func (u *Usual) judge(c cells, now *view) Fault {
	same := u.same(now)
	switch {
	case c.dark() && !same && u.Brightness >= daylight:
		return Covered
	case c.dark():
		return Dark
	case u.Looks == 0:
		return ""
	}
	missing, softness, detailed := u.compare(c)
	if detailed < speaking*lightCells {
		return ""
	}
	switch {
	case softness < soft && same:
		return Blurred
	case missing < blanks || softness >= soft && same:
		return ""
	case max(u.Brightness, c.brightness()) < daylight: // a lamp went out
		return Dark
	}
	return Covered
}

// same reports whether the outlines are those of the newest good look, however
// bright or sharp.
func (u *Usual) same(now *view) bool {
	coarse := now.level(coarseSide).grey
	return len(u.Good) != len(coarse) || alike(u.Good, coarse, nil) >= sameStreet
}

// compare tells the share of the usually detailed cells that show nothing now,
// the median change of the relation of fine to coarse detail in them, and how
// many they are.
func (u *Usual) compare(c cells) (missing, softness float64, detailed int) {
	var changes []float64
	gone, dimmed := 0, min(1, c.brightness()/max(u.Light, 1))
	for i, fine := range u.Fine {
		if fine < leastDetail || u.Coarse[i] < leastDetail {
			continue
		}
		if c.fine[i] < max(blank*fine*dimmed, noDetail) {
			gone++
		}
		changes = append(changes, c.fine[i]/fine*u.Coarse[i]/max(c.coarse[i], 0.5))
	}
	if len(changes) == 0 {
		return 0, 1, 0
	}
	slices.Sort(changes)
	return float64(gone) / float64(len(changes)), changes[len(changes)/2], len(changes)
}

// learn lets the usual follow a good look.
func (u *Usual) learn(at time.Time, c cells, now *view) {
	if u.Looks == 0 {
		u.Fine, u.Coarse = make([]float64, lightCells), make([]float64, lightCells)
	}
	u.Looks++
	passed := min(max(at.Sub(u.At), 0), time.Minute)
	share := max(1/float64(u.Looks), 1-math.Exp(-passed.Seconds()/learning.Seconds()))
	for i := range lightCells {
		u.Fine[i] += share * (c.fine[i] - u.Fine[i])
		u.Coarse[i] += share * (c.coarse[i] - u.Coarse[i])
	}
	u.Light += share * (c.brightness() - u.Light)
	u.At, u.Brightness, u.Good = at, c.brightness(), now.level(coarseSide).grey
}
