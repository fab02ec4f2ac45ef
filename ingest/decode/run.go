package decode

import (
	"context"
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"

	"tidewatch/ingest"
)

// ErrHeld says that the decoder of a stream holds each picture back until later
// ones have come, so that those between distant key units cannot be had one by one.
var ErrHeld = errors.New("the stream announces that its pictures are reordered, and its key frames are far apart")

// run decodes a stream on from a key unit, unit by unit, and converts only what is
// to be seen. It is not safe for concurrent use.
type run struct {
	*decoder
	first  *ingest.Unit // that it began with
	newest *ingest.Unit // the last that was decoded: its picture is the decoder's frame
	done   int          // units
	failed error        // nothing after this can be shown
}

func newRun(first *ingest.Unit) (*run, error) {
	d, err := newDecoder(first.Format.Codec)
	return &run{decoder: d, first: first}, err
}

// leads reports whether decoding on comes to a unit.
func (r *run) leads(u *ingest.Unit) bool { return r.first == u.Lead[0] && r.done <= len(u.Lead)+1 }

// step decodes the next unit.
func (r *run) step(u *ingest.Unit) error {
	if r.failed != nil {
		return r.failed
	}
	r.frame.Unref()
	err := r.send(u, r.newest)
	if err == nil {
		err = r.receive()
	}
	switch {
	case errors.Is(err, astiav.ErrEagain):
	case err != nil:
		r.failed = fmt.Errorf("%w: %w", ErrCorrupt, err)
	case corrupt(r.frame):
		r.failed = ErrCorrupt
	}
	r.newest, r.done = u, r.done+1
	return r.failed
}

// advance decodes up to a number of units on the way to one, and reports whether it
// is there.
func (r *run) advance(to *ingest.Unit, most int) (there bool, err error) {
	for range most {
		switch at := r.done; {
		case at > len(to.Lead):
			return true, nil
		case at == len(to.Lead):
			err = r.step(to)
		default:
			err = r.step(to.Lead[at])
		}
		if err != nil {
			return false, err
		}
	}
	return r.done > len(to.Lead), nil
}

// picture is that of the unit decoded last, in the size wanted.
func (r *run) picture(size sizing) (*Picture, error) {
	if r.frame.Width() == 0 {
		return nil, ErrHeld
	}
	return r.converter.picture(r.frame, size)
}

// drain makes a decoder that holds the last picture back give it, as its last.
func (r *run) drain() error {
	if r.frame.Width() > 0 {
		return nil
	}
	err := r.context.SendPacket(nil)
	if err == nil {
		err = r.receive()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if corrupt(r.frame) {
		return ErrCorrupt
	}
	return nil
}

// decodeRun decodes all that leads to a unit, in a decoder of its own.
func decodeRun(ctx context.Context, u *ingest.Unit, size sizing) (*Picture, error) {
	r, err := newRun(u.Lead[0])
	if err != nil {
		return nil, err
	}
	defer r.close()
	for there := false; !there; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if there, err = r.advance(u, batch); err != nil {
			return nil, err
		}
	}
	if err := r.drain(); err != nil {
		return nil, err
	}
	return r.picture(size)
}
