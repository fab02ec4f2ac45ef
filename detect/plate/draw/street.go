package draw

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
)

// Look is how a camera sees a plate.
type Look struct {
	Width     int     // of the plate in the picture, in pixels
	Turn      float64 // of the plate in the picture, in radians
	Lean      float64 // sideways shift of the upper edge, a share of the height
	Away      float64 // how much shorter the right edge is than the left one
	Shift     [4]Point
	Light     float64 // 1 is as drawn
	Contrast  float64 // 1 is as drawn
	Tint      [3]float64
	Shadow    float64 // how dark the shaded part is, 0 for none
	ShadowAt  float64 // where the shadow ends on the upper edge, of the width
	ShadowTo  float64 // and on the lower edge
	Dirt      int     // number of spots
	Blur      float64 // in pixels of the picture
	Smear     float64 // by movement to the side, in pixels
	Noise     float64 // standard deviation, of 255
	Quality   int     // of the JPEG
	Left      float64 // share of the plate cut off on the left
	Right     float64 // and on the right
	Covers    []Cover // what lies on the plate
	seedNoise uint64
	seedAgain uint64 // of the noise alone, 0 for that of the first look
}

// Point is a distance, in shares of a plate's width and height.
type Point struct{ X, Y float64 }

// Cut is the same look with the plate's end missing from some character on, and
// the text that is left. Under half of that character shows. Two rows are not
// cut.
func (l Look) Cut(random *rand.Rand, p Plate) (Look, string) {
	layout := p.Style.layout
	n := len(layout.characters)
	if !p.Style.CanBeCut() {
		return l, p.Text
	}
	text := []rune(p.Text)
	lost := 1 + random.IntN(3)
	shown := random.Float64() * 0.45
	width := float64(layout.size.X)
	if random.IntN(3) == 0 {
		c := layout.characters[lost-1]
		l.Left = (c.x + c.w*(1-shown)) / width
		return l, string(text[lost:])
	}
	c := layout.characters[n-lost]
	l.Right = 1 - (c.x+c.w*shown)/width
	return l, string(text[:n-lost])
}

// Street is a look as cameras at the kerb have it: mostly fair, at times poor.
func Street(random *rand.Rand) Look {
	spread := func(by float64) float64 { return (random.Float64()*2 - 1) * by }
	between := func(a, b float64) float64 { return a + random.Float64()*(b-a) }
	now := func(share float64) bool { return random.Float64() < share }
	l := Look{
		Width:    int(70 * math.Pow(3, random.Float64())), // 70 to 210, smaller ones as often
		Turn:     spread(0.03),
		Lean:     spread(0.12),
		Away:     spread(0.10),
		Light:    between(0.45, 1.15),
		Contrast: between(0.6, 1),
		Tint:     [3]float64{1 + spread(0.12), 1 + spread(0.05), 1 + spread(0.12)},
		Blur:     between(0.2, 0.9),
		Noise:    between(1, 7),
		Quality:  45 + random.IntN(50),
	}
	for i := range l.Shift {
		l.Shift[i] = Point{spread(0.012), spread(0.03)}
	}
	if now(0.25) {
		l.Shadow, l.ShadowAt, l.ShadowTo = between(0.2, 0.6), between(-0.2, 1.2), between(-0.2, 1.2)
	}
	if now(0.2) {
		l.Dirt = 1 + random.IntN(12)
	}
	if now(0.15) {
		l.Smear = between(1, 2.5)
	}
	l.seedNoise = random.Uint64()
	return l
}

// Again is the same look at the same plate with other noise, as the next picture
// of a camera has it while nothing moves.
func (l Look) Again(random *rand.Rand) Look {
	l.seedAgain = random.Uint64()
	return l
}

// See makes the picture that a camera has of a plate, cut out along the corners
// that a detector gave, with their inaccuracy. It is w/h as the drawing, and
// less wide where a part is cut off.
func See(flat *image.RGBA, l Look) (*image.RGBA, error) {
	random := rand.New(rand.NewPCG(l.seedNoise, 1))
	shaded := soil(flat, l, random)
	if l.seedAgain != 0 {
		random = rand.New(rand.NewPCG(l.seedAgain, 1))
	}
	c := l.warp(shaded)
	c.blur(l.Blur, l.Blur)
	c.smear(l.Smear)
	for i := range c.pix {
		v := float64(c.pix[i])*l.Light*l.Tint[i%3]*l.Contrast + 110*(1-l.Contrast)*l.Light
		c.pix[i] = float32(v + random.NormFloat64()*l.Noise)
	}
	return recode(c.image(), l.Quality)
}

// soil puts shadow, covers and dirt on a copy of a plate.
func soil(flat *image.RGBA, l Look, random *rand.Rand) *canvas {
	size := flat.Bounds().Size()
	c := newCanvas(size.X, size.Y)
	for y := range size.Y {
		for x := range size.X {
			p := flat.RGBAAt(x, y)
			light := 1.0
			down := float64(y) / float64(size.Y)
			if float64(x) < float64(size.X)*(l.ShadowAt*(1-down)+l.ShadowTo*down) {
				light = 1 - l.Shadow
			}
			c.set(x, y, float64(p.R)*light, float64(p.G)*light, float64(p.B)*light)
		}
	}
	for _, cover := range l.Covers {
		c.lay(cover)
	}
	for range l.Dirt {
		at := box{random.Float64() * float64(size.X), random.Float64() * float64(size.Y), 4 + random.Float64()*20, 3 + random.Float64()*12}
		c.spot(at, 60+random.Float64()*60, 0.3+random.Float64()*0.5)
	}
	return c
}

// warp lays the plate into the picture as its look says.
func (l Look) warp(from *canvas) *canvas {
	w := max(8, l.Width)
	h := max(4, int(math.Round(float64(w)*float64(from.h)/float64(from.w))))
	keep := max(1, int(math.Round(float64(w)*(1-l.Left-l.Right))))
	to := newCanvas(keep, h)
	const fine = 3 // samples a side for one pixel
	for y := range h {
		for x := range keep {
			var sum [3]float64
			for k := range fine * fine {
				u := (float64(x)+(float64(k%fine)+.5)/fine)/float64(w) + l.Left
				v := (float64(y) + (float64(k/fine)+.5)/fine) / float64(h)
				u, v = l.source(u, v, float64(h)/float64(w))
				r, g, b := from.at(u*float64(from.w)-.5, v*float64(from.h)-.5)
				sum[0], sum[1], sum[2] = sum[0]+r, sum[1]+g, sum[2]+b
			}
			to.set(x, y, sum[0]/fine/fine, sum[1]/fine/fine, sum[2]/fine/fine)
		}
	}
	return to
}

// source says which place of the plate shows at a place of the picture. Both
// go from 0 to 1. The picture shows what remains after straightening, so turn,
// lean and distance are mild.
func (l Look) source(u, v, aspect float64) (float64, float64) {
	var dx, dy float64
	for i, s := range l.Shift { // left top, right top, right bottom, left bottom
		wu, wv := u, v
		if i == 0 || i == 3 {
			wu = 1 - u
		}
		if i < 2 {
			wv = 1 - v
		}
		dx, dy = dx+s.X*wu*wv, dy+s.Y*wu*wv
	}
	x, y := u-.5, (v-.5)*aspect
	sin, cos := math.Sincos(l.Turn)
	x, y = x*cos-y*sin, (x*sin+y*cos)/aspect
	x += l.Lean * aspect * y
	y *= 1 + l.Away*x
	const margin = 1.03 // a little of what is round the plate shows
	return x*margin + .5 + dx, y*margin + .5 + dy
}

func recode(pic *image.RGBA, quality int) (*image.RGBA, error) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, pic, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("see plate: %w", err)
	}
	lossy, err := jpeg.Decode(&file)
	if err != nil {
		return nil, fmt.Errorf("see plate: %w", err)
	}
	bounds := pic.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			pic.Set(x, y, lossy.At(x, y))
		}
	}
	return pic, nil
}
