package detect_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tidewatch/detect"
)

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
				for _, stop := range tracker.Look(scene.look(at)) {
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
