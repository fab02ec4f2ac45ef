package ingest

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

// ErrUnauthorized says that a camera refuses the user name or the password.
// Trying again soon can lock the account, so a supervisor waits longer.
var ErrUnauthorized = errors.New("user name or password refused")

// SupervisorConfig says how long to wait before connecting again.
type SupervisorConfig struct {
	FirstWait        time.Duration // after the first failure; doubled at each further one
	LongestWait      time.Duration // bound of the doubling
	UnauthorizedWait time.Duration // after ErrUnauthorized
}

// DefaultSupervisorConfig is kind to cameras: they accept few connections and
// lock accounts after a handful of wrong passwords.
func DefaultSupervisorConfig() SupervisorConfig {
	return SupervisorConfig{FirstWait: 500 * time.Millisecond, LongestWait: 30 * time.Second, UnauthorizedWait: 2 * time.Minute}
}

// Supervisor keeps one camera connected and knows how it fares.
type Supervisor struct {
	cfg     SupervisorConfig
	metrics CameraMetrics
	log     *slog.Logger
	now     func() time.Time
	health  healthBook
}

// NewSupervisor returns a supervisor for one camera; log should carry the
// camera's ID.
func NewSupervisor(cfg SupervisorConfig, metrics CameraMetrics, log *slog.Logger, now func() time.Time) *Supervisor {
	s := &Supervisor{cfg: cfg, metrics: metrics, log: log, now: now}
	s.health.write(Connecting, "", now())
	return s
}

// Health is the camera's state at this moment.
func (s *Supervisor) Health() Health { return s.health.read() }

// Run runs the source again and again, with growing pauses, until ctx is done,
// and returns ctx's error. Every unit is counted and then handed to emit.
func (s *Supervisor) Run(ctx context.Context, source Source, emit func(*Unit)) error {
	s.metrics.Up.Set(0)
	defer s.metrics.Up.Set(0)
	failures := 0
	for {
		began := s.now()
		err := source.Run(ctx, func(u *Unit) {
			s.alive()
			s.metrics.count(u)
			emit(u)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if s.now().Sub(began) > s.cfg.LongestWait {
			failures = 0 // it held for a while: this is a new fault
		}
		failures++
		s.lost(err)
		if err := sleep(ctx, s.wait(failures, err)); err != nil {
			return err
		}
		s.metrics.Reconnects.Inc()
	}
}

// alive notes that a unit has come.
func (s *Supervisor) alive() {
	if s.health.write(Live, "", s.now()) {
		s.metrics.Up.Set(1)
		s.log.Info("camera live")
	}
}

// lost notes that a connection failed or ended. The same failure is logged
// once, not at each attempt.
func (s *Supervisor) lost(err error) {
	s.metrics.Up.Set(0)
	why := "the stream ended"
	if err != nil {
		why = err.Error()
	}
	if s.health.write(Offline, why, s.now()) {
		s.log.Warn("camera offline", "error", why)
	}
}

// wait is the pause after a number of failures in a row: doubled each time,
// then shortened at random by up to half, so that a hundred cameras behind one
// switch do not all come back in the same instant.
func (s *Supervisor) wait(failures int, err error) time.Duration {
	d := s.cfg.UnauthorizedWait
	if !errors.Is(err, ErrUnauthorized) {
		// Shifting by more would overflow; thirty doublings are beyond any bound.
		d = min(s.cfg.FirstWait<<min(failures-1, 30), s.cfg.LongestWait)
	}
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
