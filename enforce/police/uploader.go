package police

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/rescue"
)

// Config says how hard the uploader tries.
type Config struct {
	Parallel     int           // submissions at once
	FirstDelay   time.Duration // before the second attempt; doubled for each one after it
	LongestDelay time.Duration // between attempts
	Grace        time.Duration // for submissions under way when Run's context ends
}

// DefaultConfig is gentle on the platform.
func DefaultConfig() Config {
	return Config{Parallel: 3, FirstDelay: 2 * time.Second, LongestDelay: 5 * time.Minute, Grace: 10 * time.Second}
}

// Dependencies are what an uploader works with.
type Dependencies struct {
	Platform Platform
	Log      Appender
	Authors  enforce.Prover // know who wrote a decision; asked once more before each submission
	Logger   *slog.Logger
	Metrics  prometheus.Registerer
}

// Uploader submits every confirmed case of a case log. A follower feeds it the
// log from its beginning.
type Uploader struct {
	config  Config
	deps    Dependencies
	metrics metrics
	wake    chan struct{}

	mu       sync.Mutex
	ledger   enforce.Ledger
	jobs     map[string]*job            // confirmed cases, by ID
	word     map[string]enforce.Checked // the decisions that confirmed them
	running  int
	caughtUp bool
}

// New makes an uploader; nothing happens before Run.
func New(config Config, deps Dependencies) *Uploader {
	u := &Uploader{config: config, deps: deps, wake: make(chan struct{}, 1), jobs: map[string]*job{}, word: map[string]enforce.Checked{}}
	u.metrics = newMetrics(deps.Metrics, u.waiting)
	return u
}

// Apply takes the next event of the case log.
func (u *Uploader) Apply(e enforce.Checked) {
	u.mu.Lock()
	defer u.mu.Unlock()
	c, outcome := u.ledger.Apply(e) // a void event leaves the case as it was
	if c.State != enforce.StateConfirmed {
		delete(u.jobs, c.ID)
		delete(u.word, c.ID)
		return
	}
	if outcome == enforce.Applied && e.Claim().Type == enforce.Confirmed {
		u.word[c.ID] = e
	}
	if j := u.jobs[c.ID]; j != nil && u.caughtUp {
		j.c = c
		return
	}
	u.jobs[c.ID] = newJob(c)
	u.poke()
}

// CaughtUp says that the log has been read to its end as of the start. Nothing
// is uploaded before: a case confirmed on one page of the log may have its
// receipt on the next.
func (u *Uploader) CaughtUp() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.caughtUp = true
	u.poke()
}

// Run uploads until ctx ends. Submissions under way are then given the grace
// to finish, so that an answer on its way is not lost.
func (u *Uploader) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var attempts sync.WaitGroup
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		timer.Reset(u.start(work, &attempts))
		select {
		case <-ctx.Done():
		case <-u.wake:
		case <-timer.C:
		}
	}
	grace := time.AfterFunc(u.config.Grace, stop)
	defer grace.Stop()
	attempts.Wait()
	return nil
}

// start begins what is due, as far as the limit allows, and returns how long
// there is nothing to start.
func (u *Uploader) start(ctx context.Context, attempts *sync.WaitGroup) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	const idle = time.Hour
	for u.caughtUp && u.running < u.config.Parallel {
		j := u.next()
		if j == nil {
			return idle
		}
		if wait := time.Until(j.due); wait > 0 {
			return wait
		}
		j.running = true
		u.running++
		c := j.c
		attempts.Go(func() {
			defer u.rest(j)
			if err := rescue.Do(func() error { u.attempt(ctx, j, c); return nil }); err != nil {
				u.broke(j, c, err)
			}
		})
	}
	return idle
}

// next is the waiting job whose turn comes first.
func (u *Uploader) next() *job {
	var first *job
	for _, j := range u.jobs {
		if !j.running && !j.recorded && (first == nil || j.before(first)) {
			first = j
		}
	}
	return first
}

func (u *Uploader) rest(j *job) {
	u.mu.Lock()
	defer u.mu.Unlock()
	j.running = false
	u.running--
	u.poke()
}

// backed says why a case must not be submitted, although it is confirmed: the
// decision that it stands on is looked for in the bytes of the log once more.
func (u *Uploader) backed(c enforce.Case) error {
	u.mu.Lock()
	word := u.word[c.ID]
	u.mu.Unlock()
	return word.Backs(c, u.deps.Authors)
}

// current reports whether the decision that a job acts on still stands.
func (u *Uploader) current(j *job) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.jobs[j.c.ID] == j
}

func (u *Uploader) poke() {
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// delay is how long to wait after a number of failures: doubling, bounded,
// and spread over its upper half, so that cases do not come back in step.
func (c Config) delay(failures int) time.Duration {
	d := c.FirstDelay
	for range failures - 1 {
		if d >= c.LongestDelay {
			break
		}
		d *= 2
	}
	d = min(d, c.LongestDelay)
	return d - rand.N(d/2+1)
}

func (u *Uploader) waiting() float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	n := 0
	for _, j := range u.jobs {
		if !j.recorded {
			n++
		}
	}
	return float64(n)
}
