package detect_test

import (
	"testing"
	"time"

	"tidewatch/detect"
)

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
		stops := late.Look(scene.look(start.Add(time.Hour)))
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
