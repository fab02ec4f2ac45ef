package decode

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"tidewatch/ingest"
)

const (
	// batch is how many units of a run are decoded before others have their turn.
	batch = 25
	// heldRun is the longest run that is decoded from its key unit for each picture,
	// of a stream whose decoder holds pictures back.
	heldRun = 300
)

// Follower decodes the pictures of one camera: key units as its pool does, and
// those between them by decoding on, in a decoder that it keeps for each stream, so
// that each unit is decoded once. The pool bounds what is decoded at once. It is
// safe for concurrent use.
type Follower struct {
	pool *Pool

	mu   sync.Mutex
	runs map[ingest.Stream]*run
	rest map[ingest.Stream]int  // key units since the run was last needed
	held map[ingest.Stream]bool // the stream's decoder holds pictures back
	most int                    // heldRun
}

// Follow returns a follower of one camera. Close it before the pool.
func (p *Pool) Follow() *Follower {
	return &Follower{pool: p, runs: map[ingest.Stream]*run{}, rest: map[ingest.Stream]int{}, held: map[ingest.Stream]bool{}, most: heldRun}
}

// Decode is Pool.Decode.
func (f *Follower) Decode(ctx context.Context, u *ingest.Unit) (*Picture, error) {
	return f.decode(ctx, u, asItIs)
}

// DecodeWithin is Pool.DecodeWithin.
func (f *Follower) DecodeWithin(ctx context.Context, u *ingest.Unit, limit image.Point) (*Picture, error) {
	return f.decode(ctx, u, fitted(limit))
}

// DecodeTo is Pool.DecodeTo.
func (f *Follower) DecodeTo(ctx context.Context, u *ingest.Unit, size image.Point) (*Picture, error) {
	return f.decode(ctx, u, exactly(size))
}

func (f *Follower) decode(ctx context.Context, u *ingest.Unit, size sizing) (*Picture, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.runs[u.Stream]
	switch {
	case len(u.Lead) == 0, r != nil && r.first == u.Lead[0] && !r.leads(u): // it has gone on already
		f.unused(u.Stream)
		return f.pool.decode(ctx, u, size)
	case f.held[u.Stream]:
		return f.whole(ctx, u, size)
	case r == nil || !r.leads(u):
		f.end(u.Stream)
		var err error
		if r, err = newRun(u.Lead[0]); err != nil {
			return nil, err
		}
		f.runs[u.Stream] = r
	}
	f.rest[u.Stream] = 0
	picture, err := f.follow(ctx, r, u, size)
	switch {
	case err == nil:
		return picture, nil
	case errors.Is(err, ErrHeld):
		f.held[u.Stream] = true
		f.end(u.Stream)
		return f.whole(ctx, u, size)
	case ctx.Err() == nil:
		f.pool.metrics.failures.Inc()
	}
	return nil, fmt.Errorf("decode on to a unit: %w", err)
}

// whole decodes all that leads to a unit, if that is not too much.
func (f *Follower) whole(ctx context.Context, u *ingest.Unit, size sizing) (*Picture, error) {
	if len(u.Lead) > f.most {
		return nil, fmt.Errorf("decode unit: %w", ErrHeld)
	}
	return f.pool.decode(ctx, u, size)
}

// follow decodes on to a unit, batch by batch.
func (f *Follower) follow(ctx context.Context, r *run, u *ingest.Unit, size sizing) (picture *Picture, err error) {
	for there := false; !there && err == nil; {
		before := r.done
		err = f.pool.turn(ctx, func() (err error) {
			if there, err = r.advance(u, batch); there && err == nil {
				picture, err = r.picture(size)
			}
			return err
		})
		f.pool.metrics.led.Add(float64(r.done - before))
	}
	return picture, err
}

// unused frees the decoder of a stream whose key units are close enough again.
func (f *Follower) unused(stream ingest.Stream) {
	const enough = 3
	if f.rest[stream]++; f.rest[stream] >= enough {
		f.end(stream)
	}
}

func (f *Follower) end(stream ingest.Stream) {
	if r := f.runs[stream]; r != nil {
		r.close()
		delete(f.runs, stream)
	}
}

// Close frees the decoders. Nothing may be decoded afterwards.
func (f *Follower) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for stream := range f.runs {
		f.end(stream)
	}
}

var errNoKey = errors.New("it is no key unit, and nothing leads to it")
