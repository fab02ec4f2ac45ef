package watch

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

// road is a small picture with some texture.
func road() picture.Grey {
	g := picture.Grey{Width: 160, Height: 90, Pixels: make([]byte, 160*90)}
	for i := range g.Pixels {
		g.Pixels[i] = byte(70 + i*7%61 + i/160%11)
	}
	return g
}

// with is a copy of a picture of which each pixel is changed.
func with(g picture.Grey, change func(x, y, v int) int) picture.Grey {
	g.Pixels = slices.Clone(g.Pixels)
	for i, v := range g.Pixels {
		g.Pixels[i] = byte(min(max(change(i%g.Width, i/g.Width, int(v)), 0), 255))
	}
	return g
}

// thing is a picture in which something covers a part.
func thing(g picture.Grey, left, top, width, height, brightness int) picture.Grey {
	return with(g, func(x, y, v int) int {
		if x >= left && x < left+width && y >= top && y < top+height {
			return brightness
		}
		return v
	})
}

func TestGate(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	noisy := func(g picture.Grey, by int) picture.Grey {
		return with(g, func(_, _, v int) int { return v + random.IntN(2*by+1) - by })
	}
	brighter := func(g picture.Grey, by int) picture.Grey {
		return with(g, func(_, _, v int) int { return v + by })
	}
	parked := thing(road(), 80, 40, 8, 6, 30)
	zone := []detect.Box{{X: 0.4, Y: 0.4, W: 0.3, H: 0.3}} // pixels 64..112, 36..63
	bay := []detect.Stop{{Box: detect.Box{X: 0.1, Y: 0.1, W: 0.1, H: 0.1}}}
	tests := []struct {
		name     string
		seen     picture.Grey
		now      picture.Grey
		areas    []detect.Box
		standing []detect.Stop
		after    time.Duration
		closed   bool
	}{
		{name: "the same", seen: road(), now: road(), closed: true},
		{name: "noise", seen: noisy(road(), 3), now: noisy(road(), 3), closed: true},
		{name: "much noise", seen: noisy(road(), 9), now: noisy(road(), 9), closed: true},
		{name: "a lamp flickers", seen: road(), now: noisy(brighter(road(), 25), 3), closed: true},
		{name: "the exposure changes", seen: road(), now: with(road(), func(_, _, v int) int { return v * 106 / 100 }), closed: true},
		{name: "a small dark vehicle comes", seen: noisy(road(), 3), now: noisy(parked, 3)},
		{name: "a small dark vehicle leaves", seen: noisy(parked, 3), now: noisy(road(), 3)},
		{name: "it comes while a lamp flickers", seen: road(), now: brighter(parked, 25)},
		{name: "it comes in the noise", seen: noisy(road(), 6), now: noisy(thing(road(), 80, 40, 8, 6, 200), 6)},
		{name: "a vehicle moves by half its length", seen: parked, now: thing(road(), 84, 40, 8, 6, 30)},
		{name: "a large vehicle fills the picture", seen: road(), now: thing(road(), 0, 0, 160, 80, 30)},
		{name: "in the zone", seen: road(), now: parked, areas: zone},
		{name: "beside the zone", seen: road(), now: thing(road(), 10, 40, 8, 6, 30), areas: zone, closed: true},
		{name: "at the edge of the zone", seen: road(), now: thing(road(), 112, 40, 8, 6, 30), areas: zone},
		{name: "where a vehicle stands outside the zone", seen: road(), now: thing(road(), 20, 10, 8, 6, 30), areas: zone, standing: bay},
		{name: "two single pixels", seen: road(), now: thing(road(), 80, 40, 2, 1, 255), closed: true},
		{name: "a vehicle in the last corner", seen: road(), now: thing(road(), 153, 85, 7, 5, 255)},
		{name: "just before it must be verified", seen: road(), now: road(), after: 15*time.Second - 1, closed: true},
		{name: "when it must be verified", seen: road(), now: road(), after: 15 * time.Second},
		{name: "after the clock was set back", seen: road(), now: road(), after: -time.Second},
		{name: "nothing seen before", now: road()},
		{name: "another size", seen: picture.Grey{Width: 90, Height: 160, Pixels: road().Pixels}, now: road()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at := time.Unix(1000, 0)
			for name, verify := range map[string]time.Duration{"on": 15 * time.Second, "off": 0} {
				g := gate{verify: verify, areas: test.areas}
				g.opened(at, test.seen)
				if got, want := g.closed(at.Add(test.after), test.now, test.standing), test.closed && verify > 0; got != want {
					t.Errorf("gate %s: closed is %v, want %v", name, got, want)
				}
			}
		})
	}
}

// TestGateSeesWhatComesSlowly moves a vehicle so little from look to look that
// no two neighbours differ much: what counts is the newest full look.
func TestGateSeesWhatComesSlowly(t *testing.T) {
	g := gate{verify: time.Hour}
	at := time.Unix(1000, 0)
	g.opened(at, road())
	for step := range 40 {
		at = at.Add(time.Second)
		if !g.closed(at, thing(road(), 80, 40, 8, 6, 90-step), nil) {
			return
		}
	}
	t.Error("a vehicle faded in and the gate stayed closed")
}

// TestGateDoesNotGrowItsAreas asks often with many stops: those of one look
// must not be watched in the next.
func TestGateDoesNotGrowItsAreas(t *testing.T) {
	g := gate{verify: time.Hour, areas: make([]detect.Box, 1, 8)}
	g.areas[0] = detect.Box{X: 0.4, Y: 0.4, W: 0.3, H: 0.3}
	at := time.Unix(1000, 0)
	g.opened(at, road())
	aside := thing(road(), 20, 10, 8, 6, 30)
	if g.closed(at, aside, []detect.Stop{{Box: detect.Box{X: 0.1, Y: 0.1, W: 0.1, H: 0.1}}}) || !g.closed(at, aside, nil) {
		t.Error("where a vehicle stood is watched though it stands no more, or was not watched")
	}
}

func FuzzMoved(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4}, []byte{4, 3, 2, 1}, 2)
	f.Add([]byte{}, []byte{}, 1)
	f.Fuzz(func(t *testing.T, before, now []byte, width int) {
		if width < 1 || width > 4096 {
			return
		}
		rows := min(len(before), len(now)) / width
		a := picture.Grey{Width: width, Height: rows, Pixels: before[:rows*width]}
		b := picture.Grey{Width: width, Height: rows, Pixels: now[:rows*width]}
		marks := watched([]detect.Box{{W: 1, H: 1}}, width, rows)
		if moved(a, a, marks) || moved(a, b, marks) && slices.Equal(a.Pixels, b.Pixels) {
			t.Error("something moved between equal pictures")
		}
	})
}
