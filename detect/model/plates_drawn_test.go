package model

import (
	"bytes"
	"image/png"
	"math/rand/v2"
	"sync"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/detect/plate/draw"
	"tidewatch/ingest/decode"
)

var plateFonts = sync.OnceValues(func() (*draw.Fonts, error) { return draw.Open(draw.Measured) })

// drawn is a plate that nobody has as a camera sees it.
func drawn(t *testing.T, random *rand.Rand, p draw.Plate, look draw.Look) *decode.Picture {
	t.Helper()
	fonts, err := plateFonts()
	if err != nil {
		t.Fatalf("drawing plates needs the fonts that make setup-test brings: %v", err)
	}
	flat, err := fonts.Draw(random, p)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := draw.See(flat, look)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := png.Encode(&file, seen); err != nil {
		t.Fatal(err)
	}
	pic, err := picture.Decode(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pic.Close() })
	return pic
}

func TestPlatesCutOffAreUnread(t *testing.T) {
	reader := plateReader(t)
	for i, style := range draw.Styles {
		if !style.CanBeCut() {
			continue
		}
		random := rand.New(rand.NewPCG(11, uint64(i)))
		for range 6 {
			p := style.Random(random)
			look, left := draw.Street(random).Cut(random, p)
			got, err := reader.ReadCrop(drawn(t, random, p, look))
			if err != nil {
				t.Fatal(err)
			}
			if got.Accepted {
				t.Errorf("%s plate %s, of which %s is left, was read as %s", style.Name, p.Text, left, got.Text)
			}
		}
	}
}

func TestTinyPlatesAreUnread(t *testing.T) {
	reader := plateReader(t)
	random := rand.New(rand.NewPCG(15, 0))
	look := draw.Look{Light: 0.9, Contrast: 1, Tint: [3]float64{1, 1, 1}, Blur: 0.2, Quality: 95}
	for width, legible := range map[int]bool{40: false, 120: true} {
		look.Width = width
		read := 0
		for range 8 {
			p := draw.Styles[0].Random(random)
			got, err := reader.ReadCrop(drawn(t, random, p, look))
			if err != nil {
				t.Fatal(err)
			}
			if got.Accepted {
				read++
			}
		}
		if legible != (read > 0) {
			t.Errorf("%d of 8 plates %d pixels wide were read", read, width)
		}
	}
}

// Most plates with two rows are read, which was so for a third of them while
// their rows were cut and joined without regard to where characters stand.
func TestTwoRowsAreRead(t *testing.T) {
	reader := plateReader(t)
	read, all := 0, 0
	for i, style := range draw.Styles {
		if style.CanBeCut() {
			continue
		}
		random := rand.New(rand.NewPCG(12, uint64(i)))
		for range 12 {
			p := style.Random(random)
			look := draw.Look{Width: 120, Light: 0.9, Contrast: 1, Tint: [3]float64{1, 1, 1}, Blur: 0.4, Quality: 90}
			got, err := reader.ReadCrop(drawn(t, random, p, look))
			if err != nil {
				t.Fatal(err)
			}
			if all++; got.Accepted && got.Text == p.Text {
				read++
			}
		}
	}
	if 2*read < all {
		t.Errorf("%d of %d plates with two rows were read", read, all)
	}
}

// Our own reader alone reads most plates of each style that show well, in fonts
// that it was not trained on: its weights and its characters fit each other.
func TestOwnReader(t *testing.T) {
	own := plateReader(t).readers[2]
	for i, style := range draw.Styles {
		if !style.CanBeCut() {
			continue // two rows are laid side by side before it sees them
		}
		random := rand.New(rand.NewPCG(16, uint64(i)))
		read := 0
		for range 8 {
			p := style.Random(random)
			look := draw.Look{Width: 120, Light: 0.9, Contrast: 1, Tint: [3]float64{1, 1, 1}, Blur: 0.4, Quality: 90}
			got, err := own.read(drawn(t, random, p, look).Mat, plate.UnknownKind)
			if err != nil {
				t.Fatal(err)
			}
			if got.Text == p.Text {
				read++
			}
		}
		if read < 6 {
			t.Errorf("%d of 8 plates of style %s were read", read, style.Name)
		}
	}
}

func TestClarity(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 0))
	p := draw.Styles[0].Random(random)
	of := func(width int, blur float64) float64 {
		look := draw.Look{Width: width, Light: 0.9, Contrast: 1, Tint: [3]float64{1, 1, 1}, Blur: blur, Quality: 95}
		pic := drawn(t, rand.New(rand.NewPCG(14, 0)), p, look)
		got, err := clarity(pic.Mat, float64(width))
		if err != nil {
			t.Fatal(err)
		}
		if !(got > 0 && got <= 1) {
			t.Errorf("%d pixels wide, blur %v: clarity %v is not of 0..1", width, blur, got)
		}
		return got
	}
	if sharp, blurred := of(160, 0.3), of(160, 2); sharp < blurred+0.1 {
		t.Errorf("sharp %.2f, blurred %.2f", sharp, blurred)
	}
	if large, small := of(160, 0.3), of(60, 0.3); large < small+0.1 {
		t.Errorf("large %.2f, small %.2f", large, small)
	}
	blank := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 40, 130, gocv.MatTypeCV8UC3)
	defer blank.Close()
	if got, err := clarity(blank, 130); err != nil || got != 0 {
		t.Errorf("of nothing %v, %v", got, err)
	}
}

func TestInPicture(t *testing.T) {
	at := func(x, y float64) plate.Corners {
		return plate.Corners{{X: x, Y: y}, {X: x + .2, Y: y}, {X: x + .2, Y: y + .1}, {X: x, Y: y + .1}}
	}
	for _, tc := range []struct {
		name    string
		corners plate.Corners
		want    bool
	}{
		{"inside", at(.4, .4), true},
		{"the whole picture", plate.Whole, true},
		{"at the edge, as far as corners are exact", at(.804, .4), true},
		{"beyond the right edge", at(.82, .4), false},
		{"beyond the left edge", at(-.02, .4), false},
		{"beyond the lower edge", at(.4, .93), false},
		{"beyond the upper edge", at(.4, -.03), false},
	} {
		if got := inPicture(tc.corners); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
}
