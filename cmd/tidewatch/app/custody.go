package app

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/stamp"
	"tidewatch/enforce/retention"
	"tidewatch/storage/kafka"
)

// custody is what becomes of evidence once its case is open: timestamps, and
// deletion by rules.
type custody struct {
	log     *kafka.Log
	stamper *stamp.Stamper // nil without an authority
	sweeper *retention.Sweeper
}

func (a *App) openCustody(context.Context) error {
	a.custody = custody{log: a.store.log}
	a.custody.sweeper = retention.New(a.cfg.Retention, retention.Dependencies{
		Files: a.files, Leaves: a.seal.log, Events: a.store.log,
		Log: logDir(a.cfg), Keys: a.seal.keys.Public, Now: time.Now, Logger: a.log, Metrics: a.registry,
	})
	if a.cfg.Evidence.TimestampURL == "" {
		return nil
	}
	a.custody.stamper = stamp.New(
		stamp.Authority{URL: a.cfg.Evidence.TimestampURL, Roots: a.cfg.Evidence.TimestampRoots, HTTP: &http.Client{}},
		stamp.Dependencies{
			Files: a.files, Leaves: a.seal.log, Events: a.store.log, Now: time.Now, Logger: a.log, Metrics: a.registry,
		})
	return nil
}

// run follows the case log until ctx is done.
func (c custody) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	caughtUp := c.sweeper.CaughtUp
	if c.stamper != nil {
		group.Go(func() error { return c.stamper.Run(ctx) })
		caughtUp = func() { c.stamper.CaughtUp(); c.sweeper.CaughtUp() }
	}
	group.Go(func() error { return c.sweeper.Run(ctx) })
	group.Go(func() error {
		return c.log.Follow(ctx, caughtUp, func(e enforce.Checked) error {
			c.sweeper.Apply(e)
			if c.stamper != nil {
				c.stamper.Apply(e)
			}
			return nil
		})
	})
	return group.Wait()
}
