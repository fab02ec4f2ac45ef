package picture

import (
	"image"
	"image/color"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

func squeeze(size image.Point) spoiling {
	return func(pic *decode.Picture) { gocv.Resize(pic.Mat, &pic.Mat, size, 0, 0, gocv.InterpolationArea) }
}

// cropped keeps a part of a picture, in hundredths of its sides.
func cropped(x0, y0, x1, y1 int) spoiling {
	return func(pic *decode.Picture) {
		size := pic.Size()
		part := pic.Mat.Region(image.Rect(x0*size.X/100, y0*size.Y/100, x1*size.X/100, y1*size.Y/100))
		defer part.Close()
		gocv.Resize(part, &pic.Mat, image.Pt(352, 288), 0, 0, gocv.InterpolationArea)
	}
}

func flipped(code int) spoiling {
	return func(pic *decode.Picture) { gocv.Flip(pic.Mat, &pic.Mat, code) }
}

func turned(pic *decode.Picture) { gocv.Rotate(pic.Mat, &pic.Mat, gocv.Rotate90Clockwise) }

// barred has black bars above and below.
func barred(pic *decode.Picture) {
	size := pic.Size()
	squeeze(image.Pt(size.X, size.Y*3/4))(pic)
	gocv.CopyMakeBorder(pic.Mat, &pic.Mat, size.Y/8, size.Y/8, 0, 0, gocv.BorderConstant, color.RGBA{})
}

func TestCompare(t *testing.T) {
	city, elsewhere := town(t, 1), town(t, 2)
	here := func() *decode.Picture { return noisy(shot(t, city, kerb), 1) }
	drawn := []*decode.Picture{here()}
	others := []*decode.Picture{shot(t, elsewhere, kerb)}
	var real []*decode.Picture
	for seen, err := range film(t).Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		real = append(real, seen.Picture)
		defer seen.Picture.Close()
	}
	tests := []struct {
		name  string
		spoil []spoiling
		want  Agreement
	}{
		{"the same", nil, Agree},
		{"smaller", []spoiling{squeeze(image.Pt(352, 288))}, Agree},
		{"squeezed", []spoiling{squeeze(image.Pt(352, 480))}, Agree},
		{"smaller still, and brighter", []spoiling{squeeze(image.Pt(192, 144)), lit(0.8, 30)}, Agree},
		{"a hundredth less on each side", []spoiling{cropped(1, 1, 99, 99)}, Agree},
		{"the right three quarters", []spoiling{cropped(25, 0, 100, 75)}, Differs},
		{"nine tenths", []spoiling{cropped(5, 5, 95, 95)}, Differs},
		{"another shape, cut", []spoiling{cropped(0, 12, 100, 88)}, Differs},
		{"a quarter", []spoiling{cropped(50, 50, 100, 100)}, Differs},
		{"mirrored", []spoiling{flipped(1)}, Differs},
		{"upside down", []spoiling{flipped(-1)}, Differs},
		{"turned", []spoiling{turned}, Differs},
		{"with black bars", []spoiling{barred}, Differs},
		{"nothing but grey", []spoiling{painted(everything, 90)}, Differs},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for i, main := range append(drawn, real[0], real[len(real)/2]) {
				sub := &decode.Picture{Mat: main.Mat.Clone()}
				for _, s := range test.spoil {
					s(sub)
				}
				got, err := Compare(main, sub)
				sub.Close()
				if err != nil || got != test.want {
					t.Errorf("picture %d: %q, %v; want %q", i, got, err, test.want)
				}
			}
		})
	}
	t.Run("seconds apart, people walk", func(t *testing.T) {
		for i := range len(real) - 5 {
			if got, err := Compare(real[i+5], real[i]); err != nil || got != Agree {
				t.Errorf("looks %d and %d: %q, %v", i+5, i, got, err)
			}
		}
	})
	t.Run("another camera", func(t *testing.T) {
		for _, other := range append(others, real[0]) {
			if got, err := Compare(drawn[0], other); err != nil || got != Differs {
				t.Errorf("%q, %v", got, err)
			}
		}
	})
	t.Run("at night", func(t *testing.T) {
		for level, want := range map[float32]Agreement{0.2: Agree, 0.02: Unsure} {
			main, sub := real[0].Mat.Clone(), real[0].Mat.Clone()
			a, b := &decode.Picture{Mat: main}, &decode.Picture{Mat: sub}
			lit(level, 5)(a)
			lit(level, 5)(b)
			squeeze(image.Pt(352, 288))(b)
			got, err := Compare(noisy(a, 1), noisy(b, 2))
			if err != nil || got != want {
				t.Errorf("light %v: %q, %v; want %q", level, got, err, want)
			}
			a.Close()
			b.Close()
		}
	})
}

// BenchmarkCompare is one check of two streams, without decoding them.
func BenchmarkCompare(b *testing.B) {
	file := film(b)
	for seen, err := range file.Looks(1) {
		if err != nil {
			b.Fatal(err)
		}
		defer seen.Picture.Close()
		for name, spoil := range map[string]spoiling{"agree": squeeze(image.Pt(352, 288)), "differs": cropped(25, 0, 100, 75), "by features": cropped(4, 4, 96, 96)} {
			sub := &decode.Picture{Mat: seen.Picture.Mat.Clone()}
			defer sub.Close()
			spoil(sub)
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					if _, err := Compare(seen.Picture, sub); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		return
	}
}
