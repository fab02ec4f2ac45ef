package detect_test

import (
	stdcmp "cmp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
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

// expected is a stop in looks.
type expected struct {
	First, Last int
	Ended       bool
	Class       detect.Class
}

// scripted is a street and the stops in it.
type scripted struct {
	name   string
	script script
	want   []expected
}

// play shows each street to a tracker of its own.
func play(t *testing.T, tests []scripted) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			every := stdcmp.Or(test.script.every, time.Second)
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			var got []expected
			for _, s := range test.script.play(tracker, 0, test.script.looks) {
				got = append(got, expected{int(s.Start.Sub(start) / every), int(s.End.Sub(start) / every), s.Ended, s.Class})
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("stops %+v, want %+v", got, test.want)
			}
		})
	}
}

// always is a street in which nothing changes.
func always(things ...thing) func(int) street {
	return func(int) street { return street{things: things} }
}

func TestTracker(t *testing.T) {
	play(t, []scripted{
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
			"two vehicles beside each other",
			script{looks: 20, scene: always(car(1), car(2).at(0.9, 0))},
			[]expected{{0, 19, false, detect.Car}, {0, 19, false, detect.Car}},
		},
		{
			"rare looks",
			script{looks: 20, every: 10 * time.Second, scene: always(car(1))},
			[]expected{{0, 19, false, detect.Car}},
		},
	})
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
			got := tracker.Look(s.scene(0).look(at))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("stops (-want +got):\n%s", diff)
			}
		})
	}
}
