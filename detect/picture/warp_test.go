package picture

import (
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

// signpost is a grey picture with a leaning quadrangle whose left half is red
// and whose right half is blue.
func signpost(t *testing.T) (*decode.Picture, plate.Corners) {
	t.Helper()
	mat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(128, 128, 128, 0), 200, 400, gocv.MatTypeCV8UC3)
	pic := &decode.Picture{Mat: mat}
	t.Cleanup(func() { pic.Close() })
	fill := func(c color.RGBA, points ...image.Point) {
		area := gocv.NewPointsVectorFromPoints([][]image.Point{points})
		defer area.Close()
		gocv.FillPoly(&pic.Mat, area, c)
	}
	fill(color.RGBA{R: 255, A: 255}, image.Pt(100, 50), image.Pt(200, 70), image.Pt(200, 130), image.Pt(100, 110))
	fill(color.RGBA{B: 255, A: 255}, image.Pt(200, 70), image.Pt(300, 90), image.Pt(300, 150), image.Pt(200, 130))
	return pic, plate.Corners{{X: .25, Y: .25}, {X: .75, Y: .45}, {X: .75, Y: .75}, {X: .25, Y: .55}}
}

func TestWarp(t *testing.T) {
	pic, corners := signpost(t)
	warped, err := Warp(pic, corners, image.Pt(100, 40), plate.Point{X: .1, Y: .1})
	if err != nil {
		t.Fatal(err)
	}
	defer warped.Close()
	if warped.Size() != image.Pt(100, 40) {
		t.Fatalf("size %v", warped.Size())
	}
	for _, tc := range []struct {
		name string
		x, y int
		want [3]uint8 // blue, green, red
	}{
		{"left top", 14, 7, [3]uint8{0, 0, 255}},
		{"left bottom", 14, 33, [3]uint8{0, 0, 255}},
		{"right top", 86, 7, [3]uint8{255, 0, 0}},
		{"right bottom", 86, 33, [3]uint8{255, 0, 0}},
		{"left of the middle", 46, 20, [3]uint8{0, 0, 255}},
		{"right of the middle", 54, 20, [3]uint8{255, 0, 0}},
		{"margin", 4, 20, [3]uint8{128, 128, 128}},
		{"margin above", 50, 1, [3]uint8{128, 128, 128}},
	} {
		pixel := warped.Mat.GetVecbAt(tc.y, tc.x)
		if [3]uint8(pixel) != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, pixel, tc.want)
		}
	}
}

func TestWarpBeyondTheEdge(t *testing.T) {
	pic, _ := signpost(t)
	corners := plate.Corners{{X: -.1, Y: -.1}, {X: 1.1, Y: -.1}, {X: 1.1, Y: 1.1}, {X: -.1, Y: 1.1}}
	warped, err := Warp(pic, corners, image.Pt(60, 30), plate.Point{})
	if err != nil {
		t.Fatal(err)
	}
	defer warped.Close()
	if got := [3]uint8(warped.Mat.GetVecbAt(0, 0)); got != [3]uint8{128, 128, 128} {
		t.Errorf("got %v, want the picture's edge repeated", got)
	}
}

// Each of these would end the process, or be a picture of nothing, if it went
// into OpenCV.
func TestWarpRefuses(t *testing.T) {
	pic, corners := signpost(t)
	empty := &decode.Picture{Mat: gocv.NewMat()}
	defer empty.Close()
	grey := &decode.Picture{Mat: gocv.NewMatWithSize(10, 10, gocv.MatTypeCV8UC1)}
	defer grey.Close()
	size := image.Pt(160, 48)
	inf := math.Inf(1)
	for _, tc := range []struct {
		name    string
		pic     *decode.Picture
		corners plate.Corners
		size    image.Point
		margin  plate.Point
		want    error // nil: any
	}{
		{"no picture", nil, corners, size, plate.Point{}, ErrNotPicture},
		{"empty picture", empty, corners, size, plate.Point{}, ErrNotPicture},
		{"grey picture", grey, corners, size, plate.Point{}, ErrNotPicture},
		{"no corners", pic, plate.Corners{}, size, plate.Point{}, ErrCorners},
		{"crossed corners", pic, plate.Corners{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 0, Y: 1}, {X: 1, Y: 1}}, size, plate.Point{}, ErrCorners},
		{"endless corners", pic, plate.Corners{{X: 0, Y: 0}, {X: inf, Y: 0}, {X: inf, Y: 1}, {X: 0, Y: 1}}, size, plate.Point{}, ErrCorners},
		{"corners within a pixel", pic, plate.Corners{{X: 0, Y: 0}, {X: .001, Y: 0}, {X: .001, Y: .001}, {X: 0, Y: .001}}, size, plate.Point{}, ErrCorners},
		{"no size", pic, corners, image.Point{}, plate.Point{}, nil},
		{"huge size", pic, corners, image.Pt(1<<20, 1), plate.Point{}, nil},
		{"all margin", pic, corners, size, plate.Point{X: .5}, nil},
		{"margin not a number", pic, corners, size, plate.Point{Y: math.NaN()}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			warped, err := Warp(tc.pic, tc.corners, tc.size, tc.margin)
			if err == nil {
				warped.Close()
				t.Fatal("no error")
			}
			if tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
