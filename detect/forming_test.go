package detect_test

import (
	"slices"
	"testing"
	"time"

	"tidewatch/detect"
)

// TestForming has a thing come to stand at the fifth look, a second apart, of
// which the detector is more or less sure.
func TestForming(t *testing.T) {
	const came = 5
	tests := []struct {
		name              string
		score             func(look int) float64
		leaves            int   // look from which it is gone; 0: it stays
		forming, deciding []int // looks in which, by the numbers of the first and last ones
		stops             int
	}{
		{
			name:  "a vehicle",
			score: func(int) float64 { return 0.9 },
			// It may be one from its second look, and is one from its third.
			forming: []int{6, 6}, deciding: []int{6, 6}, stops: 1,
		},
		{
			name:  "a vehicle that has left",
			score: func(int) float64 { return 0.9 }, leaves: 40,
			// Its place was as empty in the second look without it.
			forming: []int{6, 40}, deciding: []int{6, 48},
		},
		{name: "hardly a vehicle", score: func(int) float64 { return 0.3 }},
		{
			name: "paint that is a vehicle now and then",
			score: func(look int) float64 {
				if look%5 == 0 {
					return 0.39
				}
				return 0.11
			},
			forming: []int{6, 34}, deciding: []int{6, 34},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			spans := map[string][]int{}
			mark := func(what string, look int, yes bool) {
				if yes && len(spans[what]) == 0 {
					spans[what] = []int{look, look}
				}
				if yes {
					spans[what][1] = look
				}
			}
			stops := 0
			for look := range 60 {
				var scene street
				if look >= came && (test.leaves == 0 || look < test.leaves) {
					scene.things = []thing{{box: detect.Box{X: 0.3, Y: 0.3, W: 0.2, H: 0.2}, seed: 4, found: test.score(look)}}
				}
				at := start.Add(time.Duration(look) * time.Second)
				stops = len(tracker.Look(scene.look(at)))
				mark("forming", look, tracker.Forming())
				mark("deciding", look, tracker.Deciding())
			}
			if got := spans["forming"]; !slices.Equal(got, test.forming) {
				t.Errorf("forming in looks %v, want %v", got, test.forming)
			}
			if got := spans["deciding"]; !slices.Equal(got, test.deciding) {
				t.Errorf("deciding in looks %v, want %v", got, test.deciding)
			}
			if stops != test.stops {
				t.Errorf("%d stops, want %d", stops, test.stops)
			}
		})
	}
}
