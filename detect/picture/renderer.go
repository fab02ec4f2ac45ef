package picture

import (
	"context"
	"fmt"

	"tidewatch/detect"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// evidenceQuality is the JPEG quality of evidence: higher only makes the files
// larger, the camera's own coding has lost more.
const evidenceQuality = 92

// closeUpMargin is the surrounding shown with a vehicle in a close-up, as a
// share of its box on each side.
const closeUpMargin = 0.25

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
	pic, err := r.Decoder.Decode(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("render close-up: %w", err)
	}
	defer pic.Close()
	vehicle, err := Crop(pic, box, closeUpMargin)
	if err != nil {
		return nil, fmt.Errorf("render close-up: %w", err)
	}
	defer vehicle.Close()
	return EncodeJPEG(vehicle, evidenceQuality)
}
