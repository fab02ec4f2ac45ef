package model

import (
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/detect/plate"
)

func TestPriors(t *testing.T) {
	all := priors(image.Pt(65, 33)) // 9x5, 5x3 and 3x2 cells
	if want := 2 * (45 + 15 + 6); len(all) != want {
		t.Fatalf("%d priors, want %d", len(all), want)
	}
	for _, tc := range []struct {
		name string
		at   int
		want prior
	}{
		{"first", 0, prior{4, 4, 24}},
		{"second side", 1, prior{4, 4, 48}},
		{"next column", 2, prior{12, 4, 24}},
		{"next row", 18, prior{4, 12, 24}},
		{"next stride", 90, prior{8, 8, 96}},
		{"last", 131, prior{80, 48, 768}},
	} {
		if all[tc.at] != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, all[tc.at], tc.want)
		}
	}
}

// noPlates are the network's outputs for an input of that size.
func noPlates(size image.Point) []Tensor {
	n := len(priors(size))
	return []Tensor{{Data: make([]float32, 4*n)}, {Data: make([]float32, 2*n)}, {Data: make([]float32, 8*n)}}
}

func TestDecodePlates(t *testing.T) {
	size := image.Pt(128, 64)
	outputs := noPlates(size)
	loc, conf, landms := outputs[0].Data, outputs[1].Data, outputs[2].Data
	put := func(at int, score float32) {
		conf[2*at], conf[2*at+1] = 1-score, score
		copy(loc[4*at:], []float32{1, -1, float32(math.Log(2) / 0.2), 0})
		// Right bottom, left bottom, left top, right top.
		copy(landms[8*at:], []float32{10, 5, -10, 5, -10, -5, 10, -5})
	}
	const column, row = 7, 3 // of 16x8 cells: centre (60,28), side 24
	at := 2 * (16*row + column)
	put(at, 0.9)
	put(at+2, 0.8) // the cell beside: the same plate
	put(0, 0.5)    // another plate, over the edge
	put(4, 0.29)   // too weak

	got, err := decodePlates(outputs, size)
	if err != nil {
		t.Fatal(err)
	}
	want := []foundPlate{
		{
			corners: plate.Corners{
				{X: 36. / 128, Y: 16. / 64},
				{X: 84. / 128, Y: 16. / 64},
				{X: 84. / 128, Y: 40. / 64},
				{X: 36. / 128, Y: 40. / 64},
			},
			box:   detect.Box{X: (62.4 - 24) / 128, Y: (25.6 - 12) / 64, W: 48. / 128, H: 24. / 64},
			score: 0.9,
		},
		{
			corners: plate.Corners{
				{X: -20. / 128, Y: -8. / 64},
				{X: 28. / 128, Y: -8. / 64},
				{X: 28. / 128, Y: 16. / 64},
				{X: -20. / 128, Y: 16. / 64},
			},
			box:   detect.Box{X: (6.4 - 24) / 128, Y: (1.6 - 12) / 64, W: 48. / 128, H: 24. / 64},
			score: 0.5,
		},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(foundPlate{}), cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDecodePlatesRefusesAnotherSize(t *testing.T) {
	size := image.Pt(128, 64)
	short := noPlates(size)
	short[2].Data = short[2].Data[8:]
	for name, outputs := range map[string][]Tensor{
		"another size": noPlates(image.Pt(64, 64)), "short corners": short, "nothing": nil,
	} {
		if got, err := decodePlates(outputs, size); err == nil {
			t.Errorf("%s: got %v, want an error", name, got)
		}
	}
}

func TestDecodePlatesIgnoresWhatIsNoNumber(t *testing.T) {
	size := image.Pt(64, 64)
	outputs := noPlates(size)
	for i := range outputs[1].Data {
		outputs[1].Data[i] = float32(math.NaN())
	}
	if got, err := decodePlates(outputs, size); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v, want no plates", got, err)
	}
}

func TestPlateTensor(t *testing.T) {
	mat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(10, 20, 30, 0), 3, 5, gocv.MatTypeCV8UC3)
	defer mat.Close()
	mat.SetUCharAt3(1, 2, 0, 250)
	got, err := plateTensor(mat)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{1, 3, 3, 5}, got.Shape); diff != "" {
		t.Errorf("shape -want +got:\n%s", diff)
	}
	for at, want := range map[int]float32{0: 10 - 104, 7: 250 - 104, 15: 20 - 117, 44: 30 - 123} {
		if got.Data[at] != want {
			t.Errorf("value %d is %v, want %v", at, got.Data[at], want)
		}
	}
}

func TestLikeness(t *testing.T) {
	at := func(x, y, score float64) foundPlate {
		return foundPlate{score: score, corners: plate.Corners{
			{X: x - .1, Y: y - .05}, {X: x + .1, Y: y - .05}, {X: x + .1, Y: y + .05}, {X: x - .1, Y: y + .05},
		}}
	}
	for _, tc := range []struct {
		name       string
		own, other foundPlate
	}{
		{"the lower", at(.5, .8, .7), at(.5, .1, .8)},
		{"the more central", at(.5, .8, .7), at(.98, .8, .9)},
		{"the surer", at(.5, .8, .9), at(.5, .8, .4)},
	} {
		if tc.own.likeness() <= tc.other.likeness() {
			t.Errorf("%s plate is not the vehicle's own", tc.name)
		}
	}
}

func TestClasses(t *testing.T) {
	index := func(r rune) int { i, _ := plate.Index(r); return i }
	for name, tc := range map[string]struct {
		dictionary string
		want       []int
	}{
		"lines ended as on Windows": {"0\r\nA\r\n皖\r\n", []int{0, index('0'), index('A'), index('皖')}},
		"last line not ended":       {"皖\nA", []int{0, index('皖'), index('A')}},
		"what no plate has":         {"·\nI\n東\nB\n", []int{0, 0, 0, 0, index('B')}},
		"a blank line keeps count":  {"A\n\nB\n", []int{0, index('A'), 0, index('B')}},
	} {
		if diff := cmp.Diff(tc.want, classes([]byte(tc.dictionary))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestTextDecode(t *testing.T) {
	network := textNetwork{classes: classes([]byte("A\n·\nB\n"))}
	a, _ := plate.Index('A')
	scores, err := network.decode(Tensor{Shape: []int64{1, 2, 5}, Data: []float32{
		.125, .5, .25, 0, .125, // none, A, dot, B, a class behind the dictionary
		1, 0, 0, 0, 0,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(scores) != 2 || scores[0][0] != .5 || scores[0][a] != .5 || scores[1][0] != 1 {
		t.Errorf("got %v", scores)
	}
	for name, out := range map[string]Tensor{
		"fewer classes":   {Shape: []int64{1, 1, 3}, Data: make([]float32, 3)},
		"two plates":      {Shape: []int64{2, 1, 5}, Data: make([]float32, 10)},
		"flat":            {Shape: []int64{5}, Data: make([]float32, 5)},
		"short of values": {Shape: []int64{1, 2, 5}, Data: make([]float32, 9)},
	} {
		if _, err := network.decode(out); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The plate lies in the left upper corner and what is right of it is 0, which
// is the grey between black and white: stretched plates are not read.
func TestTextTensor(t *testing.T) {
	for _, family := range []textFamily{textA, textB} {
		network := textNetwork{textFamily: family}
		mat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(255, 0, 51, 0), 24, 94, gocv.MatTypeCV8UC3)
		got, err := network.tensor(mat)
		mat.Close()
		if err != nil {
			t.Fatal(err)
		}
		height := int64(family.glyphs.Y)
		if diff := cmp.Diff([]int64{1, 3, height, 320}, got.Shape); diff != "" {
			t.Errorf("%s: shape -want +got:\n%s", family.model, diff)
		}
		plane := family.glyphs.Y * 320
		for c, want := range []float32{1, -1, -0.6} {
			last := c*plane + 320 + family.glyphs.X - 1
			if d := got.Data[last] - want; d > 1e-6 || d < -1e-6 {
				t.Errorf("%s: channel %d is %v, want %v", family.model, c, got.Data[last], want)
			}
			if pad := got.Data[last+1]; pad != 0 {
				t.Errorf("%s: beside the plate is %v, want 0", family.model, pad)
			}
		}
	}
}

// However dark or flat a plate is, our own network gets it with mean 0 and
// deviation 1; nothing at all stays nothing.
func TestGreyTensor(t *testing.T) {
	network := textNetwork{textFamily: ownText}
	of := func(ground, characters float64) []float32 {
		t.Helper()
		grey := func(v float64) gocv.Scalar { return gocv.NewScalar(v, v, v, 0) }
		mat := gocv.NewMatWithSizeFromScalar(grey(ground), 48, 160, gocv.MatTypeCV8UC3)
		defer mat.Close()
		half := mat.Region(image.Rect(0, 0, 80, 48))
		defer half.Close()
		half.SetTo(grey(characters))
		got, err := network.greyTensor(mat)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{1, 1, 48, 160}, got.Shape); diff != "" {
			t.Fatalf("shape -want +got:\n%s", diff)
		}
		return got.Data
	}
	for _, tc := range []struct {
		name               string
		ground, characters float64
		left, right        float32
	}{
		{"black and white", 0, 255, .5 / .52, -.5 / .52},
		{"dark characters", 204, 102, -.2 / .22, .2 / .22},
		{"nothing", 80, 80, 0, 0},
	} {
		got := of(tc.ground, tc.characters)
		if l, r := got[0]-tc.left, got[159]-tc.right; max(l, -l, r, -r) > 1e-4 {
			t.Errorf("%s: %v and %v, want %v and %v", tc.name, got[0], got[159], tc.left, tc.right)
		}
	}
}

func TestColourOf(t *testing.T) {
	// Blue, green, red.
	white, black := gocv.NewScalar(235, 240, 240, 0), gocv.NewScalar(25, 25, 25, 0)
	for _, tc := range []struct {
		name               string
		ground, characters gocv.Scalar
		want               plate.Kind
	}{
		{"blue", gocv.NewScalar(190, 70, 20, 0), white, plate.Blue},
		{"blue under a yellow lamp", gocv.NewScalar(150, 90, 10, 0), gocv.NewScalar(80, 230, 220, 0), plate.Blue},
		{"green", gocv.NewScalar(130, 205, 100, 0), black, plate.Green},
		{"yellow", gocv.NewScalar(20, 180, 230, 0), black, plate.Yellow},
		{"white", white, black, plate.White},
		{"black", black, white, plate.Black},
		{"blue at night", gocv.NewScalar(62, 60, 60, 0), white, plate.Black},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mat := gocv.NewMatWithSizeFromScalar(tc.ground, 48, 160, gocv.MatTypeCV8UC3)
			defer mat.Close()
			for x := 25; x < 140; x += 20 {
				stroke := mat.Region(image.Rect(x, 8, x+6, 40))
				stroke.SetTo(tc.characters)
				stroke.Close()
			}
			f, err := faceOf(mat)
			got := f.Colour
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}
