package detect_test

import (
	"slices"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/ingest"
)

// TestBackdate looks at a street every four seconds and then holds the stop
// against the pictures between.
func TestBackdate(t *testing.T) {
	empty, there := street{}, street{things: []thing{car(1)}}
	rolling := street{things: []thing{car(1).at(0.1, 0)}}
	other := street{things: []thing{car(2)}}
	for _, test := range []struct {
		name  string
		past  []street // one second, two seconds and so on before the first look
		start int      // seconds from that look
	}{
		{"nothing to look at", nil, 0},
		{"it came just then", []street{empty, empty}, 0},
		{"it came two seconds earlier", []street{there, there, empty, there}, -2},
		{"it still rolled a second earlier", []street{rolling, empty}, 0},
		{"another vehicle stood there", []street{other, other}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := detect.DefaultConfig()
			tracker := detect.NewTracker(cfg, "kerb")
			first := start.Add(time.Minute)
			tracker.Look(empty.look(first.Add(-4 * time.Second)))
			tracker.Look(there.look(first))
			stops := tracker.Look(there.look(first.Add(4 * time.Second)))
			if len(stops) != 1 || !stops[0].Start.Equal(first) {
				t.Fatalf("stops before: %+v", stops)
			}
			id := stops[0].ID
			for i, scene := range test.past {
				shot := detect.Shot{At: first.Add(time.Duration(-i-1) * time.Second), Unit: &ingest.Unit{Key: true}}
				if !tracker.Backdate(id, shot, scene, false) {
					break
				}
			}
			stop := tracker.Refresh(stops)[0]
			if got := stop.Start.Sub(first); got != time.Duration(test.start)*time.Second || stop.ID != id {
				t.Errorf("stop %s begins %s after the first look, want %d s; it was %s", stop.ID, got, test.start, id)
			}
			if !stop.Observations[0].At.Equal(stop.Start) {
				t.Errorf("the first picture is of %s, the stop begins at %s", stop.Observations[0].At, stop.Start)
			}
			if tracker.Backdate(id, detect.Shot{At: stop.Start.Add(time.Second)}, there, false) {
				t.Error("a picture from after the beginning moved it")
			}
			if tracker.Backdate("unknown", detect.Shot{At: start}, there, false) {
				t.Error("a stop was backdated that is not open")
			}
		})
	}
}

// TestBackdateKeepsItsBounds checks that pictures from before a beginning do
// not pile up.
func TestBackdateKeepsItsBounds(t *testing.T) {
	cfg := detect.DefaultConfig()
	cfg.Observations = 4
	tracker := detect.NewTracker(cfg, "kerb")
	there := street{things: []thing{car(1)}}
	var stops []detect.Stop
	for look := range 6 {
		stops = tracker.Look(there.look(start.Add(time.Duration(look) * time.Second)))
	}
	for back := 1; back <= 8; back++ {
		if !tracker.Backdate(stops[0].ID, detect.Shot{At: start.Add(time.Duration(-back) * time.Second)}, there, false) {
			t.Fatalf("it did not stand %d s earlier", back)
		}
	}
	kept := tracker.Refresh(stops)[0].Observations
	if len(kept) > cfg.Observations || !kept[0].At.Equal(start.Add(-8*time.Second)) || !kept[len(kept)-1].At.Equal(start.Add(5*time.Second)) {
		t.Errorf("kept %+v", kept)
	}
}

// TestPostdate looks at a street every four seconds until the vehicle has left,
// and then holds the stop against the pictures between.
func TestPostdate(t *testing.T) {
	empty, there := street{}, street{things: []thing{car(1)}}
	rolling := street{things: []thing{car(1).at(0.1, 0)}}
	for _, test := range []struct {
		name string
		past []street // one second, two seconds and so on before the look without it
		end  int      // seconds from that look
	}{
		{"nothing to look at", nil, -4},
		{"it left just then", []street{there, there, there}, -1},
		{"it left three seconds earlier", []street{empty, empty, there}, -3},
		{"it rolled a second earlier", []street{rolling, there, there}, -2},
		{"it left at once", []street{empty, empty, empty}, -4},
	} {
		t.Run(test.name, func(t *testing.T) {
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			look := func(second int, s street) []detect.Stop {
				return tracker.Look(s.look(start.Add(time.Duration(second) * time.Second)))
			}
			for second := 0; second < 20; second += 4 {
				look(second, there)
			}
			if leaving := tracker.Leaving(); len(leaving) > 0 {
				t.Fatalf("%+v is leaving, which stands", leaving)
			}
			stops := look(20, empty)
			leaving := tracker.Leaving()
			if len(stops) != 1 || len(leaving) != 1 || leaving[0].ID != stops[0].ID {
				t.Fatalf("stops %+v, of which %+v are leaving", stops, leaving)
			}
			id := stops[0].ID
			for i, scene := range test.past {
				if tracker.Postdate(id, detect.Shot{At: start.Add(time.Duration(19-i) * time.Second)}, scene, false) {
					break
				}
			}
			stop := tracker.Refresh(stops)[0]
			want := start.Add(time.Duration(20+test.end) * time.Second)
			if !stop.End.Equal(want) || !stop.Observations[len(stop.Observations)-1].At.Equal(want) {
				t.Errorf("the stop ends at %s, its last picture is of %s, want %s", stop.End, stop.Observations[len(stop.Observations)-1].At, want)
			}
			if tracker.Postdate(id, detect.Shot{At: want.Add(-time.Second)}, there, false) {
				t.Error("a picture from before the end moved it")
			}
			if look(24, empty); len(tracker.Leaving()) > 0 {
				t.Error("it is leaving twice")
			}
		})
	}
}

// TestAnotherOfItsKind holds a stop against pictures of a vehicle that looks much
// like its own: only what stood there without a break is taken for it.
func TestAnotherOfItsKind(t *testing.T) {
	there := street{things: []thing{car(1)}}
	alike := street{things: []thing{car(1)}}
	alike.things[0].dark = 0.55
	for _, away := range []bool{false, true} {
		tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
		var stops []detect.Stop
		for second := range 6 {
			stops = tracker.Look(there.look(start.Add(time.Duration(second) * time.Second)))
		}
		before, after := detect.Shot{At: start.Add(-time.Second)}, detect.Shot{At: start.Add(6 * time.Second)}
		if taken := tracker.Backdate(stops[0].ID, before, alike, away); taken == away {
			t.Errorf("away %v: the vehicle of the picture before was taken for it: %v", away, taken)
		}
		if taken := tracker.Postdate(stops[0].ID, after, alike, away); taken == away {
			t.Errorf("away %v: the vehicle of the picture after was taken for it: %v", away, taken)
		}
		if !tracker.Postdate(stops[0].ID, detect.Shot{At: after.At.Add(time.Second)}, there, away) {
			t.Errorf("away %v: it was not known again", away)
		}
	}
}

// TestObservationsStayInOrder lets the light on a vehicle change, finds a picture
// of a while after in which it is as before, and lets it be known again.
func TestObservationsStayInOrder(t *testing.T) {
	there, shaded := street{things: []thing{car(1)}}, street{things: []thing{car(1)}}
	shaded.things[0].dark = 0.8
	aside := shaded.detections()
	aside[0].Box.X += 0.2 * aside[0].Box.W
	tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
	var stops []detect.Stop
	look := func(second int, found []detect.Detection, scene street) {
		at := start.Add(time.Duration(second) * time.Second)
		stops = tracker.Look(detect.Look{At: at, Found: found, Shot: detect.Shot{At: at}, Scene: scene})
	}
	for second := range 5 {
		look(second, there.detections(), there)
	}
	look(5, shaded.detections(), shaded)
	look(6, aside, shaded)
	if leaving := tracker.Leaving(); len(leaving) != 1 {
		t.Fatalf("%d are leaving, want one", len(leaving))
	}
	if !tracker.Postdate(stops[0].ID, detect.Shot{At: start.Add(5500 * time.Millisecond)}, there, false) {
		t.Fatal("it did not stand between two looks")
	}
	for second := 7; second < 11; second++ {
		look(second, shaded.detections(), shaded)
	}
	if len(stops) != 1 || !stops[0].Start.Equal(start) || !stops[0].End.Equal(start.Add(10*time.Second)) {
		t.Fatalf("stops %+v, want one from the first look to the last", stops)
	}
	if !slices.IsSortedFunc(stops[0].Observations, func(a, b detect.Observation) int { return a.At.Compare(b.At) }) {
		t.Errorf("observations %+v, want them in order", stops[0].Observations)
	}
}
