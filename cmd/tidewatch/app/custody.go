package app

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/audit"
	"tidewatch/enforce/evidence/stamp"
	"tidewatch/enforce/retention"
	"tidewatch/rescue"
	"tidewatch/storage/kafka"
)

// custody is what becomes of evidence once its case is open: timestamps,
// deletion by rules, and a slow check that it is what was recorded.
type custody struct {
	log     *kafka.Log
	stamper *stamp.Stamper // nil without an authority
	sweeper *retention.Sweeper
	auditor *audit.Auditor
}

func (a *App) openCustody(context.Context) (err error) {
	if a.custody, err = a.openPart("custody", minor, a.newCustody); err != nil {
		return err
	}
	a.system.watch("evidence", minor, func(context.Context) error { return a.auditor.Load().Health() })
	return nil
}

// newCustody makes what learns from the case log which evidence there is.
func (a *App) newCustody(reg prometheus.Registerer) (work, error) {
	c := custody{log: a.store.log}
	c.sweeper = retention.New(a.cfg.Retention, retention.Dependencies{
		Files: a.files, Leaves: a.seal.log, Events: a.store.log,
		Log: logDir(a.cfg), Keys: a.seal.keys.Public, Now: time.Now, Logger: a.log, Metrics: reg,
	})
	slowly := audit.DefaultConfig()
	slowly.Rate = a.cfg.Evidence.CheckRate
	c.auditor = audit.New(slowly, audit.Dependencies{
		Files: a.files, Cases: c.sweeper, Log: logDir(a.cfg), Keys: a.seal.keys.Public,
		State: filepath.Join(a.cfg.Data, "audit.json"), Now: time.Now, Logger: a.log, Metrics: reg,
	})
	a.auditor.Store(c.auditor)
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
	caughtUp := func() { c.sweeper.CaughtUp(); c.auditor.CaughtUp() }
	if c.stamper != nil {
		group.Go(func() error { return c.stamper.Run(ctx) })
		caughtUp = func() { c.stamper.CaughtUp(); c.sweeper.CaughtUp(); c.auditor.CaughtUp() }
	}
	group.Go(func() error { return c.sweeper.Run(ctx) })
	group.Go(func() error { return c.auditor.Run(ctx) })
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
