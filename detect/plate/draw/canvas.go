package draw

import (
	"image"
	"image/color"
	"math"
)

// canvas is a picture with values that may leave 0..255: red, green, blue.
type canvas struct {
	w, h int
	pix  []float32
}

// beside is what is round a plate: the dark of a bumper.
const beside = 50

func newCanvas(w, h int) *canvas { return &canvas{w, h, make([]float32, 3*w*h)} }

func (c *canvas) set(x, y int, r, g, b float64) {
	i := 3 * (y*c.w + x)
	c.pix[i], c.pix[i+1], c.pix[i+2] = float32(r), float32(g), float32(b)
}

// at is the colour between pixels.
func (c *canvas) at(x, y float64) (r, g, b float64) {
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	left, top := int(x0), int(y0)
	shares := [4]float64{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy}
	for k, share := range shares {
		px, py := left+k%2, top+k/2
		if px < 0 || py < 0 || px >= c.w || py >= c.h {
			r, g, b = r+beside*share, g+beside*share, b+beside*share
			continue
		}
		p := c.pix[3*(py*c.w+px):][:3]
		r += float64(p[0]) * share
		g += float64(p[1]) * share
		b += float64(p[2]) * share
	}
	return r, g, b
}

// spot lays a grey blot over the picture.
func (c *canvas) spot(at box, grey, cover float64) {
	for y := max(0, int(at.y-at.h)); y < min(c.h, int(at.y+at.h)); y++ {
		for x := max(0, int(at.x-at.w)); x < min(c.w, int(at.x+at.w)); x++ {
			dx, dy := (float64(x)-at.x)/at.w, (float64(y)-at.y)/at.h
			share := float32(cover * max(0, 1-dx*dx-dy*dy))
			for i := 3 * (y*c.w + x); i < 3*(y*c.w+x)+3; i++ {
				c.pix[i] = c.pix[i]*(1-share) + float32(grey)*share
			}
		}
	}
}

// lay paints a cover over the picture.
func (c *canvas) lay(cover Cover) {
	paint := cover.Colour
	within := func(share float64, size int) int { return min(max(int(math.Round(share*float64(size))), 0), size) }
	for y := within(cover.Top, c.h); y < within(cover.Bottom, c.h); y++ {
		for x := within(cover.Left, c.w); x < within(cover.Right, c.w); x++ {
			c.set(x, y, float64(paint.R), float64(paint.G), float64(paint.B))
		}
	}
}

// blur spreads each pixel by a Gaussian of these standard deviations.
func (c *canvas) blur(x, y float64) {
	c.convolve(gaussian(x), 1, 0)
	c.convolve(gaussian(y), 0, 1)
}

func gaussian(sigma float64) []float32 {
	n := int(math.Ceil(2.5 * sigma))
	weights := make([]float32, 2*n+1)
	var sum float32
	for i := range weights {
		d := float64(i-n) / max(sigma, 1e-6)
		weights[i] = float32(math.Exp(-d * d / 2))
		sum += weights[i]
	}
	for i := range weights {
		weights[i] /= sum
	}
	return weights
}

// smear spreads each pixel evenly to the side.
func (c *canvas) smear(length float64) {
	if length <= 1 {
		return
	}
	n := int(math.Ceil((length - 1) / 2))
	weights := make([]float32, 2*n+1)
	for i := range weights {
		weights[i] = float32(1 / length)
	}
	ends := float32((1 - float64(2*n-1)/length) / 2)
	weights[0], weights[2*n] = ends, ends
	c.convolve(weights, 1, 0)
}

func (c *canvas) convolve(weights []float32, dx, dy int) {
	from := append([]float32(nil), c.pix...)
	n := len(weights) / 2
	for y := range c.h {
		for x := range c.w {
			var sum [3]float32
			for k, weight := range weights {
				px := min(max(x+(k-n)*dx, 0), c.w-1)
				py := min(max(y+(k-n)*dy, 0), c.h-1)
				i := 3 * (py*c.w + px)
				sum[0] += from[i] * weight
				sum[1] += from[i+1] * weight
				sum[2] += from[i+2] * weight
			}
			copy(c.pix[3*(y*c.w+x):], sum[:])
		}
	}
}

func (c *canvas) image() *image.RGBA {
	pic := image.NewRGBA(image.Rect(0, 0, c.w, c.h))
	level := func(v float32) uint8 { return uint8(min(max(v+.5, 0), 255)) }
	for y := range c.h {
		for x := range c.w {
			i := 3 * (y*c.w + x)
			pic.SetRGBA(x, y, color.RGBA{level(c.pix[i]), level(c.pix[i+1]), level(c.pix[i+2]), 255})
		}
	}
	return pic
}
