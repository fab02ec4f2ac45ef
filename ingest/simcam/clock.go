package simcam

import (
	"context"
	"sync"
	"time"
)

const clockRate = 90_000 // of RTP video, Hz

// longestLag is how far the wall clock may be from what the videos' own pace
// says. Up to it, frames that were held up are sent at once, late but with
// their true times; beyond it somebody set the clock or the machine slept.
const longestLag = 10 * time.Second

// clock paces all feeds of a server: frames of two feeds that are due at the
// same time are sent, and say that they were taken, at the same time.
type clock struct {
	mu    sync.Mutex
	start time.Time // when frames that are due at 0 are sent
}

func (c *clock) begin() { c.set(time.Now()) }

func (c *clock) set(start time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.start = start
}

func (c *clock) at(due time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start.Add(due)
}

// taken is the wall-clock time of a frame.
func (c *clock) taken(due time.Duration) time.Time { return wall(c.at(due)) }

// wait returns when a frame is due, or with ctx's error.
func (c *clock) wait(ctx context.Context, due time.Duration) error {
	if err := sleepUntil(ctx, c.at(due)); err != nil {
		return err
	}
	if lag := wall(time.Now()).Sub(c.taken(due)); lag.Abs() > longestLag {
		c.set(time.Now().Add(-due))
	}
	return nil
}

// wall is a time by the wall clock, which may be set, and not by the machine's
// own, by which waiting is done and which stands still while it sleeps.
func wall(t time.Time) time.Time { return t.Round(0) }

// ticks is the nearest time of the RTP clock.
func ticks(d time.Duration) int64 {
	const tick = time.Second / clockRate
	d += tick / 2
	return int64(d/time.Second)*clockRate + int64(d%time.Second)*clockRate/int64(time.Second)
}

func sleepUntil(ctx context.Context, t time.Time) error {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
