package watch

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewatch/detect"
)

// TestStopsOfTheFirstVersionAreTakenUp writes a stop as the first version did.
func TestStopsOfTheFirstVersionAreTakenUp(t *testing.T) {
	want := keptPlace("a")
	want.Backing.Asked, want.Backing.Backed, want.Backing.Score, want.Backing.Weight = 9, 8, 5, 6
	want.Line = detect.Line{Came: true, Queue: []string{"b"}, Freed: time.Unix(8, 0).UTC()}
	want.Doubt = detect.Doubt{Level: detect.Away, Missed: 2, Absent: time.Unix(9, 0).UTC()}
	type place struct {
		Stop                        detect.Stop
		Box                         detect.Box
		Patch                       detect.Patch
		Boxes                       []detect.Box
		Votes                       map[detect.Class]float64
		Asked, Backed               int
		Score, Weight               float64
		Missed                      int
		Broken, Away, Gone, Empty   bool
		Bare                        detect.Patch
		DriftX, DriftY, Moved, Best float64
		Came                        bool
		Queue                       []string
		Freed, Absent               time.Time
	}
	file := struct {
		Version int
		Place   place
	}{1, place{
		Stop: want.Stop, Box: want.Box, Patch: want.Patch,
		Boxes: want.Backing.Boxes, Votes: want.Backing.Votes, Asked: 9, Backed: 8, Score: 5, Weight: 6,
		Missed: 2, Broken: true, Away: true, Absent: want.Doubt.Absent,
		Came: true, Queue: want.Line.Queue, Freed: want.Line.Freed,
	}}
	dir := t.TempDir()
	s := newStore(t, dir)
	if err := s.keep("a"+stopSuffix, &file); err != nil {
		t.Fatal(err)
	}
	places, _, err := newStore(t, dir).load()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]detect.Place{want}, places, cmpopts.IgnoreUnexported(detect.Place{})); diff != "" {
		t.Errorf("places (-written +loaded):\n%s", diff)
	}
}
