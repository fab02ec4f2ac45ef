package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/ingest"
	"tidewatch/rescue"
)

// post is where one camera is watched from, for as long as the process lives.
// The work there may end in a panic. The other cameras then go on, and after a
// pause it begins anew with what lies on disk: open stops keep their beginning.
type post struct {
	ingest.Camera
	// begin makes the work, with the stops that the work before has left.
	begin func() (*camera, error)
	// monitor makes what tells how the camera fares while there is no work.
	monitor func() *ingest.Monitor
	now     func() time.Time // by which its pictures are stamped
	pauses  pauses
	panics  prometheus.Counter
	log     *slog.Logger

	fresh *camera // made, and not yet run
	work  atomic.Pointer[camera]
	idle  atomic.Pointer[ingest.Monitor] // nil while there is work
}

// open makes the work that run begins with. A panic is no reason not to start:
// it may be of one camera alone, and the others are watched.
func (p *post) open() error {
	failed := p.renew()
	if rescue.From(failed) == nil {
		return failed
	}
	p.failed(failed)
	return nil
}

// renew makes new work.
func (p *post) renew() error {
	return rescue.Do(func() (err error) {
		if p.fresh, err = p.begin(); err == nil {
			p.work.Store(p.fresh)
			p.idle.Store(nil)
		}
		return err
	})
}

// run watches until ctx is done.
func (p *post) run(ctx context.Context) error { return p.pauses.again(ctx, p.watch, p.failed) }

func (p *post) watch(ctx context.Context) error {
	if p.fresh == nil {
		if err := p.renew(); err != nil {
			return err
		}
	}
	work := p.fresh
	p.fresh = nil
	return work.run(ctx)
}

// failed says that the work has ended, which officers see in words, and
// operators with all that there is to know.
func (p *post) failed(err error) {
	monitor := p.monitor()
	monitor.Report(ingest.TroubleProgram, ingest.Offline, ingest.Because(ingest.ProgramFault))
	p.idle.Store(monitor)
	tellPanic(p.log, "work on the camera failed, it begins anew after a pause", err, p.panics)
}

// tellPanic logs what ended a part of the program, and counts it if it was a
// panic.
func tellPanic(log *slog.Logger, what string, err error, panics prometheus.Counter) {
	if caught := rescue.From(err); caught != nil {
		panics.Inc()
		log = log.With("stack", string(caught.Stack))
	}
	log.Error(what, "error", err) //nolint:sloglint // each caller's message is a constant
}

// Health is how the camera fares at this moment.
func (p *post) Health() ingest.Health {
	if idle := p.idle.Load(); idle != nil {
		return idle.Health()
	}
	return p.work.Load().feed.Health()
}

// Newest is the newest whole key unit of the main stream, nil before any.
func (p *post) Newest() *ingest.Unit {
	if work := p.work.Load(); work != nil {
		return work.feed.Newest()
	}
	return nil
}

// NewestSub is the newest whole key unit of the smaller stream, nil before any.
func (p *post) NewestSub() *ingest.Unit {
	if work := p.work.Load(); work != nil {
		return work.feed.NewestSub()
	}
	return nil
}

// pauses are how long something that failed is left alone before it begins
// anew: doubled at each further failure, up to a bound.
type pauses struct{ first, longest time.Duration }

// usualPauses are short enough for a fault that comes once, and long enough for
// one that comes at once again.
var usualPauses = pauses{first: 2 * time.Second, longest: 5 * time.Minute}

// again does something until ctx is done. Each time that it ends before, failed
// is told why, and after a pause it is done again.
func (p pauses) again(ctx context.Context, do func(context.Context) error, failed func(error)) error {
	for failures := 0; ; failures++ {
		began := time.Now()
		err := rescue.Do(func() error { return do(ctx) })
		if ctx.Err() != nil && rescue.From(err) == nil {
			return ctx.Err()
		}
		failed(err)
		if time.Since(began) > p.longest {
			failures = 0 // it held for a while: this is a new fault
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(p.first<<min(failures, 10), p.longest)):
		}
	}
}
