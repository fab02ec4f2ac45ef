package model

import (
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// kerb is a zone around the parked vehicles of the walkway.
var kerb = Zone{ID: "kerb", Box: detect.Box{X: 0.8, Y: 0.02, W: 0.19, H: 0.2}}

func TestCloser(t *testing.T) {
	full, sub := image.Pt(1280, 720), image.Pt(640, 360)
	tests := []struct {
		name   string
		size   image.Point
		zone   Zone
		guess  bool
		part   detect.Box // none: the whole picture is enough
		height float64    // of a vehicle in it, in pixels of the input
		small  int
	}{
		{name: "large enough", size: full, zone: Zone{Box: detect.Box{X: .4, Y: .4, W: .2, H: .2}, Height: 24. / 360}},
		{
			name: "small", size: full, zone: Zone{Box: detect.Box{X: .4, Y: .4, W: .1, H: .1}, Height: 18. / 360},
			part: detect.Box{X: .2769, Y: .2769, W: .3462, H: .3462}, height: 52,
		},
		{
			name: "in the corner", size: full, zone: Zone{Box: detect.Box{W: .1, H: .1}, Height: 18. / 360},
			part: detect.Box{W: .3462, H: .3462}, height: 52,
		},
		{
			name: "a zone along the whole street", size: full, zone: Zone{Box: detect.Box{Y: .3, W: 1, H: .04}, Height: 18. / 360},
			part: detect.Box{Y: .1469, W: 1, H: .3462}, height: 30.6,
		},
		{
			name: "too small in what the camera sends", size: sub, zone: Zone{Box: detect.Box{X: .4, Y: .4, W: .1, H: .1}, Height: 18. / 360},
			part: detect.Box{X: .2769, Y: .2769, W: .3462, H: .3462}, height: 52, small: 18,
		},
		{
			name: "small all over the picture", size: full, zone: Zone{Box: detect.Box{W: 1, H: 1}, Height: 18. / 360}, small: 18,
		},
		{name: "unknown", size: full, zone: Zone{Box: detect.Box{X: .4, Y: .4, W: .1, H: .1}}},
		{
			name: "unknown, guessed", size: full, zone: Zone{Box: detect.Box{X: .4, Y: .4, W: .1, H: .1}}, guess: true,
			part: detect.Box{X: .3115, Y: .3115, W: .2769, H: .2769}, height: 52,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			z := &zone{Zone: test.zone}
			part, ok := z.closer(test.size, test.guess)
			if ok != (test.part.W > 0) {
				t.Fatalf("closer look: %v, at %+v", ok, part)
			}
			if z.small != test.small {
				t.Errorf("vehicles are called too small at %d pixels, want %d", z.small, test.small)
			}
			if !ok {
				return
			}
			if diff := cmp.Diff(test.part, part, cmpopts.EquateApprox(0, 1e-3)); diff != "" {
				t.Errorf("part (-want +got):\n%s", diff)
			}
			height := test.zone.Height
			if height == 0 {
				height = guessHeight
			}
			if got := height * float64(test.size.Y) * scale(test.size, part); math.Abs(got-test.height) > 1 {
				t.Errorf("a vehicle is %.1f pixels high in it, want %.1f", got, test.height)
			}
		})
	}
}

// distant is the walkway as a camera four times as far away would show it.
func distant(t *testing.T, pic *decode.Picture) *decode.Picture {
	t.Helper()
	far := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(120, 120, 120, 0), 1152, 1536, gocv.MatTypeCV8UC3)
	part := far.Region(image.Rect(384, 288, 1152, 864)) // at its own size, in twice the picture
	defer part.Close()
	pic.Mat.CopyTo(&part)
	return &decode.Picture{Mat: far}
}

// best is the highest score of the boxes that a vehicle has.
func best(found []detect.Detection, vehicle detect.Box) (score float64) {
	for _, d := range found {
		if d.Box.IoU(vehicle) >= 0.5 {
			score = max(score, d.Score)
		}
	}
	return score
}

// TestSmallVehiclesAreLookedAtCloser has the walkway seen from so far that its
// vehicles are 20 pixels high in the input, and a zone that must learn it.
func TestSmallVehiclesAreLookedAtCloser(t *testing.T) {
	half := func(b detect.Box) detect.Box {
		return detect.Box{X: .25 + b.X/2, Y: .25 + b.Y/2, W: b.W / 2, H: b.H / 2}
	}
	for name, height := range map[string]float64{"configured": half(parked["van"]).H, "learnt": 0} {
		t.Run(name, func(t *testing.T) {
			v := vehicles(t)
			c := v.Camera(Zone{ID: "kerb", Box: half(kerb.Box), Height: height})
			looks, sure := 0, 0
			whole, closer := 0.0, 0.0 // scores in all
			walkway(t, func(_ int, pic *decode.Picture) {
				far := distant(t, pic)
				defer far.Close()
				for range 4 { // as long as it takes to learn
					looks++
					alone, err := v.Find(far)
					if err != nil {
						t.Fatal(err)
					}
					found, err := c.Find(far)
					if err != nil {
						t.Fatal(err)
					}
					for _, want := range parked {
						whole += best(alone, half(want))
						closer += best(found, half(want))
						sure += count(seen(found, half(want), 0.4))
					}
					if diff := cmp.Diff(distinct(found), found); diff != "" {
						t.Errorf("a vehicle was found twice: %v", found)
					}
				}
			})
			if closer <= 1.05*whole || sure < 2*looks*3/4 {
				t.Errorf("in %d looks two vehicles scored %.1f from afar and %.1f closer, and were found %d times", looks, whole, closer, sure)
			}
			if small := c.Small(); len(small) > 0 {
				t.Errorf("zones with too small vehicles: %v", small)
			}
		})
	}
}

func TestSmallZonesAreNamed(t *testing.T) {
	v := vehicles(t)
	c := v.Camera(Zone{ID: "far", Box: kerb.Box, Height: 0.02}, Zone{ID: "near", Box: kerb.Box, Height: 0.2})
	pic := blank(image.Pt(640, 360))
	defer pic.Close()
	if _, err := c.Find(pic); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"far": 7}, c.Small()); diff != "" {
		t.Error(diff)
	}
}
