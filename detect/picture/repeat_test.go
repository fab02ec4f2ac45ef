package picture

import (
	"image"
	"image/color"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// encoded is what is left of a picture that an encoder has been through; at
// another quality, it is another.
func encoded(t *testing.T, pic *decode.Picture, quality int) *decode.Picture {
	t.Helper()
	data, err := EncodeJPEG(pic, quality)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { back.Close() })
	return back
}

func written(pic *decode.Picture, text string, at image.Point) {
	gocv.Rectangle(&pic.Mat, image.Rect(at.X-4, at.Y-26, at.X+20*len(text), at.Y+8), color.RGBA{}, -1)
	gocv.PutText(&pic.Mat, text, at, gocv.FontHersheyDuplex, 1, color.RGBA{R: 255, G: 255, B: 255}, 2)
}

// clock is drawn over a picture, as one sees it at a look.
func clock(pic *decode.Picture, look int, at image.Point) {
	written(pic, time.Date(2026, 5, 1, 11, 59, 30, 0, time.UTC).Add(time.Duration(look)*time.Second).Format(time.TimeOnly), at)
}

func TestFrozenButForWhatIsDrawnOver(t *testing.T) {
	city := town(t, 1)
	street := func(noise int) *decode.Picture { return noisy(shot(t, city, kerb), noise) }
	// drawn is a picture that hangs, but for what is drawn over it.
	drawn := func(over func(pic *decode.Picture, look int)) func(int) *decode.Picture {
		return func(look int) *decode.Picture {
			pic := street(999)
			over(pic, look)
			return pic
		}
	}
	bottom := image.Pt(20, 560)
	tests := []struct {
		name   string
		shown  func(look int) *decode.Picture
		frozen bool
	}{
		{"a clock", drawn(func(pic *decode.Picture, look int) { clock(pic, look, bottom) }), true},
		{"a large clock above", drawn(func(pic *decode.Picture, look int) {
			clock(pic, look, image.Pt(40, 60))
			gocv.Resize(pic.Mat, &pic.Mat, image.Pt(768, 576), 0, 0, gocv.InterpolationNearestNeighbor)
		}), true},
		{"a clock, a name and a counter", drawn(func(pic *decode.Picture, look int) {
			clock(pic, look, image.Pt(20, 40))
			written(pic, "KERB 7", bottom)
			written(pic, []string{"08", "17", "26", "35"}[look%4], image.Pt(680, 560))
		}), true},
		{"a dot that blinks", drawn(func(pic *decode.Picture, look int) {
			gocv.Circle(&pic.Mat, image.Pt(700, 40), 12, color.RGBA{R: uint8(255 * (look % 2))}, -1)
		}), true},
		{"a logo that moves in its place", drawn(func(pic *decode.Picture, look int) {
			gocv.Rectangle(&pic.Mat, image.Rect(600, 20, 640, 50).Add(image.Pt(look*37%90, look*11%20)), color.RGBA{G: 255}, -1)
		}), true},
		{"two pictures in turn", func(look int) *decode.Picture { return street(look % 2) }, true},
		{"a few seconds again and again, with a clock", func(look int) *decode.Picture {
			pic := street(look % 6)
			vehicle(pic, boxAt(0.1*float64(look%6)), 5)
			clock(pic, look, bottom)
			return pic
		}, true},
		{"encoded anew in a few qualities, with a clock", func(look int) *decode.Picture {
			pic := street(999)
			clock(pic, look, bottom)
			return encoded(t, pic, 50+look*7%4)
		}, true},
		{"a clock, and the street lives", func(look int) *decode.Picture {
			pic := street(look)
			clock(pic, look, bottom)
			return pic
		}, false},
		{"poorly encoded, and the street lives", func(look int) *decode.Picture {
			pic := street(look)
			for i := range 10 { // a grey level, as a sensor has by day
				noisy(pic, 1000+10*look+i)
			}
			return encoded(t, pic, 30)
		}, false},
		{"a street without noise, through which one drives", drawn(func(pic *decode.Picture, look int) {
			vehicle(pic, boxAt(0.13*float64(look%7)), uint64(look))
		}), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newChecked(t)
			c.expect("", 0, 3, func(look int) *decode.Picture { return street(look + 500) })
			first := c.look + 1
			frozen := 0
			var found Finding
			for range 25 {
				if found = c.sees(test.shown(c.look)); found.Fault == Frozen {
					frozen++
				}
			}
			if (found.Fault == Frozen) != test.frozen || frozen > 0 != test.frozen {
				t.Fatalf("%d looks are frozen, the last is %+v", frozen, found)
			}
			if since := int(found.Since.Unix()); test.frozen && (since < first || since > first+6) {
				t.Errorf("frozen since look %d, want from look %d on", since, first)
			}
			c.expect("", lives, lives+4, func(look int) *decode.Picture { return street(look + 500) })
		})
	}
}

// TestAHungStreetUnderItsClock holds real key pictures against each other, as
// their encoder left them.
func TestAHungStreetUnderItsClock(t *testing.T) {
	var hung *decode.Picture
	c := newChecked(t)
	for seen, err := range film(t).Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		if found := c.sees(seen.Picture); found.Fault != "" {
			t.Errorf("the street, look %d: %+v", c.look, found)
		}
		if hung != nil {
			hung.Close()
		}
		hung = seen.Picture
	}
	defer hung.Close()
	for i := range 60 {
		pic := &decode.Picture{Mat: hung.Mat.Clone()}
		clock(pic, i, image.Pt(20, 560))
		if found := c.sees(pic); (found.Fault == Frozen) != (i >= repeats-1) {
			t.Errorf("hung, look %d: %+v", i, found)
		}
		pic.Close()
	}
}

// BenchmarkGlance is what one picture costs that is not looked at.
func BenchmarkGlance(b *testing.B) {
	file := film(b)
	checks := NewChecks(Memory{})
	var pics []*decode.Picture
	for seen, err := range file.Looks(1) {
		if err != nil {
			b.Fatal(err)
		}
		pics = append(pics, seen.Picture)
	}
	for i := 0; b.Loop(); i++ {
		if _, err := checks.Glance(time.Unix(int64(i), 0), pics[i%len(pics)]); err != nil {
			b.Fatal(err)
		}
	}
}

func boxAt(x float64) detect.Box { return detect.Box{X: x, Y: 0.6, W: 0.18, H: 0.2} }

// TestFrozenWithRareLooks plays key pictures that come once a minute.
func TestFrozenWithRareLooks(t *testing.T) {
	city := town(t, 1)
	c := newChecked(t)
	for i := range 12 {
		pic := noisy(shot(t, city, kerb), min(i, 4))
		clock(pic, 61*i, image.Pt(20, 560))
		found := c.checks.Look(time.Unix(int64(60*i), 0), look(t, &c.camera, pic))
		if (found.Fault == Frozen) != (i >= 4+repeats) {
			t.Errorf("look %d: %+v", i, found)
		}
	}
}
