package app

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/enforce"
)

func TestDetectorKnowsTheZones(t *testing.T) {
	zones := []enforce.Zone{
		{ID: "near", Polygon: enforce.Polygon{{X: 0.25, Y: 0.5}, {X: 0.75, Y: 0.5}, {X: 0.5, Y: 1}}},
		{ID: "far", Polygon: enforce.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 0.25}}},
	}
	got := detectorZones(zones, map[string]float64{"far": 0.05, "elsewhere": 0.2})
	want := []model.Zone{
		{ID: "near", Box: detect.Box{X: 0.25, Y: 0.5, W: 0.5, H: 0.5}},
		{ID: "far", Box: detect.Box{W: 0.5, H: 0.25}, Height: 0.05},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("zones (-want +got):\n%s", diff)
	}
}
