package model

import (
	"image"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

// TestParts asks which parts of a picture of 1280x720 are looked at, in an input
// of 640x384.
func TestParts(t *testing.T) {
	small := func(x, y float64) *zone {
		box := detect.Box{X: x, Y: y, W: .05, H: .05}
		return &zone{Zone: Zone{Box: box, Height: .05}, reach: box}
	}
	measured := small(.5, .5)
	measured.Height, measured.heights, measured.widths = 0, slices.Repeat([]float64{.05}, 5), slices.Repeat([]float64{.1}, 5)
	unknown := small(.5, .5)
	unknown.Height = 0
	lorry := small(.5, .5)
	lorry.reach = detect.Box{X: .2, Y: .4, W: .35, H: .15}
	street := &zone{Zone: Zone{Height: .05}, reach: detect.Box{Y: .1, W: 1, H: .7}}
	rect := image.Rect
	tests := []struct {
		name  string
		zones []*zone
		want  []image.Rectangle // of the input
	}{
		{"no zones", nil, nil},
		{"a small zone", []*zone{small(.5, .5)}, []image.Rectangle{rect(224, 128, 448, 256)}},
		{"its vehicles measured: longer ones", []*zone{measured}, []image.Rectangle{rect(192, 128, 480, 256)}},
		{"its vehicles not known", []*zone{unknown}, nil},
		{"of one zone they are not", []*zone{small(.1, .1), unknown}, nil},
		{"a lorry that reaches out of it", []*zone{lorry}, []image.Rectangle{rect(32, 96, 448, 256)}},
		{"in the corner", []*zone{small(0, 0)}, []image.Rectangle{rect(0, 0, 128, 64)}},
		{"two side by side", []*zone{small(.5, .5), small(.55, .5)}, []image.Rectangle{rect(224, 128, 480, 256)}},
		{"two far apart", []*zone{small(0, 0), small(.9, .9)}, []image.Rectangle{rect(0, 0, 128, 64), rect(480, 288, 640, 384)}},
		{"nearly all of the street", []*zone{street}, nil},
		{"outside the picture", []*zone{small(1.5, .5)}, nil},
		{"one of two outside the picture", []*zone{small(1.5, .5), small(.5, .5)}, nil},
	}
	whole := picture.NewLetterbox(image.Pt(1280, 720), image.Pt(640, 384))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &Camera{zones: test.zones}
			var got []image.Rectangle
			for _, part := range c.parts(whole) {
				from := image.Point{}.Sub(part.At)
				got = append(got, image.Rectangle{Min: from, Max: from.Add(part.Size)})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNarrowLooksSeeTheSame looks at the vehicles of the walkway in a part of
// the picture, and in the whole.
func TestNarrowLooksSeeTheSame(t *testing.T) {
	v := vehicles(t)
	c := v.Camera(Zone{ID: "kerb", Box: kerb.Box})
	looks := 0
	walkway(t, func(_ int, pic *decode.Picture) {
		looks++
		parts := c.parts(v.letterbox(pic.Size()))
		if known := len(parts) > 0; known != (looks > 3) {
			t.Errorf("look %d is at %d parts; two vehicles are measured in each, and five must be", looks, len(parts))
		}
		found, err := c.Find(pic)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := v.Find(pic)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range parked {
			if a, b := score(found, want), score(whole, want); a < b-0.1 || a < 0.7 {
				t.Errorf("look %d: the %s has a score of %.2f in the part, and of %.2f in the whole", looks, name, a, b)
			}
		}
		for _, d := range found {
			if len(parts) > 0 && d.Box.Covered(parts[0].View()) < 0.999 && !c.inZone(d.Box) {
				t.Errorf("look %d: %+v lies outside the part", looks, d)
			}
		}
	})
}

// score is of the vehicle that was found where one is, 0 without.
func score(found []detect.Detection, want detect.Box) (best float64) {
	for _, d := range found {
		if d.Box.IoU(want) >= 0.7 {
			best = max(best, d.Score)
		}
	}
	return best
}

// TestWhatIsCutOffIsLookedAtWhole has a zone under the rear of the van, whose
// vehicles are said to be so small that the rest of it lies outside the part.
func TestWhatIsCutOffIsLookedAtWhole(t *testing.T) {
	v := vehicles(t)
	van := parked["van"]
	rear := Zone{ID: "rear", Box: detect.Box{X: van.X, Y: van.Y + van.H/2, W: van.W / 8, H: van.H / 2}, Height: 0.01}
	walkway(t, func(second int, pic *decode.Picture) {
		c := v.Camera(rear)
		parts := c.parts(v.letterbox(pic.Size()))
		if len(parts) != 1 || !cutOff(van, parts[0].View()) {
			t.Fatalf("parts %+v do not cut the van off", parts)
		}
		found, err := c.Find(pic)
		if err != nil {
			t.Fatal(err)
		}
		if score(found, van) < 0.7 {
			t.Errorf("second %d: the van was not found whole: %+v", second, found)
		}
		if reach := c.zones[0].reach; reach.IoU(van) < 0.7 {
			t.Errorf("second %d: the next look is at what is about %+v", second, reach)
		}
	})
}

// TestVehiclesFarFromZonesAreLeftOut looks at the whole picture, as every
// sixteenth look does, with a zone in another corner.
func TestVehiclesFarFromZonesAreLeftOut(t *testing.T) {
	v := vehicles(t)
	c := v.Camera(Zone{ID: "lawn", Box: detect.Box{X: 0.1, Y: 0.8, W: 0.1, H: 0.1}, Height: 0.1})
	walkway(t, func(second int, pic *decode.Picture) {
		c.looks = wideEvery - 1
		found, err := c.Find(pic)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range parked {
			if score(found, want) > 0 {
				t.Errorf("second %d: the %s was found, which is no business of the zone's", second, name)
			}
		}
	})
}

// TestWhatShowsWholeInAnotherPartIsNotCutOff has the van stand in a zone of its
// own, and reach into what is looked at about a zone along the walkway.
func TestWhatShowsWholeInAnotherPartIsNotCutOff(t *testing.T) {
	v := vehicles(t)
	van := parked["van"]
	c := v.Camera(
		Zone{ID: "bay", Box: van, Height: 0.03},
		Zone{ID: "along", Box: detect.Box{X: 0.68, W: 0.1, H: 1}, Height: 0.03},
	)
	walkway(t, func(second int, pic *decode.Picture) {
		parts := c.parts(v.letterbox(pic.Size()))
		if len(parts) != 2 || cutOff(van, parts[0].View()) || !cutOff(van, parts[1].View()) {
			t.Fatalf("second %d: parts %+v", second, parts)
		}
		found, complete, err := c.narrow(pic, parts)
		if err != nil {
			t.Fatal(err)
		}
		if !complete || score(found, van) < 0.6 {
			t.Errorf("second %d: the van is not found in the parts: complete %v, %+v", second, complete, found)
		}
		for _, d := range found {
			if d.Box.Covered(van) >= 0.9 && d.Box.IoU(van) < 0.7 {
				t.Errorf("second %d: a piece of the van was found at %+v", second, d.Box)
			}
		}
	})
}

// TestWideLooksShowNoMore has a zone beside the van, of which a little shows in
// what is looked at: too little for it to be found there.
func TestWideLooksShowNoMore(t *testing.T) {
	v := vehicles(t)
	van := parked["van"]
	walkway(t, func(second int, pic *decode.Picture) {
		for _, looks := range []int{0, wideEvery - 1} {
			c := v.Camera(Zone{ID: "beside", Box: detect.Box{X: 0.605, Y: 0.1, W: 0.05, H: 0.05}, Height: 0.06})
			c.looks = looks
			parts := c.parts(v.letterbox(pic.Size()))
			if len(parts) != 1 {
				t.Fatalf("%d parts", len(parts))
			}
			if share := van.Covered(parts[0].View()); share == 0 || share >= leastShown {
				t.Fatalf("%.2f of the van is in view", share)
			}
			found, err := c.Find(pic)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range found {
				if d.Score >= 0.35 && d.Box.Intersect(van).Area() > 0 {
					t.Errorf("second %d, look %d: %+v shows a piece of the van", second, looks+1, d)
				}
			}
		}
	})
}

// TestQueuesShowByThree has three vans stand in line on the walkway, nearly their
// length apart, and a zone under the first.
func TestQueuesShowByThree(t *testing.T) {
	v := vehicles(t)
	of := image.Rect(650, 42, 728, 104)
	walkway(t, func(second int, pic *decode.Picture) {
		van := pic.Mat.Region(of)
		defer van.Close()
		var line []detect.Box
		for n := range 3 {
			at := of.Sub(of.Min).Add(image.Pt(40+148*n, 300))
			place := pic.Mat.Region(at)
			van.CopyTo(&place)
			place.Close()
			line = append(line, detect.Box{
				X: float64(at.Min.X) / 768, Y: float64(at.Min.Y) / 576, W: float64(at.Dx()) / 768, H: float64(at.Dy()) / 576,
			})
		}
		c := v.Camera(Zone{ID: "head", Box: line[0], Height: line[0].H})
		var found []detect.Detection
		for range enoughHeights + 1 { // the lengths of vehicles are learnt meanwhile
			var err error
			if found, err = c.Find(pic); err != nil {
				t.Fatal(err)
			}
		}
		for n, want := range line {
			if score(found, want) < 0.35 {
				t.Errorf("second %d: of the queue, van %d was not found", second, n+1)
			}
		}
	})
}

// TestBusyStreetsCostHardlyMore has looks that are all too narrow, as in traffic
// that fills the street, and then a street that is empty.
func TestBusyStreetsCostHardlyMore(t *testing.T) {
	whole := picture.Letterbox{Size: image.Pt(640, 384)}
	parts := []picture.Letterbox{{Size: image.Pt(320, 384)}}
	c := &Camera{}
	look := func(looks int, complete bool) (cost float64) {
		for range looks {
			c.looks++
			if c.looks < c.resume {
				cost++
				continue
			}
			c.spend(parts, whole, complete)
			cost += 0.5
			if !complete {
				cost++
			}
		}
		return cost / float64(looks)
	}
	look(wideEvery, false)
	if cost := look(100*wideEvery, false); cost > 1.05 {
		t.Errorf("a look that is always repeated costs %.2f of one at the whole", cost)
	}
	look(wideEvery, true)
	if cost := look(100, true); cost != 0.5 {
		t.Errorf("when the street is empty again, a look costs %.2f", cost)
	}
}

// BenchmarkNarrow is a look at a part of the picture, beside one at the whole.
func BenchmarkNarrow(b *testing.B) {
	v := vehicles(b)
	pic := blank(image.Pt(640, 360))
	defer pic.Close()
	for name, zones := range map[string][]Zone{"part": {{ID: "kerb", Box: kerb.Box, Height: 0.1}}, "whole": nil} {
		b.Run(name, func(b *testing.B) {
			c := v.Camera(zones...)
			inputs := c.parts(v.letterbox(pic.Size()))
			if len(inputs) == 0 {
				inputs = []picture.Letterbox{v.letterbox(pic.Size())}
			}
			for b.Loop() {
				if _, err := c.Find(pic); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(pixels(inputs[0])), "pixels")
		})
	}
}
