package picture

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// noisy is a picture with a camera's noise, which is different in each look.
func noisy(pic *decode.Picture, look int) *decode.Picture {
	random := rand.New(rand.NewPCG(uint64(look), 5))
	pixels, err := pic.Mat.DataPtrUint8()
	if err != nil {
		panic(err)
	}
	for range len(pixels) / 10 {
		i := random.IntN(len(pixels))
		pixels[i] = uint8(min(255, max(0, int(pixels[i])+random.IntN(7)-3)))
	}
	return pic
}

// spoiling is what is done to a look.
type spoiling func(pic *decode.Picture)

func blurred(sigma float64) spoiling {
	return func(pic *decode.Picture) {
		gocv.GaussianBlur(pic.Mat, &pic.Mat, image.Pt(0, 0), sigma, sigma, gocv.BorderDefault)
	}
}

// lit scales and lifts the brightness.
func lit(by, lift float32) spoiling {
	return func(pic *decode.Picture) { pic.Mat.ConvertToWithParams(&pic.Mat, gocv.MatTypeCV8UC3, by, lift) }
}

func painted(part image.Rectangle, shade uint8) spoiling {
	return func(pic *decode.Picture) {
		gocv.Rectangle(&pic.Mat, part, color.RGBA{R: shade, G: shade, B: shade}, -1)
	}
}

// everything is the whole of a picture, and more.
var everything = image.Rect(0, 0, 4000, 4000)

func finger(pic *decode.Picture) {
	size := pic.Size()
	gocv.Circle(&pic.Mat, image.Pt(size.X*2/5, size.Y*3/5), size.Y*3/5, color.RGBA{R: 180, G: 120, B: 110}, -1)
	blurred(8)(pic)
}

// sprayed is paint in blots that leave a part of the view free.
func sprayed(pic *decode.Picture) {
	size, random := pic.Size(), rand.New(rand.NewPCG(6, 6))
	mask := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(0, 0, 0, 0), size.Y, size.X, gocv.MatTypeCV8UC3)
	defer mask.Close()
	for range 40 {
		at := image.Pt(random.IntN(size.X*4/5), random.IntN(size.Y))
		gocv.Circle(&mask, at, size.Y/10+random.IntN(size.Y/12), color.RGBA{R: 255, G: 255, B: 255}, -1)
	}
	paint := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(40, 50, 150, 0), size.Y, size.X, gocv.MatTypeCV8UC3)
	defer paint.Close()
	single := gocv.NewMat()
	defer single.Close()
	gocv.CvtColor(mask, &single, gocv.ColorBGRToGray)
	paint.CopyToWithMask(&pic.Mat, single)
}

// truck fills the left half of the picture, with what a truck has of detail.
func truck(pic *decode.Picture) {
	size := pic.Size()
	vehicle(pic, detect.Box{X: 0, Y: 0.05, W: 0.5, H: 0.95}, 11)
	gocv.Rectangle(&pic.Mat, image.Rect(size.X/20, size.Y/5, size.X*2/5, size.Y*3/5), color.RGBA{R: 220, G: 225, B: 230}, -1)
}

// grain is the noise of what was painted before the camera, other in each look.
func grain() spoiling {
	look := 1000
	return func(pic *decode.Picture) {
		look++
		noisy(pic, look)
	}
}

func headlights(pic *decode.Picture) {
	size := pic.Size()
	for _, at := range []image.Point{{size.X / 3, size.Y / 2}, {size.X/3 + size.X/12, size.Y / 2}, {size.X * 2 / 3, size.Y * 3 / 4}} {
		gocv.Circle(&pic.Mat, at, size.Y/14, color.RGBA{R: 255, G: 255, B: 240}, -1)
	}
}

// rain is streaks, others in each look.
func rain(look int) spoiling {
	return func(pic *decode.Picture) {
		size, random := pic.Size(), rand.New(rand.NewPCG(uint64(look), 8))
		for range 400 {
			at := image.Pt(random.IntN(size.X), random.IntN(size.Y))
			gocv.Line(&pic.Mat, at, at.Add(image.Pt(3, 14)), color.RGBA{R: 170, G: 175, B: 180}, 1)
		}
	}
}

// checked plays looks to the checks of one camera.
type checked struct {
	t      *testing.T
	camera Camera
	checks *Checks
	look   int
}

func newChecked(t *testing.T) *checked { return &checked{t: t, checks: NewChecks(Memory{})} }

// sees takes the next look; pic is spoilt first.
func (c *checked) sees(pic *decode.Picture, spoil ...spoiling) Finding {
	c.t.Helper()
	for _, s := range spoil {
		s(pic)
	}
	c.look++
	return c.checks.Look(time.Unix(int64(c.look), 0), look(c.t, &c.camera, pic))
}

// expect plays a number of looks and wants the same fault in all but the first
// few of them.
func (c *checked) expect(want Fault, after, looks int, shown func(look int) *decode.Picture, spoil ...spoiling) Finding {
	c.t.Helper()
	var last Finding
	for i := range looks {
		last = c.sees(shown(c.look), spoil...)
		if i >= after && last.Fault != want {
			c.t.Fatalf("look %d: %q (%v), want %q", i, last.Fault, last.Cause(), want)
		}
	}
	return last
}

func TestChecks(t *testing.T) {
	city := town(t, 1)
	at := func(part image.Rectangle) func(int) *decode.Picture {
		return func(look int) *decode.Picture { return noisy(shot(t, city, part), look) }
	}
	still := noisy(shot(t, city, kerb), 99)
	repeated := func(int) *decode.Picture {
		pic := &decode.Picture{Mat: still.Mat.Clone()}
		t.Cleanup(func() { pic.Close() })
		return pic
	}
	tests := []struct {
		name  string
		shown func(look int) *decode.Picture
		spoil []spoiling
		want  Fault
		after int // looks until it is found
	}{
		{"nothing", at(kerb), nil, "", 0},
		{"pan by a tenth", at(kerb.Add(image.Pt(77, 0))), nil, Moved, 0},
		{"tilt", at(kerb.Add(image.Pt(0, 40))), nil, Moved, 0},
		{"zoom", at(image.Rect(300+64, 200+48, 300+768-64, 200+576-48)), nil, Moved, 0},
		{"another preset", at(image.Rect(0, 0, 384, 288)), nil, Moved, 0},
		{"bump of three pixels", at(kerb.Add(image.Pt(3, 0))), nil, "", 0},
		{"white cap", at(kerb), []spoiling{painted(everything, 200)}, Covered, 0},
		{"darkened", at(kerb), []spoiling{lit(0.06, 0)}, Dark, 0},
		{"black cap by day", at(kerb), []spoiling{painted(everything, 4)}, Covered, 0},
		{"finger", at(kerb), []spoiling{finger}, Covered, 0},
		{"spray", at(kerb), []spoiling{sprayed}, Covered, 0},
		{"slightly out of focus", at(kerb), []spoiling{blurred(2)}, Blurred, 0},
		{"far out of focus", at(kerb), []spoiling{blurred(6)}, Blurred, 0},
		{"frozen", repeated, nil, Frozen, repeats},
		{"truck in half of the picture", at(kerb), []spoiling{truck, grain()}, "", 0},
		{"cloud", at(kerb), []spoiling{lit(0.5, 0)}, "", 0},
		{"dusk", at(kerb), []spoiling{lit(0.25, 0)}, "", 0},
		{"glare", at(kerb), []spoiling{headlights}, "", 0},
		{"snow", at(kerb), []spoiling{lit(0.35, 160)}, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newChecked(t)
			c.expect("", 0, 3, at(kerb))
			found := c.expect(test.want, test.after, 8, test.shown, test.spoil...)
			if _, known := ingest.Causes[found.Cause().Code]; known != (test.want != "") {
				t.Errorf("%q is told as %v", test.want, found.Cause())
			}
			c.expect("", 0, 3, at(kerb))
		})
	}
	t.Run("rain", func(t *testing.T) {
		c := newChecked(t)
		c.expect("", 0, 5, at(kerb))
		for i := range 20 {
			if found := c.sees(at(kerb)(c.look), rain(i)); found.Fault != "" {
				t.Fatalf("look %d of rain: %q", i, found.Fault)
			}
		}
		c.expect("", 0, 5, at(kerb))
	})
	t.Run("night", func(t *testing.T) {
		c := newChecked(t)
		night := func(look int) *decode.Picture {
			pic := shot(t, city, kerb)
			lit(0.2, 0)(pic)
			return noisy(pic, look)
		}
		c.expect("", 0, 5, at(kerb))
		for step := range 20 {
			c.expect("", 0, 1, at(kerb), lit(1-0.04*float32(step), 0))
		}
		c.expect("", 0, 10, night)
		c.expect("", 0, 10, night, headlights)
		c.expect("", 0, 5, night)
		c.expect(Dark, 0, 10, night, lit(0.2, 0))
		c.expect("", 0, 5, night)
	})
}

func TestTheShiftIsMeasured(t *testing.T) {
	city := town(t, 1)
	for name, test := range map[string]struct {
		part image.Rectangle
		want float64
	}{
		"where it was":   {kerb, 0},
		"a small bump":   {kerb.Add(image.Pt(8, 0)), 8. / 768},
		"pan by a tenth": {kerb.Add(image.Pt(77, 0)), 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChecked(t)
			var found Finding
			for i := range 5 {
				c.sees(noisy(shot(t, city, kerb), i))
			}
			for i := range 8 {
				found = c.sees(noisy(shot(t, city, test.part), i))
			}
			if !found.Placed || found.Shift < test.want-0.003 || found.Shift > test.want+0.003 {
				t.Errorf("placed %v, shift %.4f, want %.4f", found.Placed, found.Shift, test.want)
			}
		})
	}
}

// A mount that sags by a pixel in three looks is noticed, since looks are held
// against the reference.
func TestCreepIsNoticed(t *testing.T) {
	city := town(t, 1)
	c := newChecked(t)
	for i := range 100 {
		x := float64(i) * 0.3
		pic := &decode.Picture{Mat: gocv.NewMat()}
		t.Cleanup(func() { pic.Close() })
		gocv.GetRectSubPix(city, image.Pt(768, 576), image.Pt(300+384+int(x), 200+288), &pic.Mat)
		found := c.sees(noisy(pic, i))
		switch {
		case x < 0.015*768 && found.Fault != "":
			t.Fatalf("shifted by %.1f pixels: %q", x, found.Fault)
		case x > 0.025*768 && found.Fault != Moved:
			t.Fatalf("shifted by %.1f pixels: %q", x, found.Fault)
		}
	}
}

// The reference of a worker before is held against a camera that was moved while
// nobody looked.
func TestTheReferenceSurvives(t *testing.T) {
	city := town(t, 1)
	before := newChecked(t)
	for i := range 5 {
		before.sees(noisy(shot(t, city, kerb), i))
	}
	if !before.checks.Grown() {
		t.Error("there is nothing to keep")
	}
	memory := before.checks.Memory()
	if before.checks.Grown() {
		t.Error("what was kept is still to be kept")
	}
	for name, test := range map[string]struct {
		memory Memory
		part   image.Rectangle
		want   Fault
	}{
		"not moved":               {memory, kerb, ""},
		"moved":                   {memory, kerb.Add(image.Pt(77, 0)), Moved},
		"looks elsewhere":         {memory, image.Rect(0, 0, 384, 288), Moved},
		"moved, and accepted":     {Memory{}, kerb.Add(image.Pt(77, 0)), ""},
		"spoilt: a new one":       {Memory{Anchors: []Anchor{{Width: 768, Height: 576, Grey: []byte{1}}}}, kerb.Add(image.Pt(77, 0)), ""},
		"spoilt usual: anew, too": {Memory{Anchors: memory.Anchors, Usual: Usual{Looks: 1}}, kerb.Add(image.Pt(77, 0)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			after := newChecked(t)
			after.checks = NewChecks(test.memory)
			for i := range 5 {
				if found := after.sees(noisy(shot(t, city, test.part), i)); found.Fault != test.want {
					t.Fatalf("look %d: %q, want %q", i, found.Fault, test.want)
				}
			}
		})
	}
}

// A smaller stream, or a camera set to another size, shows the same street.
func TestAnotherSizeIsNoFault(t *testing.T) {
	city := town(t, 1)
	c := newChecked(t)
	for i := range 10 {
		pic := noisy(shot(t, city, kerb), i)
		if i >= 5 {
			gocv.Resize(pic.Mat, &pic.Mat, image.Pt(640, 480), 0, 0, gocv.InterpolationArea)
		}
		// The look in which the size changes cannot be brought together with the
		// one before, but with the reference.
		if found := c.sees(pic); found.Fault != "" {
			t.Errorf("look %d: %q", i, found.Fault)
		}
	}
}

// film is a real street of 768x576 pixels, one look a second.
func film(tb testing.TB) *decode.File {
	tb.Helper()
	dir, err := assets.Default()
	if err != nil {
		tb.Fatal(err)
	}
	path, err := dir.Footage("vtest.avi")
	if err != nil {
		tb.Fatal(err)
	}
	file, err := decode.OpenFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { file.Close() })
	return file
}

// A camera that sees a part of the real street is turned by day, knocked, turned
// at night, and each time turned back.
func TestARealStreetFromATurnedCamera(t *testing.T) {
	home := image.Rect(20, 20, 20+640, 20+480)
	turned, knocked := home.Add(image.Pt(64, 0)), home.Add(image.Pt(3, 2))
	night := lit(0.25, 0)
	acts := []struct {
		until int // look
		part  image.Rectangle
		light spoiling
		fault Fault
		shift float64
	}{
		{10, home, nil, "", 0},
		{20, turned, nil, Moved, 0.1},
		{30, home, nil, "", 0},
		{40, knocked, nil, "", 0.0056},
		{50, home, night, "", 0},
		{60, turned, night, Moved, 0.1},
		{70, home, night, "", 0},
	}
	c := newChecked(t)
	act := 0
	for seen, err := range film(t).Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		if c.look == acts[act].until {
			if act++; act == len(acts) {
				seen.Picture.Close()
				break
			}
		}
		part := seen.Picture.Mat.Region(acts[act].part)
		pic := &decode.Picture{Mat: part.Clone()}
		part.Close()
		if acts[act].light != nil {
			acts[act].light(pic)
		}
		found, want := c.sees(pic), acts[act]
		if found.Fault != want.fault || !found.Placed || found.Shift < want.shift-0.004 || found.Shift > want.shift+0.004 {
			t.Errorf("look %d: %+v, want %q by %v", c.look, found, want.fault, want.shift)
		}
		pic.Close()
		seen.Picture.Close()
	}
	if act < len(acts)-1 {
		t.Errorf("the film ended in act %d", act)
	}
}

func TestRealStreetIsSeen(t *testing.T) {
	c := newChecked(t)
	for seen, err := range film(t).Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		if found := c.sees(seen.Picture); found.Fault != "" || !found.Placed {
			t.Errorf("%v: %+v", seen.At, found)
		}
		spoilt := NewChecks(c.checks.Memory())
		for name, test := range map[string]struct {
			spoil spoiling
			want  Fault
		}{
			"blurred": {blurred(3), Blurred}, "covered": {painted(everything, 120), Covered},
			"truck": {truck, ""}, "darkened": {lit(0.06, 0), Dark}, "cloud": {lit(0.4, 0), ""},
			"night": {lit(0.2, 0), ""},
		} {
			pic := &decode.Picture{Mat: seen.Picture.Mat.Clone()}
			test.spoil(pic)
			if found := spoilt.Look(time.Unix(int64(c.look), 0), look(t, new(Camera), pic)); found.Fault != test.want {
				t.Errorf("%v, %s: %+v", seen.At, name, found)
			}
			spoilt.usual = c.checks.Memory().Usual // the next is held against the real street again
			pic.Close()
		}
		seen.Picture.Close()
	}
	if c.look < 70 {
		t.Errorf("%d looks", c.look)
	}
}

// BenchmarkChecks is one look at a street that shows.
func BenchmarkChecks(b *testing.B) {
	file := film(b)
	var camera Camera
	var scenes []*Scene
	for seen, err := range file.Looks(1) {
		if err != nil {
			b.Fatal(err)
		}
		scene, err := camera.Look(seen.Picture)
		if err != nil {
			b.Fatal(err)
		}
		scenes = append(scenes, scene)
		seen.Picture.Close()
	}
	checks := NewChecks(Memory{})
	for i := 0; b.Loop(); i++ {
		checks.Look(time.Unix(int64(i), 0), scenes[i%len(scenes)])
	}
}
