package picture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// wall decodes every unit to a grey picture of 200 by 100 pixels.
type wall struct{ err error }

func (w wall) Decode(context.Context, *ingest.Unit) (*decode.Picture, error) {
	if w.err != nil {
		return nil, w.err
	}
	return &decode.Picture{Mat: gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 90, 90, 0), 100, 200, gocv.MatTypeCV8UC3)}, nil
}

func TestRenderer(t *testing.T) {
	aslant := plate.Corners{{X: .4, Y: .5}, {X: .6, Y: .55}, {X: .6, Y: .7}, {X: .4, Y: .65}}
	r := Renderer{Decoder: wall{}}
	for name, tc := range map[string]struct {
		render func(context.Context) ([]byte, error)
		want   image.Point
	}{
		"scene": {func(ctx context.Context) ([]byte, error) { return r.Scene(ctx, nil) }, image.Pt(200, 100)},
		"close-up, a quarter more on each side": {func(ctx context.Context) ([]byte, error) {
			return r.CloseUp(ctx, nil, detect.Box{X: .375, Y: .25, W: .25, H: .25})
		}, image.Pt(76, 39)},
		"plate, all of it and what is round it": {func(ctx context.Context) ([]byte, error) {
			return r.Plate(ctx, nil, aslant)
		}, image.Pt(52, 26)},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := tc.render(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pic, err := jpeg.DecodeConfig(bytes.NewReader(data))
			if got := image.Pt(pic.Width, pic.Height); err != nil || got != tc.want {
				t.Errorf("picture of %v, %v; want %v", got, err, tc.want)
			}
		})
	}
}

func TestRendererSaysWhatItCannotShow(t *testing.T) {
	if _, err := (Renderer{Decoder: wall{}}).Plate(t.Context(), nil, plate.Corners{}); !errors.Is(err, ErrCorners) {
		t.Errorf("plate without corners: %v", err)
	}
	broken := errors.New("broken")
	if _, err := (Renderer{Decoder: wall{broken}}).Plate(t.Context(), nil, plate.Whole); !errors.Is(err, broken) {
		t.Errorf("plate of what cannot be decoded: %v", err)
	}
}
