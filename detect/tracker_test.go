package detect_test

import (
	stdcmp "cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewatch/detect"
	"tidewatch/ingest"
)

var place = detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.1}

// car is a thing that the detector is sure of, standing in the place.
func car(seed int) thing { return thing{box: place, seed: seed, found: 0.8} }

func (t thing) at(dx, dy float64) thing {
	t.box.X += dx * t.box.W
	t.box.Y += dy * t.box.H
	return t
}

func (t thing) scored(score float64) thing { t.found = score; return t }

// trim makes another car of the same kind of one that stands in the place.
var trim = thing{box: detect.Box{X: place.X, Y: place.Y, W: place.W, H: 0.4 * place.H}, seed: 9}

// ghostly is a box over a part of the place, from a share of its width on.
func ghostly(from, width, score float64) thing {
	return thing{box: detect.Box{X: place.X + from*place.W, Y: place.Y, W: width * place.W, H: place.H}, seed: ghost, found: score}
}

// unseen is a street of which nothing is seen from the twentieth look to the
// two hundredth; after that other things are there.
func unseen(looks int, every time.Duration, after ...thing) script {
	return script{looks: looks, every: every, scene: func(look int) street {
		switch {
		case look < 20:
			return street{things: []thing{car(1)}}
		case look < 200:
			return street{lost: true}
		}
		return street{things: after}
	}}
}

// seeming is a small car that moves by two thousandths of the picture in a look.
func seeming(look int) thing {
	c := car(1)
	c.box.W, c.box.H = 0.05, 0.05
	return c.at(0.04*float64(look), 0)
}

// expected is a stop in looks.
type expected struct {
	First, Last int
	Ended       bool
	Class       detect.Class
}

func TestTracker(t *testing.T) {
	always := func(things ...thing) func(int) street {
		return func(int) street { return street{things: things} }
	}
	tests := []struct {
		name   string
		script script
		want   []expected
	}{
		{
			"nothing", script{looks: 10, scene: always()}, nil,
		},
		{
			"standing vehicle is one stop from its first look",
			script{looks: 30, scene: always(car(1))},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"one look is no stop",
			script{looks: 5, scene: func(look int) street {
				if look == 2 {
					return street{things: []thing{car(1)}}
				}
				return street{}
			}},
			nil,
		},
		{
			"box in every third look only",
			script{looks: 30, scene: func(look int) street {
				c := car(1)
				if look%3 != 0 {
					c.found = 0
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"detector loses it later, the pixels do not",
			script{looks: 60, scene: func(look int) street {
				c := car(1)
				if look > 20 {
					c.found = 0
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 59, false, detect.Car}},
		},
		{
			"steady low scores are enough",
			script{looks: 10, scene: always(car(1).scored(0.36))},
			[]expected{{0, 9, false, detect.Car}},
		},
		{
			"road paint: low scores now and then",
			script{looks: 60, scene: func(look int) street {
				scores := []float64{0.31, 0, 0.43, 0.2, 0, 0.29, 0.34, 0, 0.12, 0.25, 0, 0.3}
				return street{things: []thing{car(1).scored(scores[look%len(scores)])}}
			}},
			nil,
		},
		{
			"a railing that is a vehicle once",
			script{looks: 12, scene: func(look int) street {
				scores := []float64{0.18, 0.26, 0.2, 0.52, 0.21, 0.15, 0.18}
				return street{things: []thing{car(1).scored(scores[look%len(scores)])}}
			}},
			nil,
		},
		{
			"a tree divides it: boxes of its ends, and now and then one of the whole",
			script{looks: 60, scene: func(look int) street {
				front, rear := ghostly(0, 0.6, 0.7), ghostly(0.65, 0.35, 0.38)
				if look%9 == 4 {
					return street{things: []thing{car(1), front.scored(0), rear}}
				}
				return street{things: []thing{car(1).scored(0), front, rear}}
			}},
			[]expected{{0, 59, false, detect.Car}, {0, 13, true, detect.Car}},
		},
		{
			"two vehicles side by side, and now and then a box over both",
			script{looks: 60, scene: func(look int) street {
				both := ghostly(0, 2, 0)
				if look%9 < 2 {
					both.found = 0.5
				}
				return street{things: []thing{car(1), car(2).at(1, 0).scored(0.6), both}}
			}},
			[]expected{{0, 59, false, detect.Car}, {0, 59, false, detect.Car}},
		},
		{
			"a bus drives by twice in front of two vehicles",
			script{looks: 30, scene: func(look int) street {
				things := []thing{car(1), car(2).at(1.2, 0).scored(0.45)}
				if look%10 == 5 {
					things[0].found, things[1].found = 0, 0
					things = append(things, thing{box: detect.Box{X: 0.35, Y: 0.35, W: 0.4, H: 0.2}, seed: 100 + look, found: 0.9, class: detect.Bus})
				}
				return street{things: things}
			}},
			[]expected{{0, 29, false, detect.Car}, {0, 29, false, detect.Car}},
		},
		{
			"the camera turns until only its end shows, and back",
			script{looks: 60, scene: func(look int) street {
				away := min(max(0, 0.02*float64(look-10)), max(0, 0.02*float64(50-look)), 0.47)
				front := ghostly(0, 0.6, 0.8)
				end := ghostly(0.6, 0.4, 0)
				if away > 0.4 {
					front.found, end.found = 0, 0.8
				}
				return street{things: []thing{car(1).scored(0), front, end}, camera: detect.Box{X: away, W: 1, H: 1}}
			}},
			[]expected{{0, 59, false, detect.Car}},
		},
		{
			"a look is lost while it comes to stand",
			script{looks: 20, scene: func(look int) street {
				return street{things: []thing{car(1)}, lost: look == 1}
			}},
			[]expected{{0, 19, false, detect.Car}},
		},
		{
			"the camera is turned for good while it comes to stand",
			script{looks: 20, scene: func(look int) street {
				return street{things: []thing{car(1)}, lost: look >= 1 && look < 7}
			}},
			[]expected{{7, 19, false, detect.Car}},
		},
		{
			"moving vehicle",
			script{looks: 20, scene: func(look int) street {
				return street{things: []thing{car(1).at(0.3*float64(look), 0)}}
			}},
			nil,
		},
		{
			"dense traffic: another vehicle in the same place in each look",
			script{looks: 30, scene: func(look int) street {
				return street{things: []thing{car(look)}}
			}},
			nil,
		},
		{
			"arrives, stands, leaves",
			script{looks: 40, scene: func(look int) street {
				switch {
				case look < 5:
					return street{things: []thing{car(1).at(0, 0.4*float64(look-5))}}
				case look <= 20:
					return street{things: []thing{car(1)}}
				}
				return street{things: []thing{car(1).at(0, 0.4*float64(look-20))}}
			}},
			[]expected{{5, 20, true, detect.Car}},
		},
		{
			"a bus passes in front",
			script{looks: 30, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 10 && look < 13 {
					bus := thing{box: detect.Box{X: 0.1, Y: 0.35, W: 0.6, H: 0.25}, seed: 100 + look, found: 0.9, class: detect.Bus}
					things[0].found = 0
					things = append(things, bus)
				}
				return street{things: things}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"a bus waits in front for a minute",
			script{looks: 100, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 10 && look < 70 {
					bus := thing{box: detect.Box{X: 0.1, Y: 0.35, W: 0.6, H: 0.25}, seed: 100 + look, found: 0.9, class: detect.Bus}
					things[0].found = 0
					things = append(things, bus)
				}
				return street{things: things}
			}},
			[]expected{{0, 99, false, detect.Car}},
		},
		{
			"half of it is hidden by a vehicle that stops in front",
			script{looks: 60, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 20 {
					things = append(things, thing{box: detect.Box{X: 0.35, Y: 0.45, W: 0.16, H: 0.12}, seed: 2, found: 0.9})
				}
				return street{things: things}
			}},
			[]expected{{0, 59, false, detect.Car}, {20, 59, false, detect.Car}},
		},
		{
			"half of it is hidden for long by vehicles that crawl by",
			script{looks: 300, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 20 {
					things[0].found = 0.8 * float64(look/4%2)
					things = append(things, thing{box: detect.Box{X: 0.3, Y: 0.45, W: 0.3, H: 0.12}, seed: 100 + look, found: 0.9})
				}
				return street{things: things}
			}},
			[]expected{{0, 299, false, detect.Car}},
		},
		{
			"something unknown hides the lower half for long",
			script{looks: 60, scene: func(look int) street {
				c := car(1)
				things := []thing{c}
				if look >= 20 {
					upper := thing{box: detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.055}, seed: ghost, found: 0.7}
					things[0].found = 0
					things = append(things, thing{box: detect.Box{X: 0.38, Y: 0.455, W: 0.15, H: 0.05}, seed: 100 + look}, upper)
				}
				return street{things: things}
			}},
			[]expected{{0, 59, false, detect.Car}},
		},
		{
			"its box shifts, and what hides half of it is found now and then",
			script{looks: 58, every: 400 * time.Millisecond, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 20 {
					shifted := thing{box: detect.Box{X: 0.425, Y: 0.4, W: 0.1, H: 0.1}, seed: ghost, found: 0.8}
					front := thing{box: detect.Box{X: 0.33, Y: 0.38, W: 0.12, H: 0.14}, seed: 3, found: 0.9}
					if look%5 >= 3 {
						front.found = 0
					}
					things[0].found = 0
					things = append(things, front, shifted)
				}
				return street{things: things}
			}},
			[]expected{{0, 57, false, detect.Car}, {20, 57, false, detect.Car}},
		},
		{
			"something unknown hides it for three looks",
			script{looks: 30, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 10 && look < 13 {
					things[0].found = 0
					things = append(things, thing{box: place, seed: 50 + look})
				}
				return street{things: things}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"another vehicle takes the place",
			script{looks: 60, scene: func(look int) street {
				switch {
				case look < 20:
					return street{things: []thing{car(1)}}
				case look < 24:
					return street{}
				}
				return street{things: []thing{car(2).at(0.1, 0)}}
			}},
			[]expected{{0, 19, true, detect.Car}, {24, 59, false, detect.Car}},
		},
		{
			"a vehicle of the same kind takes the place, which was seen to be empty",
			script{looks: 30, scene: func(look int) street {
				switch {
				case look < 10:
					return street{things: []thing{car(1)}}
				case look < 12:
					return street{}
				}
				return street{things: []thing{car(1), trim}}
			}},
			[]expected{{0, 9, true, detect.Car}, {12, 29, false, detect.Car}},
		},
		{
			"a vehicle looks otherwise after something unknown hid it, and was found all the time",
			script{looks: 30, scene: func(look int) street {
				switch {
				case look < 10:
					return street{things: []thing{car(1)}}
				case look < 12:
					return street{things: []thing{car(50+look).at(0.2, 0).scored(0.3)}}
				}
				return street{things: []thing{car(1), trim}}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"road paint that is not believed is not judged anew when something has passed",
			script{looks: 60, scene: func(look int) street {
				paint := car(1).scored(0.22)
				switch look % 30 {
				case 20:
					return street{things: []thing{paint.scored(0), {box: place, seed: 7}}}
				case 21, 22, 23, 24:
					paint.found = 0.37
				}
				return street{things: []thing{paint}}
			}},
			nil,
		},
		{
			"a vehicle that was not believed in the dark is believed when it is clear",
			script{looks: 90, scene: func(look int) street {
				c := car(1).scored(0.15)
				if look >= 60 {
					c.found = 0.5
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 89, false, detect.Car}},
		},
		{
			"a small vehicle seems to move a little where the camera does",
			script{looks: 30, scene: func(look int) street {
				return street{things: []thing{seeming(look)}, camera: detect.Box{X: 0.005 * float64(look), W: 1, H: 1}}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"another vehicle takes the place between two rare looks",
			script{looks: 30, every: 10 * time.Second, scene: func(look int) street {
				return street{things: []thing{car(1 + look/15)}}
			}},
			[]expected{{0, 14, true, detect.Car}, {15, 29, false, detect.Car}},
		},
		{
			"a shadow falls on half of it",
			script{looks: 40, scene: func(look int) street {
				c := car(1)
				if look >= 15 {
					c.dark = 0.6
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"a shadow falls on half of it between rare looks",
			script{looks: 40, every: 10 * time.Second, scene: func(look int) street {
				c := car(1)
				if look >= 15 {
					c.dark = 0.6
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"its boot is opened: other pixels, the same box",
			script{looks: 40, scene: func(look int) street {
				return street{things: []thing{car(1 + look/20)}}
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"pictures that cannot be compared",
			script{looks: 40, scene: func(look int) street {
				s := street{things: []thing{car(1)}}
				if look >= 10 && look < 25 {
					s = street{lost: true, things: []thing{car(7).at(1, 1)}}
				}
				return s
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"out of sight for minutes, and just as it was",
			unseen(300, time.Second, car(1)),
			[]expected{{0, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and another one of its kind there",
			unseen(300, time.Second, car(1), trim),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and in another light",
			unseen(300, time.Second, thing{box: place, seed: 1, found: 0.8, dark: 0.6}),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and parked anew a little further",
			unseen(300, time.Second, car(1).at(0.08, 0)),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and only paint where it was",
			unseen(300, time.Second, car(1).scored(0)),
			[]expected{{0, 19, true, detect.Car}},
		},
		{
			"out of sight for half an hour",
			unseen(300, 10*time.Second, car(1)),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"two vehicles beside each other",
			script{looks: 20, scene: always(car(1), car(2).at(0.9, 0))},
			[]expected{{0, 19, false, detect.Car}, {0, 19, false, detect.Car}},
		},
		{
			"a second box for a part of it",
			script{looks: 20, scene: func(int) street {
				whole := car(1)
				part := thing{box: detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.04}, seed: 1, found: 0.5}
				s := street{things: []thing{part, whole}}
				return s
			}},
			[]expected{{0, 19, false, detect.Car}},
		},
		{
			"the class most boxes say",
			script{looks: 20, scene: func(look int) street {
				c := car(1)
				if look%4 != 0 {
					c.class = detect.Truck
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 19, false, detect.Truck}},
		},
		{
			"rare looks",
			script{looks: 20, every: 10 * time.Second, scene: always(car(1))},
			[]expected{{0, 19, false, detect.Car}},
		},
		{
			"creeps along",
			script{looks: 30, scene: func(look int) street {
				return street{things: []thing{car(1).at(0.05*float64(look), 0)}}
			}},
			nil,
		},
		{
			"creeps along while the camera pans",
			script{looks: 30, scene: func(look int) street {
				return street{
					things: []thing{car(1).at(0.05*float64(look), 0)},
					camera: detect.Box{X: 0.003 * float64(look), W: 0.9, H: 0.9},
				}
			}},
			nil,
		},
		{
			"the camera pans",
			script{looks: 30, scene: func(look int) street {
				return street{
					things: []thing{car(1)},
					camera: detect.Box{X: 0.005 * float64(look), W: 0.9, H: 0.9},
				}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			every := stdcmp.Or(test.script.every, time.Second)
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			var got []expected
			for _, s := range test.script.play(tracker, 0, test.script.looks) {
				got = append(got, expected{int(s.Start.Sub(start) / every), int(s.End.Sub(start) / every), s.Ended, s.Class})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("stops (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStopBoxFollowsTheCamera(t *testing.T) {
	s := script{looks: 30, scene: func(look int) street {
		return street{things: []thing{car(1)}, camera: detect.Box{X: 0.005 * float64(look), Y: 0.1, W: 0.9, H: 0.8}}
	}}
	stops := s.play(detect.NewTracker(detect.DefaultConfig(), "kerb"), 0, s.looks)
	if len(stops) != 1 {
		t.Fatalf("%d stops, want 1", len(stops))
	}
	want := seen(place, s.scene(s.looks-1).camera)
	if diff := cmp.Diff(want, stops[0].Box, cmpopts.EquateApprox(0, 0.002)); diff != "" {
		t.Errorf("box in the newest picture (-want +got):\n%s", diff)
	}
}

// TestStopBoxStaysInView turns the camera away from a vehicle.
func TestStopBoxStaysInView(t *testing.T) {
	s := script{looks: 20, scene: func(look int) street {
		return street{things: []thing{car(1)}, camera: detect.Box{X: max(0, 0.08*float64(look-10)), W: 1, H: 1}}
	}}
	stops := s.play(detect.NewTracker(detect.DefaultConfig(), "kerb"), 0, s.looks)
	if len(stops) != 1 {
		t.Fatalf("%d stops, want 1", len(stops))
	}
	if box := stops[0].Box; box.Area() <= 0 || box.X > 0.1 {
		t.Errorf("box is %+v, want where it was last in view, at the left edge", box)
	}
}

// TestStopBoxGrows sees a part of a vehicle first, because the detector gives no
// more or because the picture's edge cuts it, and the whole of it later.
func TestStopBoxGrows(t *testing.T) {
	edge := car(1)
	edge.box.X = 0.95
	tests := []struct {
		name  string
		looks int
		want  detect.Box
		scene func(look int) street
	}{
		{"half a box first", 40, place, func(look int) street {
			part := thing{box: detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.045}, seed: ghost, found: 0.6}
			whole := car(1)
			if look < 10 {
				whole.found = 0
			} else {
				part.found = 0
			}
			return street{things: []thing{whole, part}}
		}},
		{"cut by the edge first", 40, seen(edge.box, detect.Box{X: 0.1, W: 1, H: 1}), func(look int) street {
			return street{things: []thing{edge}, camera: detect.Box{X: min(0.1, 0.005*float64(look)), W: 1, H: 1}}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := script{looks: test.looks, scene: test.scene}
			stops := s.play(detect.NewTracker(detect.DefaultConfig(), "kerb"), 0, s.looks)
			if len(stops) != 1 || !stops[0].Start.Equal(start) || stops[0].Ended {
				t.Fatalf("stops are %+v, want one from the first look", stops)
			}
			if iou := stops[0].Box.IoU(test.want); iou < 0.95 {
				t.Errorf("box is %+v, want %+v", stops[0].Box, test.want)
			}
		})
	}
}

func TestStopBoxIsTheMedian(t *testing.T) {
	s := script{looks: 21, scene: func(look int) street {
		c := car(1)
		if look%5 == 4 {
			c.found = 0 // its own box comes from the outlier
		}
		return street{things: []thing{c}}
	}}
	outlier := detect.Box{X: place.X - 0.02, Y: place.Y, W: place.W + 0.04, H: place.H + 0.01}
	tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
	var stops []detect.Stop
	for look := range s.looks {
		scene := s.scene(look)
		found := scene.detections()
		if len(found) == 0 {
			found = []detect.Detection{{Box: outlier, Class: detect.Car, Score: 0.9}}
		}
		stops = tracker.Look(start.Add(time.Duration(look)*time.Second), found, detect.Shot{At: start.Add(time.Duration(look) * time.Second)}, scene)
	}
	if len(stops) != 1 {
		t.Fatalf("%d stops, want 1", len(stops))
	}
	if diff := cmp.Diff(place, stops[0].Box, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("box (-want +got):\n%s", diff)
	}
}

func TestStopIDIsDeterministic(t *testing.T) {
	s := script{looks: 5, scene: func(int) street { return street{things: []thing{car(1)}} }}
	id := func(camera string) string {
		return s.play(detect.NewTracker(detect.DefaultConfig(), camera), 0, s.looks)[0].ID
	}
	if a, b := id("a"), id("a"); a != b || a == "" {
		t.Errorf("the same stop is %q and %q", a, b)
	}
	if a, b := id("a"), id("b"); a == b {
		t.Errorf("two cameras' stops are both %q", a)
	}
}

func TestClockSetBack(t *testing.T) {
	s := script{looks: 10, scene: func(int) street { return street{things: []thing{car(1)}} }}
	tests := []struct {
		name  string
		back  time.Duration
		ended bool
	}{
		{"a little: wait", 5 * time.Second, false},
		{"a lot: begin anew", time.Hour, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			want := s.play(tracker, 0, s.looks)
			want[0].Ended = test.ended
			at := want[0].End.Add(-test.back)
			got := tracker.Look(at, s.scene(0).detections(), detect.Shot{At: at}, s.scene(0))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("stops (-want +got):\n%s", diff)
			}
		})
	}
}

func TestObservations(t *testing.T) {
	cfg := detect.DefaultConfig()
	tracker := detect.NewTracker(cfg, "kerb")
	scene := street{things: []thing{car(1)}}
	units := map[time.Time]*ingest.Unit{}
	for look := range 300 {
		at := start.Add(time.Duration(look) * time.Second)
		unit := &ingest.Unit{Key: true, PTS: time.Duration(look), Damaged: look%7 == 3}
		units[at] = unit
		stops := tracker.Look(at, scene.detections(), detect.Shot{At: at, Unit: unit}, scene)
		if len(stops) == 0 {
			continue
		}
		kept := stops[0].Observations
		switch {
		case len(kept) > cfg.Observations:
			t.Fatalf("look %d: %d observations, want at most %d", look, len(kept), cfg.Observations)
		case !kept[0].At.Equal(start):
			t.Fatalf("look %d: the first observation is of %v", look, kept[0].At)
		case !unit.Damaged && !kept[len(kept)-1].At.Equal(at):
			t.Fatalf("look %d: the newest observation is of %v", look, kept[len(kept)-1].At)
		}
		for _, o := range kept {
			if o.Unit != units[o.At] || o.Unit.Damaged {
				t.Fatalf("look %d: the observation of %v has the wrong picture", look, o.At)
			}
		}
		widest, narrowest := time.Duration(0), time.Hour
		for i := 1; i < len(kept)-1; i++ {
			gap := kept[i].At.Sub(kept[i-1].At)
			widest, narrowest = max(widest, gap), min(narrowest, gap)
		}
		if look > 100 && widest > 2*narrowest+2*time.Second {
			t.Fatalf("look %d: gaps from %v to %v are uneven", look, narrowest, widest)
		}
	}
}

func TestReturnedStopsNeverChange(t *testing.T) {
	tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
	scene := street{things: []thing{car(1)}}
	var early detect.Stop
	var copied []detect.Observation
	for look := range 200 {
		stops := tracker.Look(start.Add(time.Duration(look)*time.Second), scene.detections(), detect.Shot{At: start.Add(time.Duration(look) * time.Second), Unit: &ingest.Unit{}}, scene)
		if look == 20 {
			early = stops[0]
			copied = slices.Clone(early.Observations)
		}
	}
	if diff := cmp.Diff(copied, early.Observations, cmpopts.IgnoreUnexported(ingest.Unit{})); diff != "" {
		t.Errorf("a stop that was returned has changed (-then +now):\n%s", diff)
	}
}

func TestSnapshot(t *testing.T) {
	s := script{looks: 60, scene: func(look int) street {
		things := []thing{car(1), car(2).at(3, 0)}
		if look >= 30 {
			things = things[:1] // the second leaves while nobody watches
		}
		return street{things: things}
	}}
	first := detect.NewTracker(detect.DefaultConfig(), "kerb")
	before := s.play(first, 0, 20)
	snapshot := first.Snapshot()
	s.play(first, 20, 25) // what the dead tracker saw after its last snapshot

	tests := []struct {
		name  string
		from  int
		ended []bool
		ends  []int
	}{
		{"a short break", 22, []bool{false, true}, []int{59, 29}},
		{"a break in which one leaves", 35, []bool{false, true}, []int{59, 19}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			after := s.play(detect.NewTracker(detect.DefaultConfig(), "kerb", snapshot...), test.from, s.looks)
			if len(after) != len(before) {
				t.Fatalf("%d stops after the restart, want the %d before", len(after), len(before))
			}
			for i, stop := range after {
				if stop.ID != before[i].ID || !stop.Start.Equal(before[i].Start) {
					t.Errorf("stop %d is %s from %v, want %s from %v", i, stop.ID, stop.Start, before[i].ID, before[i].Start)
				}
				if got := int(stop.End.Sub(start) / time.Second); stop.Ended != test.ended[i] || got != test.ends[i] {
					t.Errorf("stop %d ends %d (%v), want %d (%v)", i, got, stop.Ended, test.ends[i], test.ended[i])
				}
				if !stop.Observations[0].At.Equal(start) {
					t.Errorf("stop %d has lost its beginning", i)
				}
			}
		})
	}

	t.Run("too late", func(t *testing.T) {
		late := detect.NewTracker(detect.DefaultConfig(), "kerb", snapshot...)
		scene := s.scene(0)
		stops := late.Look(start.Add(time.Hour), scene.detections(), detect.Shot{At: start.Add(time.Hour)}, scene)
		if len(stops) != len(before) {
			t.Fatalf("%d stops, want %d", len(stops), len(before))
		}
		for i, stop := range stops {
			if !stop.Ended || stop.ID != before[i].ID || !stop.End.Equal(before[i].End) {
				t.Errorf("stop %d is %s, ended %v at %v; want %s ended at %v", i, stop.ID, stop.Ended, stop.End, before[i].ID, before[i].End)
			}
		}
	})
}

// TestNoVehicleTwice lets vehicles come and go, be hidden and be half seen at
// random, and checks what must always hold.
func TestNoVehicleTwice(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			bays := [6]*thing{}
			stops := map[string]detect.Stop{}
			for look := range 150 {
				if bay := random.IntN(len(bays)); random.IntN(10) == 0 && bays[bay] != nil {
					bays[bay] = nil
				} else if random.IntN(10) == 0 && bays[bay] == nil {
					c := car(look + 1)
					c.box.X, c.box.W = 0.03+0.16*float64(bay), 0.08+0.04*random.Float64()
					bays[bay] = &c
				}
				at := start.Add(time.Duration(look) * time.Second)
				scene := bustle(random, bays)
				for _, stop := range tracker.Look(at, scene.detections(), detect.Shot{At: at}, scene) {
					checkStop(t, at, stop, stops)
					stops[stop.ID] = stop
				}
			}
		})
	}
}

// bustle is a street with vehicles in its bays and now and then something in
// front of them.
func bustle(random *rand.Rand, bays [6]*thing) street {
	var scene street
	for _, c := range bays {
		if c == nil {
			continue
		}
		seen := *c
		seen.found = 0.1 + 0.8*random.Float64()
		scene.things = append(scene.things, seen)
	}
	for range random.IntN(3) {
		passing := thing{
			box:  detect.Box{X: random.Float64(), Y: 0.35 + 0.1*random.Float64(), W: 0.1 + 0.2*random.Float64(), H: 0.15},
			seed: random.IntN(1000) + 1000, found: 0.9 * float64(random.IntN(2)),
		}
		scene.things = append(scene.things, passing)
	}
	return scene
}

// checkStop holds a stop against all that were returned before, as they were
// last returned.
func checkStop(t *testing.T, at time.Time, s detect.Stop, before map[string]detect.Stop) {
	t.Helper()
	if before[s.ID].Ended {
		t.Fatalf("stop %s is returned after its end", s.ID)
	}
	if s.Start.After(s.End) || s.End.After(at) || s.Looks < 2 || s.Box.Area() <= 0 {
		t.Fatalf("stop makes no sense: %+v", s)
	}
	for id, other := range before {
		meet := !s.Start.After(other.End) && !other.Start.After(s.End)
		if id != s.ID && meet && s.Box.IoU(other.Box) > 0.5 {
			t.Fatalf("one vehicle has two stops at a time:\n%+v\n%+v", s, other)
		}
	}
}

// TestAnotherComesUnseen has nobody look at a street for a while, after which a
// vehicle stands where one stood that looks much like it.
func TestAnotherComesUnseen(t *testing.T) {
	for _, test := range []struct {
		name    string
		away    time.Duration
		dark    float64 // by which it looks different; 0: it is the same one
		restart bool
		lost    bool // a look in between shows another street
		goesOn  bool
	}{
		{name: "no time for another one", away: 10 * time.Second, dark: 0.55, goesOn: true},
		{name: "another one", away: 20 * time.Second, dark: 0.55},
		{name: "the same one", away: 20 * time.Second, goesOn: true},
		{name: "another one, while nothing could be seen", away: 20 * time.Second, dark: 0.55, lost: true},
		{name: "a quick restart", away: 3 * time.Second, dark: 0.55, restart: true, goesOn: true},
		{name: "another one during a restart", away: 8 * time.Second, dark: 0.55, restart: true},
		{name: "the same one after a restart", away: 8 * time.Second, restart: true, goesOn: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := street{things: []thing{car(1)}}, street{things: []thing{car(1)}}
			after.things[0].dark = test.dark
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			first := script{scene: func(int) street { return before }}.play(tracker, 0, 10)
			if test.restart {
				tracker = detect.NewTracker(detect.DefaultConfig(), "kerb", tracker.Snapshot()...)
			}
			at := first[0].End.Add(test.away)
			if test.lost {
				between := at.Add(-test.away / 2)
				tracker.Look(between, nil, detect.Shot{At: between}, street{lost: true})
			}
			open := map[string]bool{}
			for range 10 {
				for _, s := range tracker.Look(at, after.detections(), detect.Shot{At: at}, after) {
					open[s.ID] = !s.Ended
				}
				at = at.Add(time.Second)
			}
			stops := 1
			if !test.goesOn {
				stops = 2
			}
			if open[first[0].ID] != test.goesOn || len(open) != stops {
				t.Errorf("the stop is open: %v, of %d stops; want %v, of %d", open[first[0].ID], len(open), test.goesOn, stops)
			}
		})
	}
}
