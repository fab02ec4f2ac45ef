package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/stamp"
	"tidewatch/enforce/retention"
	"tidewatch/rescue"
	"tidewatch/storage/kafka"
)

// custody is what becomes of evidence once its case is open: timestamps, and
// deletion by rules.
type custody struct {
	log     *kafka.Log
	stamper *stamp.Stamper // nil without an authority
	sweeper *retention.Sweeper
}

func (a *App) openCustody(context.Context) (err error) {
	a.custody, err = a.openPart("custody", minor, a.newCustody)
	return err
}

// newCustody makes what learns from the case log which evidence there is.
func (a *App) newCustody(reg prometheus.Registerer) (work, error) {
	c := custody{log: a.store.log}
	c.sweeper = retention.New(a.cfg.Retention, retention.Dependencies{
		Files: a.files, Leaves: a.seal.log, Events: a.store.log,
		Log: logDir(a.cfg), Keys: a.seal.keys.Public, Now: time.Now, Logger: a.log, Metrics: reg,
	})
	if a.cfg.Evidence.TimestampURL == "" {
		return c.run, nil
	}
	c.stamper = stamp.New(
		stamp.Authority{URL: a.cfg.Evidence.TimestampURL, Roots: a.cfg.Evidence.TimestampRoots, HTTP: &http.Client{}},
		stamp.Dependencies{
			Files: a.files, Leaves: a.seal.log, Events: a.store.log, Now: time.Now, Logger: a.log, Metrics: reg,
		})
	return c.run, nil
}

// run follows the case log until ctx is done.
func (c custody) run(ctx context.Context) error {
	group, ctx := rescue.WithContext(ctx)
	caughtUp := c.sweeper.CaughtUp
	if c.stamper != nil {
		group.Go(func() error { return c.stamper.Run(ctx) })
		caughtUp = func() { c.stamper.CaughtUp(); c.sweeper.CaughtUp() }
	}
	group.Go(func() error { return c.sweeper.Run(ctx) })
	group.Go(func() error {
		return c.log.Follow(ctx, caughtUp, func(e enforce.Event, _ kafka.Position) error {
			c.sweeper.Apply(e)
			if c.stamper != nil {
				c.stamper.Apply(e)
			}
			return nil
		})
	})
	return group.Wait()
}
