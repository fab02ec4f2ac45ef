package watch_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

// kerb is a street that is drawn: a row of bays in front of a house, and a lane
// in front of the bays. Vehicles of one model have one shape; what else there is
// to tell them apart is dirt and what they mirror. Each picture has its own
// noise, and the boxes are as uncertain as those of a detector.
type kerb struct {
	vehicles func(second float64) []vehicle
	light    func(second float64) light // nil: an even day

	ground []float64
	noise  []float64 // of which each picture takes another stretch
	random *rand.Rand
}

const (
	kerbWidth, kerbHeight = 640, 360
	// kerbLine and laneLine are where the wheels of what is parked and of what
	// drives touch the ground.
	kerbLine, laneLine = 190, 270
)

// vehicle is one at a moment; x is its middle and foot where its wheels are.
type vehicle struct {
	id      uint64
	x, foot float64
	length  float64
	height  float64
	shade   float64 // of its body, 0..255
	class   detect.Class
	lamps   bool // its headlights are on, to the left
}

func saloon(id uint64, x, foot float64) vehicle {
	return vehicle{id: id, x: x, foot: foot, length: 92, height: 40, shade: 205, class: detect.Car}
}

func coach(id uint64, x float64) vehicle {
	return vehicle{id: id, x: x, foot: laneLine, length: 260, height: 120, shade: 150, class: detect.Bus}
}

func (v vehicle) box() detect.Box {
	return detect.Box{
		X: (v.x - v.length/2) / kerbWidth, Y: (v.foot - v.height) / kerbHeight,
		W: v.length / kerbWidth, H: v.height / kerbHeight,
	}
}

// light is what falls on the street.
type light struct {
	level  float64 // 1: day
	shadow float64 // left of this share of the width a cloud takes half of it
	rain   float64 // share of the contrast that rain takes
	noise  float64 // grey levels
}

var day = light{level: 1, shadow: -1, noise: 2}

// hash is a number in 0..1 that looks random.
func hash(seed uint64, u, v int) float64 {
	h := seed*0x9E3779B97F4A7C15 ^ uint64(u+4096)*0xC2B2AE3D27D4EB4F ^ uint64(v+4096)*0x165667B19E3779F9
	h ^= h >> 29
	h *= 0xBF58476D1CE4E5B9
	h ^= h >> 32
	return float64(h&0xFFFF) / 0xFFFF
}

// soft is a smooth pattern of the wanted grain, in pixels.
func soft(seed uint64, x, y, grain float64) float64 {
	u, v := math.Floor(x/grain), math.Floor(y/grain)
	fx, fy := x/grain-u, y/grain-v
	at := func(du, dv int) float64 { return hash(seed, int(u)+du, int(v)+dv) }
	top := at(0, 0)*(1-fx) + at(1, 0)*fx
	bottom := at(0, 1)*(1-fx) + at(1, 1)*fx
	return top*(1-fy) + bottom*fy - 0.5
}

// paint draws what never changes.
func (k *kerb) paint() {
	k.random = rand.New(rand.NewPCG(3, 5))
	k.ground = make([]float64, kerbWidth*kerbHeight)
	k.noise = make([]float64, 2*len(k.ground))
	for i := range k.noise {
		k.noise[i] = k.random.NormFloat64()
	}
	for i := range k.ground {
		x, y := i%kerbWidth, i/kerbWidth
		grey := 105 + 22*soft(1, float64(x), float64(y), 3) + 30*soft(2, float64(x), float64(y), 40)
		switch {
		case y < 120 && x%52 > 12 && x%52 < 40 && y%44 > 10 && y%44 < 36: // windows
			grey = 50 + 60*hash(7, x/52, y/44) + 12*soft(8, float64(x), float64(y), 5)
		case y < 120: // bricks
			grey = 150 - 26*float64(min(1, (y%6)/5)) + 20*soft(9, float64(x), float64(y), 4)
		case y < 150: // pavement
			grey = 165 - 30*float64(max(0, 1-x%23)) - 25*float64(max(0, 1-y%9)) + 14*soft(10, float64(x), float64(y), 3)
		case y > 196 && y < 199, y > 330 && y < 334 && x%60 < 30: // lines
			grey = 215 + 20*soft(11, float64(x), float64(y), 6)
		}
		k.ground[i] = grey
	}
}

// grey is the shade of a vehicle at a point of it, 0..1 along and down; false
// where one looks past it.
func (v vehicle) grey(u, w float64) (float64, bool) {
	x, y := u*v.length, w*v.height
	roof := 0.42
	if v.class == detect.Bus {
		roof = 0.08
	}
	wheel := 0.20 * v.height
	for _, at := range []float64{0.2, 0.8} {
		dx, dy := x-at*v.length, y-(v.height-wheel)
		if d := math.Hypot(dx, dy); d < wheel {
			return 25 + 60*math.Max(0, 1-2*d/wheel), true
		}
	}
	const slope = 0.16
	if w > 0.88 || w < roof && (u < slope+0.35*(roof-w) || u > 1-slope-0.3*(roof-w)) {
		return 0, false
	}
	grey := v.shade - 55*w + 150*soft(v.id, x, y, 11) + 90*soft(v.id+77, x, y, 4)
	switch {
	case v.class == detect.Bus && w > 0.15 && w < 0.5 && math.Mod(x, 40) > 6:
		grey = 60 + 70*soft(v.id, x, y, 12)
	case v.class != detect.Bus && w > 0.07 && w < roof-0.02 && math.Abs(u-0.5) > 0.02:
		grey = 90 + 300*soft(v.id+5, x, y, 9)
	case math.Abs(w-0.62) < 0.02:
		grey -= 50
	case u < 0.04 || u > 0.96:
		grey = 120
	}
	return grey, true
}

// look draws the street at a moment, and tells what a detector would find.
func (k *kerb) look(t *testing.T, second float64) (*decode.Picture, []detect.Detection) {
	t.Helper()
	if k.ground == nil {
		k.paint()
	}
	lit := day
	if k.light != nil {
		lit = k.light(second)
	}
	grey := append([]float64(nil), k.ground...)
	owner := make([]int, len(grey))
	vehicles := k.vehicles(second)
	for n, v := range vehicles {
		v.draw(grey, owner, n+1)
	}
	for i, g := range grey {
		x := i % kerbWidth
		level := lit.level
		if float64(x) < lit.shadow*kerbWidth {
			level *= 0.5
		}
		grey[i] = g*level*(1-lit.rain) + 90*lit.rain*level
	}
	for _, v := range vehicles {
		if v.lamps && lit.level < 0.5 {
			v.glare(grey, k.ground)
		}
	}
	bgr := make([]byte, 3*len(grey))
	noise := k.noise[k.random.IntN(len(grey)):]
	for i, g := range grey {
		shade := byte(min(max(g+noise[i]*lit.noise, 0), 255))
		bgr[3*i], bgr[3*i+1], bgr[3*i+2] = shade, shade, shade
	}
	pic, err := picture.FromBGR(bgr, kerbWidth, kerbHeight)
	if err != nil {
		t.Fatal(err)
	}
	return pic, k.detect(vehicles, owner, lit)
}

func (v vehicle) draw(grey []float64, owner []int, n int) {
	left, top := v.x-v.length/2, v.foot-v.height
	for y := max(0, int(top)); y < min(kerbHeight, int(v.foot)+5); y++ {
		for x := max(0, int(left)-3); x < min(kerbWidth, int(left+v.length)+3); x++ {
			i := y*kerbWidth + x
			g, solid := v.grey((float64(x)-left)/v.length, (float64(y)-top)/v.height)
			inside := float64(x) >= left && float64(x) < left+v.length && float64(y) < v.foot
			switch {
			case inside && solid:
				grey[i], owner[i] = g, n
			case float64(y) > v.foot-0.15*v.height:
				grey[i] *= 0.55 // its shadow on the ground
			}
		}
	}
}

// glare adds what headlights do: a cone on the ground and on what stands in it.
func (v vehicle) glare(grey, ground []float64) {
	front := v.x - v.length/2
	for y := 60; y < kerbHeight; y++ {
		for x := max(0, int(front)-300); x < min(kerbWidth, int(front)+6); x++ {
			ahead, aside := front-float64(x), math.Abs(float64(y)-v.foot+10)
			i := y*kerbWidth + x
			if ahead > 0 && aside < 14+0.7*ahead {
				grey[i] += 0.9 * (ground[i] + 40) * math.Exp(-ahead/90)
			}
			if ahead*ahead+aside*aside < 36 {
				grey[i] += 220
			}
		}
	}
}

// detect gives the boxes of what can be seen: of most vehicles, less surely in
// the dark, and of what shows where another vehicle hides the rest.
func (k *kerb) detect(vehicles []vehicle, owner []int, lit light) []detect.Detection {
	var found []detect.Detection
	for n, v := range vehicles {
		box, share := shows(v, owner, n+1)
		score, misses := 0.72+0.1*k.random.NormFloat64(), 0.05
		if lit.level < 0.5 {
			score, misses = 0.5+0.1*k.random.NormFloat64(), 0.15
		}
		score = min(score*math.Sqrt(share), 0.95)
		if share < 0.3 || score < 0.1 || k.random.Float64() < misses {
			continue
		}
		box.X += 0.015 * box.W * k.random.NormFloat64()
		box.Y += 0.015 * box.H * k.random.NormFloat64()
		box.W *= 1 + 0.02*k.random.NormFloat64()
		box.H *= 1 + 0.02*k.random.NormFloat64()
		found = append(found, detect.Detection{Box: box.Visible(), Class: v.class, Score: score})
	}
	return found
}

// shows is the box of what shows of a vehicle, and the share that shows.
func shows(v vehicle, owner []int, n int) (detect.Box, float64) {
	whole := v.box()
	left, top, right, bottom, pixels := 1.0, 1.0, 0.0, 0.0, 0
	for i, o := range owner {
		if o != n {
			continue
		}
		x, y := float64(i%kerbWidth)/kerbWidth, float64(i/kerbWidth)/kerbHeight
		left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
		pixels++
	}
	if pixels == 0 {
		return detect.Box{}, 0
	}
	share := float64(pixels) / (0.8 * whole.Area() * kerbWidth * kerbHeight)
	return detect.Box{X: left, Y: top, W: right - left, H: bottom - top}, min(1, share)
}
