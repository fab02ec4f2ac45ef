package picture

import (
	"errors"
	"slices"
	"testing"

	"tidewatch/ingest/decode"
)

func TestGreyIsTheMeanOfWhatItStandsFor(t *testing.T) {
	// Blue, green and red stripes of pure colour, 4 pixels wide, in 12x4.
	var bgr []byte
	for range 4 {
		for x := range 12 {
			pixel := []byte{0, 0, 0}
			pixel[x/4] = 255
			bgr = append(bgr, pixel...)
		}
	}
	pic, err := FromBGR(bgr, 12, 4)
	if err != nil {
		t.Fatal(err)
	}
	defer pic.Close()
	small, err := NewGrey(pic, 3)
	if err != nil {
		t.Fatal(err)
	}
	if small.Width != 3 || small.Height != 1 || !slices.Equal(small.Pixels, []byte{29, 150, 76}) {
		t.Errorf("got %+v", small)
	}
	same, err := NewGrey(pic, 100)
	if err != nil || same.Width != 12 || same.Height != 4 || same.Pixels[0] != 29 || same.Pixels[47] != 76 {
		t.Errorf("a picture that is small already became %+v (%v)", same, err)
	}
	if _, err := NewGrey(&decode.Picture{}, 3); !errors.Is(err, ErrNotPicture) {
		t.Errorf("no picture gives %v", err)
	}
}

func TestFromBGRRefusesWhatDoesNotFit(t *testing.T) {
	for name, test := range map[string]struct{ bytes, width, height int }{
		"too few": {11, 2, 2}, "too many": {13, 2, 2}, "no width": {0, 0, 2}, "no height": {0, 2, 0},
		"too wide": {3 * (MaxSide + 1), MaxSide + 1, 1}, "negative": {12, -2, -2},
	} {
		if pic, err := FromBGR(make([]byte, test.bytes), test.width, test.height); !errors.Is(err, ErrNotPicture) {
			t.Errorf("%s: %v, error %v", name, pic, err)
		}
	}
}
