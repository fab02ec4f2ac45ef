// Package audit goes over all evidence again and again, slowly, and tells of
// what is not as it was recorded: files that a disk has spoilt or somebody has
// changed or taken away, and a log of evidence that does not hold together. Where
// it was is remembered over restarts. It finds what tidewatch verify finds, days
// later, and without anybody asking.
package audit

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// Config says how fast evidence is gone over.
type Config struct {
	Rate  int           // bytes a second, at most
	Every time.Duration // from the beginning of one pass to that of the next, at least
	Again time.Duration // until what was wrong is looked at again: it may have been restored
	// Settle is how long after something seemed wrong it is looked at once more: a
	// file may just be going, as a rule says, or the log be written.
	Settle time.Duration
}

// DefaultConfig goes over 1 TB in three days.
func DefaultConfig() Config {
	return Config{Rate: 4 << 20, Every: 24 * time.Hour, Again: time.Hour, Settle: 2 * time.Second}
}

// Cases are all cases, as the case log has them.
type Cases interface {
	IDs() []string // in order
	Case(id string) (enforce.Case, bool)
}

// Dependencies are what an auditor works with.
type Dependencies struct {
	Files   proof.Files
	Cases   Cases
	Log     string // folder of the log of evidence
	Keys    proof.Keys
	State   string // file that remembers where it was
	Now     func() time.Time
	Logger  *slog.Logger
	Metrics prometheus.Registerer
}

// Auditor goes over all evidence. Health is safe for concurrent use.
type Auditor struct {
	Dependencies
	cfg      Config
	metrics  metrics
	pace     *pace
	again    time.Time // when what was wrong was last looked at again
	caughtUp chan struct{}
	once     sync.Once

	mu    sync.Mutex
	state state
}

// New makes an auditor; nothing is looked at before Run.
func New(cfg Config, d Dependencies) *Auditor {
	a := &Auditor{
		Dependencies: d, cfg: cfg, metrics: newMetrics(d.Metrics),
		pace: &pace{rate: cfg.Rate}, caughtUp: make(chan struct{}), state: loadState(d.State),
	}
	a.metrics.wrong.Set(float64(a.state.count()))
	if at := a.state.Completed; !at.IsZero() {
		a.metrics.completed.Set(float64(at.Unix()))
	}
	return a
}

// CaughtUp says that Cases knows what was in the case log at the start.
func (a *Auditor) CaughtUp() { a.once.Do(func() { close(a.caughtUp) }) }

// Run goes over all evidence until ctx is done.
func (a *Auditor) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-a.caughtUp:
	}
	for ctx.Err() == nil {
		a.begin()
		a.pass(ctx)
		a.rest(ctx)
	}
	return ctx.Err()
}

// begin begins a pass, unless a restart has interrupted one, or the rest after
// one.
func (a *Auditor) begin() {
	a.change(func(s *state) {
		if s.Began.IsZero() {
			*s = state{Began: a.Now().UTC(), Completed: s.Completed, Wrong: s.Wrong}
		}
	})
}

// pass looks at the log of evidence, then at each case from where it was.
func (a *Auditor) pass(ctx context.Context) {
	was := a.now()
	if was.Done {
		return
	}
	if !was.Log {
		a.checkLog(ctx)
	}
	for _, id := range a.Cases.IDs() {
		if id <= was.After {
			continue
		}
		if a.checkCase(ctx, id); ctx.Err() != nil {
			break // and it is looked at again
		}
		a.change(func(s *state) { s.After = id })
		a.lookAgain(ctx)
		a.saveNowAndThen()
	}
	if ctx.Err() == nil {
		a.change(func(s *state) { s.Done, s.Completed = true, a.Now().UTC() })
		a.metrics.completed.Set(float64(a.Now().Unix()))
	}
	a.save()
}

// rest waits for the next pass.
func (a *Auditor) rest(ctx context.Context) {
	next := a.now().Began.Add(a.cfg.Every)
	for ctx.Err() == nil && a.Now().Before(next) {
		sleep(ctx, min(next.Sub(a.Now()), a.cfg.Again))
		a.lookAgain(ctx)
	}
	if ctx.Err() == nil {
		a.change(func(s *state) { s.Began = time.Time{} })
	}
}

// lookAgain looks now and then at what was wrong: it may have been restored.
func (a *Auditor) lookAgain(ctx context.Context) {
	if a.Now().Sub(a.again) < a.cfg.Again {
		return
	}
	a.again = a.Now()
	for _, id := range a.now().ids() {
		if id == ofTheLog {
			a.checkLog(ctx)
		} else {
			a.checkCase(ctx, id)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
