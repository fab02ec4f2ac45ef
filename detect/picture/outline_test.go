package picture

import (
	"image"
	"image/color"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/ingest/decode"
)

// plain is a picture of one shade.
func plain(t *testing.T, width, height int) *decode.Picture {
	t.Helper()
	pic := &decode.Picture{Mat: gocv.NewMatWithSizeFromScalar(gocv.NewScalar(100, 100, 100, 0), height, width, gocv.MatTypeCV8UC3)}
	t.Cleanup(func() { pic.Close() })
	return pic
}

// pixel is the colour at a point, RGB.
func pixel(pic *decode.Picture, x, y float64) [3]uint8 {
	row, column := int(y*float64(pic.Mat.Rows())), int(x*float64(pic.Mat.Cols()))
	v := pic.Mat.GetVecbAt(row, column)
	return [3]uint8{v[2], v[1], v[0]}
}

func TestDraw(t *testing.T) {
	yellow, blue := color.RGBA{R: 255, G: 220, A: 255}, color.RGBA{B: 255, G: 120, A: 255}
	square := func(x, y, side float64) [][2]float64 {
		return [][2]float64{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}
	}
	for name, size := range map[string]image.Point{"small": {320, 240}, "usual": {1280, 720}, "large": {3840, 2160}} {
		t.Run(name, func(t *testing.T) {
			pic := plain(t, size.X, size.Y)
			drawn, err := Draw(pic, []Outline{
				{Label: "kerb", Points: square(0.1, 0.1, 0.4), Colour: yellow},
				{Label: "a-name-that-is-long-and-lies-at-the-corner", Points: square(0.9, 0.9, 0.1), Colour: blue},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer drawn.Close()
			tinted := [3]uint8{100 + (255-100)/4, 100 + (220-100)/4, 75}
			for point, want := range map[[2]float64][3]uint8{
				{0.7, 0.3}:   {100, 100, 100}, // outside
				{0.15, 0.15}: tinted,          // inside
				{0.1, 0.3}:   {255, 220, 0},   // on the edge
				{0.95, 0.97}: {0, 120, 255},   // the label's ground, inside the picture
			} {
				got := pixel(drawn, point[0], point[1])
				if point[0] > 0.9 {
					got = mostly(drawn, image.Rect(size.X*7/10, size.Y*93/100, size.X, size.Y))
				}
				for i := range got {
					if math.Abs(float64(got[i])-float64(want[i])) > 3 {
						t.Errorf("at %v the colour is %v, want %v", point, got, want)
						break
					}
				}
			}
			if got := pixel(pic, 0.1, 0.3); got != [3]uint8{100, 100, 100} {
				t.Errorf("the picture itself was drawn on: %v", got)
			}
		})
	}
}

// mostly is the commonest colour of an area.
func mostly(pic *decode.Picture, area image.Rectangle) [3]uint8 {
	count := map[[3]uint8]int{}
	var best [3]uint8
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			v := pic.Mat.GetVecbAt(y, x)
			colour := [3]uint8{v[2], v[1], v[0]}
			if count[colour]++; count[colour] > count[best] && colour != ([3]uint8{100, 100, 100}) {
				best = colour
			}
		}
	}
	return best
}

func TestDrawRefusesWhatCannotBeDrawn(t *testing.T) {
	for name, test := range map[string]struct {
		points [][2]float64
		want   string
	}{
		"no area":      {[][2]float64{{0, 0}, {1, 1}}, `outline "kerb" has 2 points`},
		"outside":      {[][2]float64{{0, 0}, {1, 1}, {2, 1}}, `outline "kerb" has a point outside`},
		"not a number": {[][2]float64{{0, 0}, {1, 1}, {math.NaN(), 1}}, `outline "kerb" has a point outside`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Draw(plain(t, 64, 48), []Outline{{Label: "kerb", Points: test.points}})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
	if _, err := Draw(nil, nil); err == nil {
		t.Error("nothing was drawn on")
	}
}
