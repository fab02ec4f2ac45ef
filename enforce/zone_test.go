package enforce

import (
	"math"
	"testing"

	"tidewatch/detect"
)

func TestZoneHoldsAVehicleByItsFootprint(t *testing.T) {
	lower := Zone{Polygon: Polygon{{0, 0.5}, {1, 0.5}, {1, 1}, {0, 1}}}
	// A kerb as a bent strip: not convex, as drawn zones seldom are.
	bent := Zone{Polygon: Polygon{{0.1, 0.1}, {0.9, 0.1}, {0.9, 0.3}, {0.3, 0.3}, {0.3, 0.9}, {0.1, 0.9}}}
	for name, test := range map[string]struct {
		zone Zone
		box  detect.Box
		want bool
	}{
		"inside":                             {lower, detect.Box{X: 0.4, Y: 0.6, W: 0.2, H: 0.2}, true},
		"roof outside, wheels inside":        {lower, detect.Box{X: 0.4, Y: 0.2, W: 0.2, H: 0.5}, true},
		"roof inside is not standing inside": {Zone{Polygon: Polygon{{0, 0}, {1, 0}, {1, .5}, {0, .5}}}, detect.Box{X: 0.4, Y: 0.2, W: 0.2, H: 0.6}, false},
		"half of the footprint":              {lower, detect.Box{X: 0.4, Y: 0.2, W: 0.2, H: 0.375}, true},
		"less than half":                     {lower, detect.Box{X: 0.4, Y: 0.2, W: 0.2, H: 0.374}, false},
		"in the arm of a bend":               {bent, detect.Box{X: 0.1, Y: 0.6, W: 0.2, H: 0.2}, true},
		"in the hollow of a bend":            {bent, detect.Box{X: 0.5, Y: 0.5, W: 0.2, H: 0.2}, false},
		"no size":                            {lower, detect.Box{X: 0.4, Y: 0.6}, false},
		"no zone":                            {Zone{}, detect.Box{X: 0.4, Y: 0.6, W: 0.1, H: 0.1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.zone.Holds(test.box); got != test.want {
				t.Errorf("Holds = %v, want %v", got, test.want)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	for name, test := range map[string]struct {
		polygon Polygon
		want    detect.Box
	}{
		"none":     {nil, detect.Box{}},
		"triangle": {Polygon{{0.5, 0.25}, {0.75, 1}, {0.25, 0.5}}, detect.Box{X: 0.25, Y: 0.25, W: 0.5, H: 0.75}},
	} {
		if got := test.polygon.Bounds(); got != test.want {
			t.Errorf("%s: bounds are %+v, want %+v", name, got, test.want)
		}
	}
}

func TestZoneIsForKindsOfVehicle(t *testing.T) {
	classes := []detect.Class{detect.Car, detect.Bus, detect.Truck, detect.Motorcycle, detect.Bicycle}
	for name, test := range map[string]struct {
		vehicles Vehicles
		want     []bool // by class
	}{
		"unsaid":    {"", []bool{true, true, true, false, false}},
		"motor":     {Motor, []bool{true, true, true, false, false}},
		"non-motor": {NonMotor, []bool{false, false, false, true, true}},
		"all":       {All, []bool{true, true, true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, class := range classes {
				if got := (Zone{Vehicles: test.vehicles}).Concerns(class); got != test.want[i] {
					t.Errorf("a %s concerns the zone: %v, want %v", class, got, test.want[i])
				}
			}
		})
	}
}

func TestClippedAreaIsNeitherMoreThanThePolygonNorTheBox(t *testing.T) {
	polygon := Polygon{{0.1, 0.1}, {0.9, 0.2}, {0.5, 0.5}, {0.8, 0.9}, {0.2, 0.8}}
	for x := 0.0; x < 1; x += 0.07 {
		for y := 0.0; y < 1; y += 0.07 {
			box := detect.Box{X: x, Y: y, W: 0.31, H: 0.23}
			area := polygon.clip(box).Area()
			if area > math.Min(polygon.Area(), box.W*box.H)+1e-9 {
				t.Fatalf("area %v of %v", area, box)
			}
		}
	}
	whole := polygon.clip(detect.Box{W: 1, H: 1}).Area()
	if math.Abs(whole-polygon.Area()) > 1e-9 {
		t.Errorf("clipping to the whole picture gives %v, want %v", whole, polygon.Area())
	}
}

func TestLayout(t *testing.T) {
	a := Zone{ID: "a", Section: "road", Polygon: Polygon{{0, 0}, {1, 0}, {1, 1}}}
	b := Zone{ID: "b", Polygon: Polygon{{0, 0}, {0.5, 0}, {1, 1}}}
	elsewhere, moved := a, a
	elsewhere.Section = "street"
	moved.Polygon = Polygon{{0, 0}, {1, 0}, {1, 0.99}}
	for name, test := range map[string]struct {
		one, other []Zone
		same       bool
	}{
		"none":            {nil, []Zone{}, true},
		"another order":   {[]Zone{a, b}, []Zone{b, a}, true},
		"another section": {[]Zone{a}, []Zone{elsewhere}, true},
		"a corner moved":  {[]Zone{a}, []Zone{moved}, false},
		"one more":        {[]Zone{a}, []Zone{a, b}, false},
		"the first":       {nil, []Zone{a}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if one, other := Layout(test.one), Layout(test.other); (one == other) != test.same {
				t.Errorf("layouts %q and %q", one, other)
			}
		})
	}
}
