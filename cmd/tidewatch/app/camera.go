package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"tidewatch/detect/watch"
	"tidewatch/enforce/docket"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/ring"
)

// camera is one camera on its way from the stream to the case log: units go
// into the ring, the newest key unit is decoded and looked at, and what stands
// is held against the rules.
type camera struct {
	ingest.Camera
	source     ingest.Source
	supervisor *ingest.Supervisor
	metrics    ingest.CameraMetrics
	ring       *ring.Ring
	latest     *ingest.Latest
	decoder    *decode.Pool
	watcher    *watch.Watcher
	docket     *docket.Docket
	log        *slog.Logger
}

// run works until ctx is done.
func (c *camera) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.supervisor.Run(ctx, c.source, c.receive) })
	group.Go(func() error { return c.look(ctx) })
	return group.Wait()
}

// receive takes each unit as it arrives and never waits.
func (c *camera) receive(u *ingest.Unit) {
	c.ring.Add(u)
	if u.Key && c.latest.Put(u) {
		c.metrics.Superseded.Inc()
	}
}

// look looks at the newest picture, again and again. What goes wrong with one
// picture does not end the watch; the same trouble is logged once.
func (c *camera) look(ctx context.Context) error {
	trouble := ""
	for {
		u, err := c.latest.Take(ctx)
		if err != nil {
			return err
		}
		err = c.lookAt(ctx, u)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			trouble = ""
		case err.Error() != trouble:
			trouble = err.Error()
			c.log.Warn("look failed", "error", err)
		}
	}
}

func (c *camera) lookAt(ctx context.Context, u *ingest.Unit) error {
	if u.Damaged { // counted as it arrived
		return nil
	}
	picture, err := c.decoder.Decode(ctx, u)
	if err != nil {
		return err
	}
	defer picture.Close()
	stops, err := c.watcher.Look(ctx, u.Time(c.ClockTolerance), picture, u)
	if err != nil {
		return err
	}
	if err := c.docket.Hold(ctx, stops); err != nil {
		return err
	}
	c.watcher.Settle()
	return nil
}

// clips cuts the evidence's clips from a ring.
type clips struct{ ring *ring.Ring }

// Clip implements evidence.Clips. A clip that is shorter than asked for is
// still the camera's own video.
func (c clips) Clip(w io.Writer, from, until time.Time) (*ingest.Unit, time.Duration, error) {
	clip, err := c.ring.Cut(from, until)
	if err != nil && !errors.Is(err, ring.ErrShort) {
		return nil, 0, err
	}
	return clip.Units[0], clip.Until.Sub(clip.From), ring.WriteMP4(w, clip.Units)
}
