package decode

import (
	"context"
	"fmt"
	"image"
	"time"

	"tidewatch/ingest"
)

// Pool decodes units with a few decoders that all cameras share: one per
// core is enough. It is safe for concurrent use.
type Pool struct {
	free    chan *bench
	size    int
	metrics *Metrics
}

// bench is one worker's decoders, opened when first needed.
type bench map[ingest.Codec]*decoder

// NewPool returns a pool in which up to n units are decoded at once, each on
// one thread. It panics if n is not positive.
func NewPool(n int, metrics *Metrics) *Pool {
	if n < 1 {
		panic("decode: a pool needs at least one decoder")
	}
	p := &Pool{free: make(chan *bench, n), size: n, metrics: metrics}
	for range n {
		p.free <- &bench{}
	}
	return p
}

// Decode returns the picture of one unit, a key unit or one with all that leads to
// it, which must come with its parameter sets; the caller closes it. It waits for a free decoder. Bytes
// noticed not to be a whole picture give ErrCorrupt, but an H.265 picture that
// was cut off passes as whole: look at the unit's Damaged first.
func (p *Pool) Decode(ctx context.Context, u *ingest.Unit) (*Picture, error) {
	return p.decode(ctx, u, asItIs)
}

// DecodeWithin is Decode, with the picture made smaller, its shape kept, where
// it is larger than a limit: straight from the decoder's own form, which costs
// less than the whole picture does. A limit of zero is none.
func (p *Pool) DecodeWithin(ctx context.Context, u *ingest.Unit, limit image.Point) (*Picture, error) {
	return p.decode(ctx, u, fitted(limit))
}

// DecodeTo is Decode, with the picture brought to a size, whatever its shape:
// to be compared with another one.
func (p *Pool) DecodeTo(ctx context.Context, u *ingest.Unit, size image.Point) (*Picture, error) {
	return p.decode(ctx, u, exactly(size))
}

func asItIs(size image.Point) image.Point { return size }

func fitted(limit image.Point) sizing {
	return func(size image.Point) image.Point { return within(size, limit) }
}

func exactly(wanted image.Point) sizing { return func(image.Point) image.Point { return wanted } }

func (p *Pool) decode(ctx context.Context, u *ingest.Unit, size sizing) (picture *Picture, err error) {
	if u.Format == nil || !u.Key && len(u.Lead) == 0 {
		return nil, fmt.Errorf("decode unit: %w", errNoKey)
	}
	var worker *bench
	select {
	case worker = <-p.free:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	whole := false
	defer func() {
		if !whole { // a panic has left these decoders half changed: the next unit gets others
			worker = &bench{}
		}
		p.free <- worker
	}()
	began := time.Now()
	if len(u.Lead) > 0 {
		picture, err = decodeRun(ctx, u, size)
	} else {
		picture, err = worker.decode(u, size)
	}
	whole = true
	p.metrics.seconds.Observe(time.Since(began).Seconds())
	if err != nil {
		p.metrics.failures.Inc()
		return nil, fmt.Errorf("decode unit: %w", err)
	}
	return picture, nil
}

// turn does something in place of one of the pool's decoders.
func (p *Pool) turn(ctx context.Context, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case worker := <-p.free:
		defer func() { p.free <- worker }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b bench) decode(u *ingest.Unit, size sizing) (*Picture, error) {
	d := b[u.Format.Codec]
	if d == nil {
		var err error
		if d, err = newDecoder(u.Format.Codec); err != nil {
			return nil, err
		}
		b[u.Format.Codec] = d
	}
	return d.decode(u, size)
}

// Close waits for the units being decoded and frees the decoders. Nothing may
// be decoded afterwards.
func (p *Pool) Close() error {
	for range p.size {
		for _, d := range *<-p.free {
			d.close()
		}
	}
	return nil
}
