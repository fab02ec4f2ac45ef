package detect_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewatch/detect"
	"tidewatch/ingest"
)

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
		next := scene.look(start.Add(time.Duration(look) * time.Second))
		next.Found = found
		stops = tracker.Look(next)
	}
	if len(stops) != 1 {
		t.Fatalf("%d stops, want 1", len(stops))
	}
	if diff := cmp.Diff(place, stops[0].Box, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("box (-want +got):\n%s", diff)
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
		next := scene.look(at)
		next.Shot.Unit = unit
		stops := tracker.Look(next)
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
		next := scene.look(start.Add(time.Duration(look) * time.Second))
		next.Shot.Unit = &ingest.Unit{}
		stops := tracker.Look(next)
		if look == 20 {
			early = stops[0]
			copied = slices.Clone(early.Observations)
		}
	}
	if diff := cmp.Diff(copied, early.Observations, cmpopts.IgnoreUnexported(ingest.Unit{})); diff != "" {
		t.Errorf("a stop that was returned has changed (-then +now):\n%s", diff)
	}
}
