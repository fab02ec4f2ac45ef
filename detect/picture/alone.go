package picture

import "tidewatch/ingest/decode"

// Alone is the scene of a picture that is compared with none before it.
func Alone(pic *decode.Picture) (*Scene, error) {
	now, err := newView(pic)
	if err != nil {
		return nil, err
	}
	return &Scene{now: now, motion: identity, known: true}, nil
}
