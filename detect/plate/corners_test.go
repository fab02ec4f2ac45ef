package plate

import (
	"math"
	"testing"
)

func TestConvex(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		name    string
		corners Corners
		want    bool
	}{
		{"whole picture", Whole, true},
		{"seen aslant", Corners{{.1, .2}, {.4, .25}, {.39, .4}, {.11, .3}}, true},
		{"zero", Corners{}, false},
		{"mirrored", Corners{{1, 0}, {0, 0}, {0, 1}, {1, 1}}, false},
		{"crossed", Corners{{0, 0}, {1, 0}, {0, 1}, {1, 1}}, false},
		{"dented", Corners{{0, 0}, {1, 0}, {.2, .2}, {0, 1}}, false},
		{"in a line", Corners{{0, 0}, {.3, 0}, {.6, 0}, {1, 0}}, false},
		{"not numbers", Corners{{nan, 0}, {1, 0}, {1, 1}, {0, 1}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.corners.Convex(); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSides(t *testing.T) {
	w, h := Corners{{.1, .1}, {.5, .1}, {.5, .2}, {.1, .2}}.Sides(1000, 500)
	if math.Abs(w-400) > 1e-9 || math.Abs(h-50) > 1e-9 {
		t.Errorf("got %v x %v, want 400 x 50", w, h)
	}
	if c := Whole.Center(); c != (Point{.5, .5}) {
		t.Errorf("center %v", c)
	}
}
