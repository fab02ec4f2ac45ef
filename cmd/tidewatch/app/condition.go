package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/rescue"
)

// grade says what follows from a condition that is not well.
type grade bool

const (
	grave grade = true  // cases cannot be kept or decided, or the record is in danger: readiness fails
	minor grade = false // it is shown and counted, and the system stays ready
)

// condition is something of the whole system that can be wrong: the database,
// the case log, the disk. What can be wrong with one camera is ingest.Health.
type condition struct {
	name  string // snake_case: a label of the metric
	grade grade
	check func(context.Context) error // cheap: it tells what is known, and bounds what it asks

	why   error // nil: well
	since time.Time
}

// conditions is everything that is watched of the system as a whole. One place
// decides readiness, the metric, the log and what the pages show.
type conditions struct {
	log *slog.Logger
	now func() time.Time
	bad *prometheus.GaugeVec

	looking sync.Mutex // held while checks run, which may take seconds
	mu      sync.Mutex
	list    []*condition
}

func newConditions(log *slog.Logger, reg prometheus.Registerer) *conditions {
	c := &conditions{log: log, now: time.Now, bad: prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "tidewatch_system_condition_bad",
		Help: "1 while a condition of the whole system is not well: see /readyz for why.",
	}, []string{"condition"})}
	reg.MustRegister(c.bad)
	return c
}

// watch adds a condition. Every name is used once.
func (c *conditions) watch(name string, grade grade, check func(context.Context) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bad.WithLabelValues(name).Set(0)
	c.list = append(c.list, &condition{name: name, grade: grade, check: check})
}

// checkEvery is how often conditions are checked when nobody asks.
const checkEvery = 5 * time.Second

// run checks all conditions from time to time until ctx is done.
func (c *conditions) run(ctx context.Context) error {
	for {
		c.look(ctx)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(checkEvery):
		}
	}
}

// state is a condition that is not well.
type state struct {
	Name  string    `json:"name"`
	Grave bool      `json:"grave"`
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// look checks all conditions, once, and returns those that are not well, in the
// order in which they were added.
func (c *conditions) look(ctx context.Context) []state {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	c.looking.Lock()
	defer c.looking.Unlock()
	c.mu.Lock()
	list := slices.Clone(c.list)
	c.mu.Unlock()
	for _, one := range list {
		c.note(one, rescue.Do(func() error { return one.check(ctx) }))
	}
	return c.known()
}

// known is what the last look found. It waits for no check.
func (c *conditions) known() []state {
	c.mu.Lock()
	defer c.mu.Unlock()
	bad := []state{}
	for _, one := range c.list {
		if one.why != nil {
			bad = append(bad, state{one.name, bool(one.grade), one.since.UTC(), one.why.Error()})
		}
	}
	return bad
}

// note keeps what a check found, and logs only a change.
func (c *conditions) note(one *condition, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := one.why
	one.why = why
	switch {
	case was == nil && why != nil:
		one.since = c.now()
		c.bad.WithLabelValues(one.name).Set(1)
		level := slog.LevelWarn
		if one.grade == grave {
			level = slog.LevelError
		}
		c.log.Log(context.Background(), level, "system condition is bad", "condition", one.name, "error", why)
	case was != nil && why == nil:
		c.bad.WithLabelValues(one.name).Set(0)
		c.log.Info("system condition is well again", "condition", one.name)
	}
}

// unready joins the grave conditions; nil while there are none.
func unready(bad []state) error {
	var err error
	for _, s := range bad {
		if s.Grave {
			err = errors.Join(err, fmt.Errorf("%s: %s", s.Name, s.Why))
		}
	}
	return err
}
