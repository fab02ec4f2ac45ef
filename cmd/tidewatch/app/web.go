package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"tidewatch/enforce/accounts"
	"tidewatch/enforce/review"
	"tidewatch/enforce/web"
	"tidewatch/ingest/decode"
)

// desk is how officers and operators reach this process.
type desk struct {
	pages  net.Listener
	ops    net.Listener // nil: neither metrics nor probes
	gate   *accounts.Gate
	record *accounts.Record
}

// openPages takes the port of the officers' pages.
func (a *App) openPages(context.Context) (err error) {
	if a.desk.pages, err = a.listen(a.cfg.Web.Listen); err != nil {
		return fmt.Errorf("open the review pages: %w; choose another address (listen)", err)
	}
	return nil
}

// listen takes a port until Close.
func (a *App) listen(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	a.later(func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return listener, nil
}

// openGate opens the accounts. It comes last, since a start that fails must not
// leave an account behind whose password nobody has read.
func (a *App) openGate(show func(name, password string) error) error {
	a.noticeSignIns()
	file := a.signIns()
	record, err := accounts.OpenRecord(file.path)
	if err != nil {
		return err
	}
	if err := file.note(); err != nil {
		return err
	}
	a.later(file.note)
	a.later(record.Close)
	a.system.watch("sign_in_record", minor, func(context.Context) error { return record.Health() })
	officers, err := a.openOfficers(show)
	if err != nil {
		return err
	}
	a.desk.record, a.desk.gate = record, accounts.NewGate(officers, record, a.log, a.registry)
	return nil
}

// signIns is the record of sign-ins.
func (a *App) signIns() known {
	return known{path: filepath.Join(a.cfg.Data, "sign-ins.jsonl"), grows: true}
}

// noticeSignIns says whether the record is what it was when it was last closed.
// One that was put aside since has another in its place.
func (a *App) noticeSignIns() {
	file := a.signIns()
	if err := file.changed(); err != nil && !newer(filepath.Join(a.cfg.Data, "sign-ins.1.jsonl"), file.sumPath()) {
		a.log.Warn("the record of sign-ins is not whole", "error", err)
	}
}

func newer(one, other string) bool {
	first, err := os.Stat(one)
	second, failed := os.Stat(other)
	return err == nil && failed == nil && first.ModTime().After(second.ModTime())
}

// openOfficers reads the accounts, and says whether somebody or something has
// changed them since the last start.
func (a *App) openOfficers(show func(name, password string) error) (*accounts.Officers, error) {
	file := known{path: filepath.Join(a.cfg.Data, "officers.json")}
	if err := file.changed(); err != nil {
		a.log.Warn("the officers' accounts are not those of the last start", "error", err)
	}
	officers, err := accounts.Open(file.path, show)
	if err != nil {
		return nil, err
	}
	return officers, file.note()
}

// Address is the host and port of the officers' pages.
func (a *App) Address() string { return a.desk.pages.Addr().String() }

// serve answers officers until ctx is done.
func (a *App) serve(ctx context.Context) error {
	cfg := review.DefaultConfig()
	cfg.SecureCookies, cfg.Proxies = a.cfg.Web.SecureCookies, a.cfg.Web.Proxies
	cfg.SessionLifetime, cfg.SessionIdle = a.cfg.Web.SessionLifetime, a.cfg.Web.SessionIdle
	pages := review.New(cfg, review.Dependencies{
		Cases: a.store.cases, Records: a.store.cases, Log: a.store.log, Files: a.files,
		Offences: a.store.cases, Exemptions: a.exemptions(),
		Cameras: newFleet(a.cfg, a.cameras, a.vision.decoders), System: a.troubles, Gate: a.desk.gate,
		Previews: decode.Previewer{}, Logger: a.log, Metrics: a.registry,
	})
	return web.NewServer(a.webConfig("pages"), a.desk.pages, a.rescued(pages.Handler()), a.log, a.webMetrics).Run(ctx)
}

// webConfig are the limits of a listener.
func (a *App) webConfig(name string) web.Config {
	cfg := web.DefaultConfig()
	cfg.Name, cfg.Hosts, cfg.Proxies = name, a.cfg.Web.Hosts, a.cfg.Web.Proxies
	return cfg
}

// troubles are what is not well with the system, for the pages.
func (a *App) troubles(context.Context) []review.Condition {
	var troubles []review.Condition
	for _, s := range a.system.known() {
		troubles = append(troubles, review.Condition(s))
	}
	return troubles
}
