package decode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tidewatch/ingest"
)

// Alone decodes what is to be evidence, each unit in a decoder of its own, so that
// what is shown follows from the stored bytes and from nothing that a decoder saw
// before. It costs more than a Pool.
type Alone struct{ Metrics *Metrics }

// Decode returns the picture of one key unit: see Pool.Decode.
func (a Alone) Decode(ctx context.Context, u *ingest.Unit) (*Picture, error) {
	p := NewPool(1, a.Metrics)
	picture, err := p.Decode(ctx, u)
	return picture, errors.Join(err, p.Close())
}

// Pictures decodes a video from its first picture to its last and returns how
// many it shows, all of them whole: else ErrCorrupt. It keeps the video in a
// temporary file meanwhile.
func (a Alone) Pictures(ctx context.Context, video io.Reader) (shown int, err error) {
	file, err := os.CreateTemp("", "tidewatch-clip-*.mp4")
	if err != nil {
		return 0, fmt.Errorf("check video: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if _, err := io.Copy(file, video); err != nil {
		return 0, fmt.Errorf("check video: %w", err)
	}
	f, err := OpenFile(file.Name())
	if err != nil {
		return 0, fmt.Errorf("check video: %w: %w", ErrCorrupt, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.whole(ctx, &shown); err != nil {
		return shown, fmt.Errorf("check video: %w", err)
	}
	return shown, nil
}
