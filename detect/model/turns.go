package model

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// turns lets as many runs at once as there are cores, in the order in which
// they came. A camera waits for the result of one picture before it brings the
// next, so that none can keep others waiting for more than one run of each.
//
// Runs are not put together into batches: for these networks, on one thread, a
// batch takes as long for each picture as a run of its own, or longer
// (docs/models.md), and the first picture would wait for the last.
type turns struct {
	free    *semaphore.Weighted
	metrics *Metrics
}

func newTurns(n int, metrics *Metrics) *turns {
	return &turns{free: semaphore.NewWeighted(int64(n)), metrics: metrics}
}

// take waits for a turn and returns what ends it. The wait is not cut short: it
// is as long as the runs before, which is less than a second.
func (t *turns) take() (end func()) {
	began := time.Now()
	t.metrics.waiting.Inc()
	if err := t.free.Acquire(context.Background(), 1); err != nil {
		panic(err) // a context without an end is never done
	}
	t.metrics.waiting.Dec()
	t.metrics.queue.Observe(time.Since(began).Seconds())
	return func() { t.free.Release(1) }
}
