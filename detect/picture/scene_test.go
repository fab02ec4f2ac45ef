package picture

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// town is a large textured picture that a test's camera sees a part of.
func town(t *testing.T, seed uint64) gocv.Mat {
	t.Helper()
	mat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(110, 115, 120, 0), 900, 1400, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { mat.Close() })
	random := rand.New(rand.NewPCG(seed, 3))
	for range 1500 {
		x, y := random.IntN(1400), random.IntN(900)
		shade := uint8(random.IntN(256))
		c := color.RGBA{R: shade, G: uint8(random.IntN(256)), B: shade}
		if random.IntN(2) == 0 {
			gocv.Rectangle(&mat, image.Rect(x, y, x+4+random.IntN(40), y+4+random.IntN(30)), c, -1)
		} else {
			gocv.Line(&mat, image.Pt(x, y), image.Pt(x+random.IntN(80)-40, y+random.IntN(80)-40), c, 1+random.IntN(3))
		}
	}
	return mat
}

// shot is what a camera sees of a town: a part of it brought to 768x576.
func shot(t *testing.T, town gocv.Mat, part image.Rectangle) *decode.Picture {
	t.Helper()
	region := town.Region(part)
	defer region.Close()
	pic := &decode.Picture{Mat: gocv.NewMat()}
	t.Cleanup(func() { pic.Close() })
	gocv.Resize(region, &pic.Mat, image.Pt(768, 576), 0, 0, gocv.InterpolationLinear)
	return pic
}

// vehicle paints something over a box of a picture.
func vehicle(pic *decode.Picture, box detect.Box, seed uint64) {
	area := pixels(box, pic.Size())
	random := rand.New(rand.NewPCG(seed, 4))
	gocv.Rectangle(&pic.Mat, area, color.RGBA{R: 200, G: 200, B: 210}, -1)
	for range 60 {
		x, y := area.Min.X+random.IntN(area.Dx()), area.Min.Y+random.IntN(area.Dy())
		part := image.Rect(x, y, x+area.Dx()/6, y+area.Dy()/6).Intersect(area)
		shade := uint8(random.IntN(256))
		gocv.Rectangle(&pic.Mat, part, color.RGBA{R: shade, G: shade, B: shade}, -1)
	}
}

func look(t *testing.T, c *Camera, pic *decode.Picture) *Scene {
	t.Helper()
	scene, err := c.Look(pic)
	if err != nil {
		t.Fatal(err)
	}
	return scene
}

var (
	kerb  = image.Rect(300, 200, 300+768, 200+576)
	stand = detect.Box{X: 0.4, Y: 0.4, W: 0.12, H: 0.12}
)

func TestMove(t *testing.T) {
	tests := []struct {
		name  string
		part  image.Rectangle
		want  detect.Box
		exact bool
	}{
		{"fixed", kerb, stand, true},
		{"pan", kerb.Add(image.Pt(60, -25)), detect.Box{X: 0.4 - 60./768, Y: 0.4 + 25./576, W: 0.12, H: 0.12}, false},
		{"small shake", kerb.Add(image.Pt(4, 3)), detect.Box{X: 0.4 - 4./768, Y: 0.4 - 3./576, W: 0.12, H: 0.12}, false},
		{
			"zoom", image.Rect(300+64, 200+48, 300+768-64, 200+576-48),
			detect.Box{X: (0.4 - 1./12) * 1.2, Y: (0.4 - 1./12) * 1.2, W: 0.12 * 1.2, H: 0.12 * 1.2},
			false,
		},
	}
	city := town(t, 1)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c Camera
			first := shot(t, city, kerb)
			vehicle(first, stand, 1)
			look(t, &c, first)
			// What drives through must not be taken for the camera's movement.
			second := shot(t, city, test.part)
			vehicle(second, detect.Box{X: 0.1, Y: 0.5, W: 0.3, H: 0.3}, 9)
			vehicle(second, test.want, 1)
			scene := look(t, &c, second)
			got, known := scene.Move(stand)
			if !known {
				t.Fatal("the movement is unknown")
			}
			if test.exact && got != test.want || got.IoU(test.want) < 0.95 {
				t.Errorf("the box moved to %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	city := town(t, 1)
	tests := []struct {
		name        string
		second      func() *decode.Picture
		least, most float64
	}{
		{"nothing changed", func() *decode.Picture {
			pic := shot(t, city, kerb)
			vehicle(pic, stand, 1)
			return pic
		}, 0.999, 1},
		{"darker, with less contrast", func() *decode.Picture {
			pic := shot(t, city, kerb)
			vehicle(pic, stand, 1)
			pic.Mat.ConvertToWithParams(&pic.Mat, gocv.MatTypeCV8UC3, 0.4, 20)
			return pic
		}, 0.98, 1},
		{"a shadow over half of it", func() *decode.Picture {
			pic := shot(t, city, kerb)
			vehicle(pic, stand, 1)
			half := pic.Mat.Region(image.Rect(0, 0, 350, 576))
			defer half.Close()
			half.ConvertToWithParams(&half, gocv.MatTypeCV8UC3, 0.5, 0)
			return pic
		}, 0.75, 1},
		{"the vehicle has left", func() *decode.Picture { return shot(t, city, kerb) }, 0, 0.5},
		{"another vehicle", func() *decode.Picture {
			pic := shot(t, city, kerb)
			vehicle(pic, stand, 2)
			return pic
		}, 0, 0.6},
		{"it has moved by a third", func() *decode.Picture {
			pic := shot(t, city, kerb)
			vehicle(pic, detect.Box{X: stand.X + 0.04, Y: stand.Y, W: stand.W, H: stand.H}, 1)
			return pic
		}, 0, 0.6},
		{"the camera shook", func() *decode.Picture {
			pic := shot(t, city, kerb.Add(image.Pt(5, -4)))
			vehicle(pic, detect.Box{X: stand.X - 5./768, Y: stand.Y + 4./576, W: stand.W, H: stand.H}, 1)
			return pic
		}, 0.85, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c Camera
			first := shot(t, city, kerb)
			vehicle(first, stand, 1)
			patch := look(t, &c, first).Patch(stand)
			scene := look(t, &c, test.second())
			near, known := scene.Move(stand)
			if !known {
				t.Fatal("the movement is unknown")
			}
			if _, got := scene.Match(patch, nil, near); got < test.least || got > test.most {
				t.Errorf("alike %.3f, want %.3f to %.3f", got, test.least, test.most)
			}
		})
	}
}

func TestMatchHeedsTheMask(t *testing.T) {
	city := town(t, 1)
	var c Camera
	first := shot(t, city, kerb)
	vehicle(first, stand, 1)
	patch := look(t, &c, first).Patch(stand)
	second := shot(t, city, kerb)
	vehicle(second, stand, 1)
	lower := detect.Box{X: stand.X, Y: stand.Y + stand.H/2, W: stand.W, H: stand.H / 2}
	vehicle(second, lower, 5)
	scene := look(t, &c, second)
	var upper detect.Mask
	for i := range len(upper) / 2 {
		upper[i] = i < len(upper)/2-2*detect.PatchSide
	}
	_, whole := scene.Match(patch, nil, stand)
	_, half := scene.Match(patch, &upper, stand)
	if whole > 0.8 || half < 0.95 {
		t.Errorf("alike %.2f as a whole and %.2f where nothing hides it, want little and much", whole, half)
	}
	if _, none := scene.Match(patch, new(detect.Mask), stand); none != 0 {
		t.Errorf("alike %.2f where nothing can be compared, want 0", none)
	}
	if _, wrong := scene.Match(patch[:10], nil, stand); wrong != 0 {
		t.Errorf("alike %.2f to a patch of another size, want 0", wrong)
	}
}

// TestTurnedAway follows a camera that is turned to another street and back.
func TestTurnedAway(t *testing.T) {
	here, elsewhere := town(t, 1), town(t, 2)
	var c Camera
	look(t, &c, shot(t, here, kerb))
	if look(t, &c, shot(t, elsewhere, kerb)).Known() {
		t.Error("another street was taken for this one")
	}
	if scene := look(t, &c, shot(t, here, kerb)); !scene.Known() {
		t.Error("back after one look, the camera does not know its street")
	}
	for i := range maxLost + 1 {
		if look(t, &c, shot(t, elsewhere, kerb)).Known() {
			t.Errorf("look %d: another street was taken for this one", i)
		}
	}
	if !look(t, &c, shot(t, elsewhere, kerb)).Known() {
		t.Error("the camera does not settle on the other street")
	}
	if scene := look(t, &c, grey(t, 400, 300)); scene.Known() {
		t.Error("a picture of another size was compared")
	}
}

// TestCovered holds a hand before the lens, for longer than a turn would last.
func TestCovered(t *testing.T) {
	street := town(t, 1)
	var c Camera
	look(t, &c, shot(t, street, kerb))
	size := shot(t, street, kerb).Size()
	for i := range 5 * maxLost {
		if look(t, &c, grey(t, size.X, size.Y)).Known() {
			t.Fatalf("look %d: a covered lens was taken for a street", i)
		}
	}
	if !look(t, &c, shot(t, street, kerb)).Known() {
		t.Error("uncovered, the camera does not know its street")
	}
}

// TestLargeVehicleInAnEmptyLot: what fills the picture and moves is not the
// camera.
func TestLargeVehicleInAnEmptyLot(t *testing.T) {
	lot := func(x float64) *decode.Picture {
		pic := grey(t, 768, 576)
		random := rand.New(rand.NewPCG(1, 1))
		for range 3000 { // asphalt
			p := image.Pt(random.IntN(768), random.IntN(576))
			gocv.Circle(&pic.Mat, p, 2, color.RGBA{R: 140, G: 140, B: 140}, -1)
		}
		vehicle(pic, detect.Box{X: x, Y: 0.2, W: 0.22, H: 0.6}, 3)
		return pic
	}
	var c Camera
	look(t, &c, lot(0.1))
	scene := look(t, &c, lot(0.35))
	if got, known := scene.Move(stand); known && got != stand {
		t.Errorf("the ground moved with the vehicle, to %+v", got)
	}
}

func TestAlike(t *testing.T) {
	ramp := make([]byte, detect.PatchSide*detect.PatchSide)
	inverse := make([]byte, len(ramp))
	flat := make([]byte, len(ramp))
	for i := range ramp {
		ramp[i] = byte(i % detect.PatchSide * 4)
		inverse[i] = 255 - ramp[i]
		flat[i] = 99
	}
	tests := []struct {
		name string
		a, b []byte
		want float64
	}{
		{"equal", ramp, ramp, 1},
		{"inverse", ramp, inverse, -1},
		{"flat and flat", flat, flat, 1},
		{"flat and not", flat, ramp, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := alike(test.a, test.b, nil); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("alike %v, want %v", got, test.want)
			}
		})
	}
}

func BenchmarkLook(b *testing.B) {
	mat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(110, 115, 120, 0), 1080, 1920, gocv.MatTypeCV8UC3)
	random := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		x, y := random.IntN(1920), random.IntN(1080)
		gocv.Rectangle(&mat, image.Rect(x, y, x+30, y+20), color.RGBA{R: uint8(random.IntN(256))}, -1)
	}
	pic := &decode.Picture{Mat: mat}
	defer pic.Close()
	var c Camera
	for b.Loop() {
		scene, err := c.Look(pic)
		if err != nil {
			b.Fatal(err)
		}
		scene.Match(scene.Patch(stand), nil, stand)
	}
}
