package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

func TestNonMotorTally(t *testing.T) {
	box := detect.Box{X: 0.5, Y: 0.5, W: 0.1, H: 0.2}
	seen := []nonMotorSeen{
		{At: 3, Class: detect.Motorcycle, Box: [4]float64{0.5, 0.5, 0.1, 0.2}},
		{At: 4, Class: detect.Bicycle, Box: [4]float64{0.1, 0.1, 0.1, 0.2}},
	}
	found := func(class detect.Class, score float64) []detect.Detection {
		return []detect.Detection{{Box: box, Class: class, Score: score}}
	}
	for name, test := range map[string]struct {
		second int
		found  []detect.Detection
		want   nonMotorTally
	}{
		"found":                  {3, found(detect.Motorcycle, 0.5), nonMotorTally{labelled: 1, held: 1, sure: 1}},
		"found, not surely":      {3, found(detect.Motorcycle, 0.2), nonMotorTally{labelled: 1, held: 1}},
		"found as another kind":  {3, found(detect.Bicycle, 0.5), nonMotorTally{labelled: 1, wrong: 1}},
		"found as a car":         {3, found(detect.Car, 0.9), nonMotorTally{labelled: 1}},
		"found elsewhere":        {4, found(detect.Motorcycle, 0.5), nonMotorTally{labelled: 1, wrong: 1}},
		"one that is none":       {5, found(detect.Bicycle, 0.4), nonMotorTally{wrong: 1}},
		"one that is none, weak": {5, found(detect.Bicycle, 0.3), nonMotorTally{}},
		"nothing":                {3, nil, nonMotorTally{labelled: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var got nonMotorTally
			got.add(seen, test.second, test.found)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(nonMotorTally{})); diff != "" {
				t.Errorf("tally (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNonMotorTruths holds what people wrote down to what can be.
func TestNonMotorTruths(t *testing.T) {
	films, err := nonMotorFilms()
	if err != nil {
		t.Fatal(err)
	}
	for _, film := range films {
		for _, s := range film.Seen {
			inside := s.Box[0] >= 0 && s.Box[1] >= 0 && s.Box[2] > 0 && s.Box[3] > 0 && s.Box[0]+s.Box[2] <= 1 && s.Box[1]+s.Box[3] <= 1
			if !inside || s.At < 0 || s.At >= film.Until || s.Class != detect.Bicycle && s.Class != detect.Motorcycle {
				t.Errorf("%s: %+v cannot be", film.Clip, s)
			}
		}
	}
	if len(films) == 0 {
		t.Error("no films")
	}
}
