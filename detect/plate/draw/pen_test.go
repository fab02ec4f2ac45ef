package draw

import (
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"tidewatch/detect/plate"
)

// penFonts are fonts that tests have, and the pen.
func penFonts(t *testing.T) *Fonts {
	t.Helper()
	files := Measured
	files.Pen = true
	f, err := Open(files)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPenWritesWhatPlatesHave(t *testing.T) {
	to := box{10, 20, 45, 90}
	for r := rune('0'); r <= 'Z'; r++ {
		_, onPlates := plate.Index(r)
		pic := image.NewRGBA(image.Rect(0, 0, 70, 130))
		p := pen{width: 10, round: 2, random: rand.New(rand.NewPCG(1, 1))}
		if got := p.write(pic, r, to, white); got != onPlates {
			t.Errorf("%c: written %v, want %v", r, got, onPlates)
			continue
		}
		if !onPlates {
			continue
		}
		// The bare stroke of a 1 is the narrowest.
		area := inked(pic)
		if area.Dy() < 86 || area.Dy() > 94 || area.Dx() < 8 || !area.In(image.Rect(8, 18, 58, 113)) {
			t.Errorf("%c fills %v", r, area)
		}
	}
	if (pen{}).write(image.NewRGBA(image.Rect(0, 0, 9, 9)), '皖', to, white) {
		t.Error("the pen wrote a character that it does not know")
	}
}

// inked is the area of a picture that is not empty.
func inked(pic *image.RGBA) image.Rectangle {
	var area image.Rectangle
	for y := range pic.Rect.Dy() {
		for x := range pic.Rect.Dx() {
			if pic.RGBAAt(x, y) != (color.RGBA{}) {
				area = area.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return area
}

// A stencil has characters, the part that stands out, a line, and nothing else.
func TestStencil(t *testing.T) {
	fonts := penFonts(t)
	for _, style := range Styles {
		t.Run(style.Name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(4, 4))
			flat, err := fonts.Stencil(random, style.Random(random))
			if err != nil {
				t.Fatal(err)
			}
			count := map[color.RGBA]int{}
			for y := range flat.Rect.Dy() {
				for x := range flat.Rect.Dx() {
					count[flat.RGBAAt(x, y)]++
				}
			}
			if n := count[parts.characters]; n < flat.Rect.Dx()*flat.Rect.Dy()/50 {
				t.Errorf("%d pixels of characters", n)
			}
			if n := count[parts.line]; n < 2*flat.Rect.Dx() {
				t.Errorf("%d pixels of line", n)
			}
			if got, want := count[parts.marked] > 0, style.layout.marked > 0; got != want {
				t.Errorf("characters that stand out: %v, want %v", got, want)
			}
		})
	}
}

func TestPlacesAreThoseOfTheCharacters(t *testing.T) {
	for _, style := range Styles {
		places := style.Places()
		if len(places) != len([]rune(style.Text)) {
			t.Errorf("%s: %d places for %q", style.Name, len(places), style.Text)
		}
		for i, p := range places {
			if p[0] <= 0 || p[1] <= p[0] || p[1] >= 1 {
				t.Errorf("%s: character %d from %v to %v", style.Name, i, p[0], p[1])
			}
		}
	}
}
