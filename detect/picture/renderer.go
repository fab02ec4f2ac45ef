package picture

import (
	"context"
	"fmt"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// evidenceQuality is the JPEG quality of evidence: higher only makes the files
// larger, the camera's own coding has lost more.
const evidenceQuality = 92

// closeUpMargin is the surrounding shown with a vehicle in a close-up, as a
// share of its box on each side.
const closeUpMargin = 0.25

// plateMargin is the surrounding shown with a plate, as a share of its width
// and height on each side: enough to see that it is whole.
const plateMargin = 0.15

// Decoder turns a key unit into a picture.
type Decoder interface {
	Decode(ctx context.Context, u *ingest.Unit) (*decode.Picture, error)
}

// Renderer shows encoded units as JPEG, for evidence.
type Renderer struct {
	Decoder Decoder
}

// Scene is the whole picture at full size.
func (r Renderer) Scene(ctx context.Context, u *ingest.Unit) ([]byte, error) {
	pic, err := r.Decoder.Decode(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("render scene: %w", err)
	}
	defer pic.Close()
	return EncodeJPEG(pic, evidenceQuality)
}

// CloseUp is the picture of a vehicle at native size, with some surrounding.
func (r Renderer) CloseUp(ctx context.Context, u *ingest.Unit, box detect.Box) ([]byte, error) {
	jpeg, err := r.part(ctx, u, box, closeUpMargin)
	if err != nil {
		return nil, fmt.Errorf("render close-up: %w", err)
	}
	return jpeg, nil
}

// Plate is the picture of a number plate at native size, not straightened: no
// pixel of it is made up.
func (r Renderer) Plate(ctx context.Context, u *ingest.Unit, corners plate.Corners) ([]byte, error) {
	if !corners.Convex() {
		return nil, fmt.Errorf("render plate: %w", ErrCorners)
	}
	least, most := corners.Bounds()
	box := detect.Box{X: least.X, Y: least.Y, W: most.X - least.X, H: most.Y - least.Y}
	jpeg, err := r.part(ctx, u, box, plateMargin)
	if err != nil {
		return nil, fmt.Errorf("render plate: %w", err)
	}
	return jpeg, nil
}

func (r Renderer) part(ctx context.Context, u *ingest.Unit, box detect.Box, margin float64) ([]byte, error) {
	pic, err := r.Decoder.Decode(ctx, u)
	if err != nil {
		return nil, err
	}
	defer pic.Close()
	cut, err := Crop(pic, box, margin)
	if err != nil {
		return nil, err
	}
	defer cut.Close()
	return EncodeJPEG(cut, evidenceQuality)
}
