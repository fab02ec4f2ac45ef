package model

import (
	"encoding/csv"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/detect/plate/draw"
)

// covers are mud, green paint and something dark.
var covers = []color.RGBA{{0x6b, 0x6a, 0x66, 0xff}, {0x20, 0xa0, 0x50, 0xff}, {0x11, 0x11, 0x11, 0xff}}

// A plate of which an end is covered is read as it is or not at all.
func TestCoveredPlatesAreNotMisread(t *testing.T) {
	reader := plateReader(t)
	for i, style := range draw.Styles {
		random := rand.New(rand.NewPCG(21, uint64(i)))
		for n, end := range []draw.End{draw.Last, draw.First, draw.Last, draw.Last} {
			p := style.Random(random)
			look := draw.Street(random)
			share := 0.05 + 0.11*random.Float64()
			cover := p.CoverEnd(random, end, share)
			look.Covers = []draw.Cover{cover}
			got, err := reader.ReadCrop(drawn(t, random, p, look))
			if err != nil {
				t.Fatal(err)
			}
			if got.Accepted && got.Text != p.Text {
				t.Errorf("%s plate %s, of which %.0f %% are covered (%d, %v), was read as %s", style.Name, p.Text, 100*share, n, cover.Colour, got.Text)
			}
		}
	}
}

// A green plate without its last character is not a blue one.
func TestGreenPlatesWithoutTheirLastCharacter(t *testing.T) {
	reader := plateReader(t)
	random := rand.New(rand.NewPCG(22, 0))
	look := draw.Look{Width: 160, Light: 0.9, Contrast: 1, Tint: [3]float64{1, 1, 1}, Blur: 0.4, Quality: 90}
	for _, style := range draw.Styles {
		if style.Kind != plate.Green {
			continue
		}
		for percent := 5; percent <= 16; percent++ {
			p := style.Random(random)
			look.Covers = []draw.Cover{{
				Left: 1 - float64(percent)/100, Top: -1, Right: 2, Bottom: 2,
				Colour: covers[percent%len(covers)],
			}}
			got, err := reader.ReadCrop(drawn(t, random, p, look))
			if err != nil {
				t.Fatal(err)
			}
			if got.Accepted && got.Text != p.Text {
				t.Errorf("%s plate %s, of which %d %% are covered, was read as %s", style.Name, p.Text, percent, got.Text)
			}
		}
	}
}

// The same on real plates, where there are pictures of them: the largest of them
// was taken for a blue one in 20 of 36.
func TestRealGreenPlateWithoutItsLastCharacter(t *testing.T) {
	const folder = "../../../shared/plates"
	file, err := os.Open(filepath.Join(folder, "scenes.tsv"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no pictures of real plates in %s", folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := csv.NewReader(file)
	table.Comma = '\t'
	rows, err := table.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	reader := plateReader(t)
	for _, row := range rows[1:] {
		var box image.Rectangle
		if _, err := fmt.Sscanf(row[3], "%d,%d,%d,%d", &box.Min.X, &box.Min.Y, &box.Max.X, &box.Max.Y); err != nil {
			t.Fatal(err)
		}
		if row[2] != string(plate.Green) || box.Dx() < 200 {
			continue
		}
		for percent := 5; percent <= 16; percent++ {
			for _, cover := range covers {
				for _, text := range acceptedBehind(t, reader, filepath.Join(folder, row[0]), box, percent, cover) {
					if text != row[1] {
						t.Errorf("%d %% of %s covered with %v: read as %s", percent, row[1], cover, text)
					}
				}
			}
		}
	}
}

// acceptedBehind are the texts accepted in a picture in which the end of a plate
// is covered.
func acceptedBehind(t *testing.T, reader *PlateReader, path string, box image.Rectangle, percent int, cover color.RGBA) []string {
	t.Helper()
	pic, err := picture.DecodeFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer pic.Close()
	cut := box.Dx() * percent / 100
	gocv.Rectangle(&pic.Mat, image.Rect(box.Max.X-cut, box.Min.Y-2, box.Max.X+6, box.Max.Y+2), cover, -1)
	found, err := reader.Find(pic)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, f := range found {
		if f.Accepted {
			texts = append(texts, f.Text)
		}
	}
	return texts
}

// A province that is covered is not guessed by what most plates have.
func TestCoveredProvincesAreNotGuessed(t *testing.T) {
	reader := plateReader(t)
	random := rand.New(rand.NewPCG(23, 0))
	for _, province := range plate.Provinces() {
		p := draw.Styles[0].Random(random)
		p.Text = string(province) + strings.TrimPrefix(p.Text, string([]rune(p.Text)[:1]))
		look := draw.Street(random)
		look.Covers = []draw.Cover{p.CoverEnd(random, draw.First, 0.05+0.06*random.Float64())}
		got, err := reader.ReadCrop(drawn(t, random, p, look))
		if err != nil {
			t.Fatal(err)
		}
		if got.Accepted && got.Text != p.Text {
			t.Errorf("%s was read as %s, its characters with %.2f", p.Text, got.Text, got.Chars)
		}
	}
}

func TestShown(t *testing.T) {
	random := rand.New(rand.NewPCG(24, 0))
	for _, style := range draw.Styles {
		p := style.Random(random)
		paint := color.RGBA{110, 60, 90, 255}
		if style.Kind == plate.Black {
			paint = color.RGBA{225, 222, 215, 255}
		}
		for _, tc := range []struct {
			name        string
			covers      []draw.Cover
			left, right float64
		}{
			{"whole", nil, 0, 1},
			{"right covered", []draw.Cover{{Left: .88, Right: 2, Bottom: 2, Top: -1, Colour: paint}}, 0, .88},
			{"left covered", []draw.Cover{{Left: -1, Right: .1, Bottom: 2, Top: -1, Colour: paint}}, .1, 1},
			{"upper right corner covered", []draw.Cover{{Left: .8, Right: 2, Bottom: .12, Top: -1, Colour: paint}}, 0, 1},
		} {
			look := draw.Look{Width: 160, Light: 0.9, Contrast: 1, Tint: [3]float64{1, 1, 1}, Blur: 0.3, Quality: 95, Covers: tc.covers}
			got, err := faceOf(drawn(t, random, p, look).Mat)
			if err != nil {
				t.Fatal(err)
			}
			const near = 0.03
			if got.Left < tc.left-near || got.Left > tc.left+near || got.Right < tc.right-near || got.Right > tc.right+near {
				t.Errorf("%s, %s: from %.3f to %.3f, want %v to %v", style.Name, tc.name, got.Left, got.Right, tc.left, tc.right)
			}
			if got.Colour != style.Kind {
				t.Errorf("%s, %s: %q", style.Name, tc.name, got.Colour)
			}
		}
	}
}
