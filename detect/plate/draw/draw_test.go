package draw

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"tidewatch/detect/plate"
)

var measured = sync.OnceValues(func() (*Fonts, error) { return Open(Measured) })

func fonts(t *testing.T) *Fonts {
	t.Helper()
	f, err := measured()
	if err != nil {
		t.Fatalf("drawing plates needs Debian's fonts-roboto-unhinted, fonts-opendin and fonts-noto-cjk: %v", err)
	}
	return f
}

func TestEveryStyle(t *testing.T) {
	for _, style := range Styles {
		t.Run(style.Name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			for range 20 {
				p := style.Random(random)
				if !slices.Contains(plate.Parse(p.Text), style.Kind) {
					t.Fatalf("%s is no text of a %s plate", p.Text, style.Kind)
				}
				flat, err := fonts(t).Draw(random, p)
				if err != nil {
					t.Fatal(err)
				}
				if size := flat.Bounds().Size(); size != style.layout.size {
					t.Fatalf("drawn %v, want %v", size, style.layout.size)
				}
				for i, b := range style.layout.characters {
					if !written(flat, b) {
						t.Errorf("%s: character %d is not there", p.Text, i)
					}
				}
			}
		})
	}
}

// written reports whether a box holds dark and bright.
func written(pic *image.RGBA, b box) bool {
	low, high := 255, 0
	for y := int(b.y); y < int(b.y+b.h); y++ {
		for x := int(b.x); x < int(b.x+b.w); x++ {
			p := pic.RGBAAt(x, y)
			light := (int(p.R) + int(p.G) + int(p.B)) / 3
			low, high = min(low, light), max(high, light)
		}
	}
	return high-low > 60
}

func TestEveryCharacterStandsOnThePlate(t *testing.T) {
	for _, style := range Styles {
		size := style.layout.size
		for i, b := range style.layout.characters {
			if b.x < 10 || b.y < 10 || b.x+b.w > float64(size.X-10) || b.y+b.h > float64(size.Y-10) {
				t.Errorf("%s: character %d at %v leaves the plate", style.Name, i, b)
			}
			if i > 0 && b.y == style.layout.characters[i-1].y && b.x < style.layout.characters[i-1].x+style.layout.characters[i-1].w {
				t.Errorf("%s: character %d overlaps the one before", style.Name, i)
			}
		}
	}
}

func TestSameSeedSamePicture(t *testing.T) {
	see := func(seed uint64) []byte {
		random := rand.New(rand.NewPCG(seed, 0))
		flat, err := fonts(t).Draw(random, Styles[0].Random(random))
		if err != nil {
			t.Fatal(err)
		}
		seen, err := See(flat, Street(random))
		if err != nil {
			t.Fatal(err)
		}
		return seen.Pix
	}
	if !bytes.Equal(see(5), see(5)) {
		t.Error("one seed gave two pictures")
	}
	if bytes.Equal(see(5), see(6)) {
		t.Error("two seeds gave one picture")
	}
}

func TestCut(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		p := Styles[0].Random(random)
		look, left := Street(random).Cut(random, p)
		if n := len([]rune(left)); n < 4 || n > 6 || !strings.Contains(p.Text, left) {
			t.Fatalf("%q is left of %s", left, p.Text)
		}
		if (look.Left > 0) == (look.Right > 0) || (look.Left > 0) != strings.HasSuffix(p.Text, left) {
			t.Fatalf("%q is left of %s, cut off %.2f on the left, %.2f on the right", left, p.Text, look.Left, look.Right)
		}
		flat, err := fonts(t).Draw(random, p)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := See(flat, look)
		if err != nil {
			t.Fatal(err)
		}
		if w := seen.Bounds().Dx(); w >= look.Width-look.Width/20 {
			t.Fatalf("%d pixels wide, want less than %d", w, look.Width)
		}
	}
}

func TestTwoRowsAreNotCut(t *testing.T) {
	for _, style := range Styles {
		if two := style.layout.size.Y == 220; two == style.CanBeCut() {
			t.Errorf("%s: can be cut: %v", style.Name, style.CanBeCut())
		}
	}
}

func TestFontErrors(t *testing.T) {
	none := Files{Latin: []string{"/nowhere/face.ttf"}, Han: Measured.Han}
	if _, err := Open(none); !errors.Is(err, ErrFont) || !strings.Contains(err.Error(), "/nowhere/face.ttf") {
		t.Errorf("got %v, want %v naming the file", err, ErrFont)
	}
	if _, err := Open(Files{}); !errors.Is(err, ErrFont) {
		t.Errorf("no fonts: got %v", err)
	}
	random := rand.New(rand.NewPCG(1, 1))
	if _, err := fonts(t).Draw(random, Plate{Styles[0], "苏E"}); err == nil {
		t.Error("a text that is too short was drawn")
	}
	latin, err := Open(Files{Latin: Measured.Latin, Han: Measured.Latin})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := latin.Draw(random, Styles[0].Random(random)); !errors.Is(err, ErrFont) {
		t.Errorf("a font without the character: got %v", err)
	}
}

func TestCovers(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	look := Look{Width: 200, Light: 1, Contrast: 1, Tint: [3]float64{1, 1, 1}, Quality: 100}
	for _, end := range []End{First, Last} {
		for range 10 {
			p := Styles[0].Random(random)
			cover := p.CoverEnd(random, end, 0.15)
			look.Covers = []Cover{cover}
			flat, err := fonts(t).Draw(random, p)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := See(flat, look)
			if err != nil {
				t.Fatal(err)
			}
			size := seen.Bounds().Size()
			for _, tc := range []struct {
				at      float64 // of the width, from the covered end
				covered bool
			}{{0.05, true}, {0.12, true}, {0.18, false}} {
				x := int(tc.at * float64(size.X))
				if end == Last {
					x = size.X - 1 - x
				}
				if got := plain(seen, x, cover.Colour); got && !tc.covered || !got && tc.covered {
					t.Errorf("end %v, %v of the width from it: covered %v", end, tc.at, got)
				}
			}
		}
	}
}

// plain reports whether a column of a picture has one colour, all of it.
func plain(pic *image.RGBA, x int, want color.RGBA) bool {
	for y := pic.Bounds().Dy() / 10; y < pic.Bounds().Dy()*9/10; y++ {
		got := pic.RGBAAt(x, y)
		for _, off := range []int{int(got.R) - int(want.R), int(got.G) - int(want.G), int(got.B) - int(want.B)} {
			if off < -12 || off > 12 {
				return false
			}
		}
	}
	return true
}

func TestAgainIsTheSamePlateWithOtherNoise(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	flat, err := fonts(t).Draw(random, Styles[0].Random(random))
	if err != nil {
		t.Fatal(err)
	}
	look := Street(random)
	look.Dirt = 5
	first, err := See(flat, look)
	if err != nil {
		t.Fatal(err)
	}
	again, err := See(flat, look.Again(random))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first.Pix, again.Pix) {
		t.Error("the noise is the same")
	}
	off := 0
	for i := range first.Pix {
		if d := int(first.Pix[i]) - int(again.Pix[i]); d > 60 || d < -60 {
			off++
		}
	}
	if off > len(first.Pix)/100 {
		t.Errorf("%d of %d values differ as if the plate were another", off, len(first.Pix))
	}
}
