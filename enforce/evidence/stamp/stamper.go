package stamp

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// Files stores the authority's answers and holds the signatures.
type Files interface {
	Put(ctx context.Context, data io.Reader) (sha256 string, size int64, err error)
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
}

// Leaves is the log of evidence.
type Leaves interface {
	Append(ctx context.Context, leaf proof.Leaf) (index uint64, err error)
}

// Events is the case log.
type Events interface {
	Append(ctx context.Context, events ...enforce.Event) error
}

// Dependencies are what a stamper works with.
type Dependencies struct {
	Files   Files
	Leaves  Leaves
	Events  Events
	Now     func() time.Time
	Logger  *slog.Logger
	Metrics prometheus.Registerer
}

const (
	// patience bounds one question to the authority.
	patience = 30 * time.Second
	// firstPause and lastPause are between questions that fail.
	firstPause, lastPause = 5 * time.Second, 10 * time.Minute
)

// Stamper gets a timestamp for each case that has none. It follows the case
// log: Apply is called with every event, CaughtUp once those of before the
// start have been.
type Stamper struct {
	Dependencies
	authority Authority
	metrics   metrics
	pause     time.Duration // the first one

	mu       sync.Mutex
	caughtUp bool
	queue    []waiting
	wake     chan struct{}
}

// waiting is a case whose evidence is not confirmed yet.
type waiting struct{ id, signature string }

// New makes a stamper; nothing is asked before Run.
func New(authority Authority, d Dependencies) *Stamper {
	s := &Stamper{Dependencies: d, authority: authority, pause: firstPause, wake: make(chan struct{}, 1)}
	s.metrics = newMetrics(d.Metrics, s.depth)
	return s
}

// Apply takes note of an event.
func (s *Stamper) Apply(checked enforce.Checked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, proven := checked.Proven()
	switch {
	case !proven:
	case e.Type == enforce.Timestamped:
		s.forget(e.Case)
	case e.Type == enforce.Suspected && e.Violation.Evidence.Signature != "":
		s.forget(e.Case) // the event may come again
		s.queue = append(s.queue, waiting{e.Case, e.Violation.Evidence.Signature})
		s.signal()
	}
}

// CaughtUp says that what was in the case log at the start has been applied:
// which cases wait is known only then.
func (s *Stamper) CaughtUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.caughtUp = true
	s.signal()
}

func (s *Stamper) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Stamper) forget(id string) {
	s.queue = slices.DeleteFunc(s.queue, func(w waiting) bool { return w.id == id })
}

func (s *Stamper) depth() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(len(s.queue))
}

// Run gets timestamps until ctx is done. What fails is tried again, for ever.
func (s *Stamper) Run(ctx context.Context) error {
	pause := s.pause
	for ctx.Err() == nil {
		w, ok := s.next()
		if !ok {
			wait(ctx, s.wake)
			continue
		}
		err := s.stamp(ctx, w)
		switch {
		case ctx.Err() != nil:
		case err == nil && pause > s.pause:
			s.Logger.Info("evidence gets timestamps again")
			pause = s.pause
		case err != nil:
			if pause == s.pause {
				s.Logger.Warn("evidence gets no timestamp, which is tried again", "case", w.id, "error", err)
			}
			s.metrics.failures.Inc()
			s.later(w)
			wait(ctx, time.After(pause))
			pause = min(2*pause, lastPause)
		}
	}
	return ctx.Err()
}

// wait waits for a signal, or for the end.
func wait[T any](ctx context.Context, signal <-chan T) {
	select {
	case <-ctx.Done():
	case <-signal:
	}
}

func (s *Stamper) next() (w waiting, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.caughtUp || len(s.queue) == 0 {
		return w, false
	}
	return s.queue[0], true
}

// later puts a case behind the others, so that one that cannot be confirmed,
// since its signature is lost, say, does not keep them waiting.
func (s *Stamper) later(w waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.queue, w) {
		s.forget(w.id)
		s.queue = append(s.queue, w)
	}
}

// stamp gets, stores and records one timestamp, in the order in which each can
// rely on what is before it.
func (s *Stamper) stamp(ctx context.Context, w waiting) error {
	signature, err := s.read(ctx, w.signature)
	if err != nil {
		return fmt.Errorf("read signature of case %s: %w", w.id, err)
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, at, err := s.authority.Confirm(asking, signature)
	if err != nil {
		return err
	}
	sum, _, err := s.Files.Put(ctx, bytes.NewReader(answer))
	if err != nil {
		return fmt.Errorf("store timestamp of case %s: %w", w.id, err)
	}
	leaf, err := s.Leaves.Append(ctx, proof.Leaf{Kind: proof.TimestampLeaf, Case: w.id, Signature: w.signature, Timestamp: sum})
	if err != nil {
		return err
	}
	err = s.Events.Append(ctx, enforce.Event{
		ID: w.id + "/timestamped", Case: w.id, Type: enforce.Timestamped,
		At: s.Now().UTC().Truncate(time.Microsecond), Actor: "timestamps",
		Timestamp: &enforce.Timestamp{SHA256: sum, At: at, Leaf: leaf},
	})
	if err != nil {
		return fmt.Errorf("record timestamp of case %s: %w", w.id, err)
	}
	s.metrics.stamped.Inc()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(w.id)
	return nil
}

func (s *Stamper) read(ctx context.Context, sum string) ([]byte, error) {
	file, err := s.Files.Open(ctx, sum)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}
