package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/police"
	"tidewatch/enforce/police/viid"
	"tidewatch/rescue"
)

// policeLink is the way of confirmed cases to the police platform.
type policeLink struct {
	client   *viid.Client
	uploader *police.Uploader
}

// openPolice prepares the link; nothing is sent before Run.
func (a *App) openPolice(context.Context) (err error) {
	if a.cfg.Police == nil {
		a.log.Warn("no police platform is configured: confirmed cases wait")
		return nil
	}
	a.upload, err = a.openPart("police", minor, a.newPolice)
	return err
}

// newPolice makes the link, which learns from the case log what is to be sent.
func (a *App) newPolice(reg prometheus.Registerer) (work, error) {
	cfg := viid.DefaultConfig()
	cfg.URL, cfg.DeviceID = a.cfg.Police.URL, a.cfg.Police.DeviceID
	cfg.Username, cfg.Password = a.cfg.Police.Username, a.cfg.Police.Password
	cfg.Pictures = a.cfg.Police.Pictures
	client, err := viid.New(cfg, viid.Dependencies{Files: a.files, Logger: a.log, Metrics: reg})
	if err != nil {
		return nil, err
	}
	link := &policeLink{
		client: client,
		uploader: police.New(police.DefaultConfig(), police.Dependencies{
			Platform: client, Log: a.store.log, Authors: a.seal.authors, Logger: a.log, Metrics: reg,
		}),
	}
	a.police.Store(link)
	return func(ctx context.Context) error { return link.run(ctx, a.store) }, nil
}

// state says, for probes, how the link fares.
func (p *policeLink) state() string {
	switch {
	case p == nil:
		return "none"
	case p.client.Registered():
		return "registered"
	}
	return "not registered"
}

// run follows the case log and uploads what it says until ctx is done.
func (p *policeLink) run(ctx context.Context, s *store) error {
	group, ctx := rescue.WithContext(ctx)
	// The client stays registered until the last submission has its answer.
	registered, leave := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return p.client.Run(registered) })
	group.Go(func() error {
		defer leave()
		return p.uploader.Run(ctx)
	})
	group.Go(func() error {
		return s.log.Follow(ctx, p.uploader.CaughtUp, func(e enforce.Checked) error {
			p.uploader.Apply(e)
			return nil
		})
	})
	return group.Wait()
}
