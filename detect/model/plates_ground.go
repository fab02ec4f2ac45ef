package model

import (
	"math"

	"tidewatch/detect/plate"
)

const (
	// groundWindow is how many columns of a straight plate are looked at together:
	// more than a stroke.
	groundWindow = 5
	// groundLeast is the share of ground that each part of a plate shows, since
	// characters leave its upper and lower edge free. Covers leave none.
	groundLeast = 0.12
	// coveredRun is how many columns beside each other without ground are covered.
	coveredRun = 5
	// groundBands are how many bands of a plate, one above the other, have a
	// ground of their own.
	groundBands = 4
	// groundHues and groundLights are by how much ground may differ from itself,
	// in logarithms, beside its standard deviation.
	groundHues, groundLights = 0.12, 0.25
	// dimmest keeps the noise of dark pixels from having a hue, in levels of 255.
	dimmest = 30
)

// tone is a pixel's colour: blue and red against green, and brightness, as
// logarithms.
type tone [3]float64

func toneOf(bgr []byte) tone {
	b, g, r := float64(bgr[0])+dimmest, float64(bgr[1])+dimmest, float64(bgr[2])+dimmest
	return tone{math.Log(b / g), math.Log(r / g), math.Log(0.114*b + 0.587*g + 0.299*r)}
}

// ground is what a plate's ground looks like.
type ground struct{ mean, reach tone }

// groundOf learns it from pixels.
func groundOf(pixels []tone) ground {
	var g ground
	n := float64(max(1, len(pixels)))
	for k, least := range [3]float64{groundHues, groundHues, groundLights} {
		var sum, squares float64
		for _, t := range pixels {
			sum += t[k]
			squares += t[k] * t[k]
		}
		g.mean[k] = sum / n
		g.reach[k] = least + math.Sqrt(max(0, squares/n-g.mean[k]*g.mean[k]))
	}
	return g
}

func (g ground) has(t tone) bool {
	for k := range t {
		if math.Abs(t[k]-g.mean[k]) > g.reach[k] {
			return false
		}
	}
	return true
}

// shown is from where to where a straight plate shows its ground, 0..1 of its
// width. Either end is held against the ground next to it, band by band, since
// green plates can be white above and yellow on the left. What lies beyond a cover may
// look like ground again: a bumper is as dark as a black plate.
func shown(p planes, colour plate.Kind, dark bool) (left, right float64) {
	beside := p.width * 55 / 100
	if colour == plate.Green {
		beside = p.width * 30 / 100
	}
	like := p.bands(p.width*15/100, beside, dark)
	first := p.firstCovered(p.width/4, -1, like) + 1
	like = p.bands(p.width*45/100, p.width*85/100, dark)
	last := p.firstCovered(p.width*3/4, +1, like)
	return float64(first) / float64(p.width), float64(last) / float64(p.width)
}

// firstCovered goes from a column to the picture's edge, and is where a run of
// columns without ground begins that is wider than any stroke or gap, or ends at
// the edge. It is just beyond the edge when there is none.
func (p planes) firstCovered(from, step int, like [groundBands]ground) int {
	run, x := 0, from
	for ; x >= 0 && x < p.width && run < coveredRun; x += step {
		if p.covered(x, like) {
			run++
		} else {
			run = 0
		}
	}
	return x - run*step
}

// bands are what the ground looks like between two columns, in bands from top to
// bottom.
func (p planes) bands(from, to int, dark bool) (like [groundBands]ground) {
	for band := range groundBands {
		var pixels []tone
		for y := p.height * band / groundBands; y < p.height*(band+1)/groundBands; y++ {
			for i := y*p.width + from; i < y*p.width+to; i++ {
				if dark == (p.lights[i] < p.around[i]) {
					pixels = append(pixels, toneOf(p.bgr[3*i:]))
				}
			}
		}
		like[band] = groundOf(pixels)
	}
	return like
}

// covered reports whether a column and those beside it show no ground.
func (p planes) covered(at int, like [groundBands]ground) bool {
	const half = groundWindow / 2
	seen, all := 0, 0
	for x := max(0, at-half); x <= min(p.width-1, at+half); x++ {
		for y := p.height / 10; y < p.height-p.height/10; y++ {
			if all++; like[y*groundBands/p.height].has(toneOf(p.bgr[3*(y*p.width+x):])) {
				seen++
			}
		}
	}
	return float64(seen) < groundLeast*float64(all)
}
