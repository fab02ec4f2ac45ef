package detect_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewatch/detect"
)

// seeming is a small car that moves by two thousandths of the picture in a look.
func seeming(look int) thing {
	c := car(1)
	c.box.W, c.box.H = 0.05, 0.05
	return c.at(0.04*float64(look), 0)
}

// TestDrift is of what moves a little, or seems to.
func TestDrift(t *testing.T) {
	play(t, []scripted{
		{
			"a small vehicle seems to move a little where the camera does",
			script{looks: 30, scene: func(look int) street {
				return street{things: []thing{seeming(look)}, camera: detect.Box{X: 0.005 * float64(look), W: 1, H: 1}}
			}},
			[]expected{{0, 29, false, detect.Car}},
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
	})
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
