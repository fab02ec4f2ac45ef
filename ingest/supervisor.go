package ingest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"tidewatch/rescue"
)

// ErrUnauthorized says that a camera refuses the user name or the password.
// Trying again soon can lock the account, so a supervisor waits longer.
var ErrUnauthorized = NewFault(Unauthorized)

// SupervisorConfig says how long to wait before connecting again.
type SupervisorConfig struct {
	FirstWait        time.Duration // after the first failure; doubled at each further one
	LongestWait      time.Duration // bound of the doubling
	UnauthorizedWait time.Duration // bound of the doubling after ErrUnauthorized, which begins at a sixth of it
}

// DefaultSupervisorConfig is kind to cameras: they accept few connections and
// lock accounts after a handful of wrong passwords.
func DefaultSupervisorConfig() SupervisorConfig {
	return SupervisorConfig{FirstWait: 500 * time.Millisecond, LongestWait: 20 * time.Second, UnauthorizedWait: 2 * time.Minute}
}

// Supervisor keeps one stream of a camera connected, and tells the camera's
// monitor how that goes.
type Supervisor struct {
	cfg     SupervisorConfig
	kind    Kind  // of trouble that this stream has
	down    State // of the camera while the stream is away
	monitor *Monitor
	metrics StreamMetrics
	now     func() time.Time
}

// NewSupervisor returns a supervisor for one stream of a camera. A camera
// without its main stream is offline; without the smaller one it is degraded.
func NewSupervisor(cfg SupervisorConfig, stream Stream, monitor *Monitor, metrics StreamMetrics, now func() time.Time) *Supervisor {
	s := &Supervisor{cfg: cfg, kind: TroubleStream, down: Offline, monitor: monitor, metrics: metrics, now: now}
	if stream == Sub {
		s.kind, s.down = TroubleSubStream, Degraded
	}
	return s
}

// Run runs the source again and again, with growing pauses, until ctx is done,
// and returns ctx's error. Every unit is counted and then handed to emit. A
// panic, be it the source's or emit's, ends it and is returned: what emit has
// changed may be half done.
func (s *Supervisor) Run(ctx context.Context, source Source, emit func(*Unit)) error {
	s.metrics.Up.Set(0)
	defer s.metrics.Up.Set(0)
	failures, refusals := 0, 0 // in a row
	for {
		began := s.now()
		err := rescue.Do(func() error { return source.Run(ctx, s.received(emit)) })
		if rescue.From(err) != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.now().Sub(began) > s.cfg.LongestWait {
			failures = 0 // it held for a while: this is a new fault
		}
		s.lost(err)
		var wait time.Duration
		if errors.Is(err, ErrUnauthorized) {
			refusals++
			// A camera that starts may know no accounts yet; after that, be careful.
			wait = pause(s.cfg.UnauthorizedWait/6, s.cfg.UnauthorizedWait, refusals)
		} else {
			failures, refusals = failures+1, 0
			wait = pause(s.cfg.FirstWait, s.cfg.LongestWait, failures)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		s.metrics.Reconnects.Inc()
	}
}

// received is what is done with each unit of a connection. The first one ends
// the trouble that there was none; what others find wrong with the stream after
// that is theirs to end.
func (s *Supervisor) received(emit func(*Unit)) func(*Unit) {
	first := sync.OnceFunc(func() { s.monitor.Clear(s.kind) })
	return func(u *Unit) {
		s.metrics.Up.Set(1)
		first()
		s.metrics.count(u)
		emit(u)
	}
}

// lost notes that a connection failed or ended.
func (s *Supervisor) lost(err error) {
	s.metrics.Up.Set(0)
	cause := CauseOf(err)
	s.metrics.failed(string(cause.Code))
	s.monitor.Report(s.kind, s.down, cause)
	if s.kind == TroubleStream {
		s.monitor.Gone()
	}
}

// pause is how long to wait after a number of failures in a row: doubled each
// time up to a bound, then shortened at random by up to half, so that a hundred
// cameras behind one switch do not all come back in the same instant.
func pause(first, longest time.Duration, failures int) time.Duration {
	// Shifting by more would overflow; ten doublings are beyond any bound.
	d := min(first<<min(failures-1, 10), longest)
	return d - rand.N(d/2+1)
}

// sleep waits, or returns ctx's error if it is done before.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
