// Package app joins the stages into one running Tidewatch: cameras, detection,
// enforcement, storage, the officers' pages and the uploader. Open makes
// everything, Run runs it, and each part is closed in the order of the flow:
// what still comes from one stage finds the next one open.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/exempt"
	"tidewatch/enforce/review"
	"tidewatch/enforce/typeface"
	"tidewatch/ingest/feed"
	"tidewatch/storage/blob"
)

// App is one running Tidewatch.
type App struct {
	cfg      *config.Config
	version  string
	log      *slog.Logger
	registry *prometheus.Registry
	system   *conditions

	font     *typeface.Font // that evidence is written in
	vision   vision
	files    *blob.Dir
	seal     seal
	exempt   *exempt.List // nil: no vehicle is exempt
	store    *store
	officers *review.Officers
	password string // of the officer's account, if it was made just now
	cameras  []*camera
	police   *policeLink // nil without a platform
	custody  custody
	pages    net.Listener

	closers []func() error // run in reverse order
}

// Open makes everything that the configuration asks for. Nothing is watched
// before Run.
func Open(ctx context.Context, cfg *config.Config, version string, log *slog.Logger) (*App, error) {
	feed.CollectOften()
	a := &App{cfg: cfg, version: version, log: log, registry: prometheus.NewRegistry()}
	a.system = newConditions(log, a.registry)
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, open := range []work{
		a.openData, // what is quick to fail comes first
		a.openPages,
		a.openFiles,
		a.openSeal,
		a.openFont,
		a.keepPolicies,
		a.openExemptions,
		a.openVision,
		a.openStore,
		a.openCameras,
		a.openPolice,
		a.openCustody,
	} {
		if err := open(ctx); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// later notes what Close must do.
func (a *App) later(closer func() error) { a.closers = append(a.closers, closer) }

// Close closes what Open opened, newest first.
func (a *App) Close() error {
	var failed error
	for i := len(a.closers) - 1; i >= 0; i-- {
		failed = errors.Join(failed, a.closers[i]())
	}
	a.closers = nil
	return failed
}

// openPages takes the port of the officers' pages.
func (a *App) openPages(context.Context) error {
	listener, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return fmt.Errorf("open the review pages: %w; choose another address (listen)", err)
	}
	a.pages = listener
	a.later(func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

var errInUse = errors.New("is in use by another tidewatch")

// openData takes the data folder for this process alone.
func (a *App) openData(context.Context) error {
	if err := os.MkdirAll(a.cfg.Data, 0o750); err != nil {
		return fmt.Errorf("open the data folder: %w; make it writable or choose another with data", err)
	}
	lock := flock.New(filepath.Join(a.cfg.Data, "lock"))
	held, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("open the data folder: %w; make it writable or choose another with data", err)
	}
	if !held {
		return fmt.Errorf("open the data folder: %s %w", a.cfg.Data, errInUse)
	}
	a.later(lock.Unlock)
	return nil
}

// openFiles opens what lies in the data folder as plain files.
func (a *App) openFiles(context.Context) (err error) {
	if a.files, err = blob.NewDir(filepath.Join(a.cfg.Data, "files")); err != nil {
		return fmt.Errorf("open the evidence folder: %w", err)
	}
	a.officers, a.password, err = review.OpenOfficers(filepath.Join(a.cfg.Data, "officers.json"))
	if err != nil {
		return fmt.Errorf("open the officers' accounts: %w", err)
	}
	return nil
}

// openFont loads what evidence is written in.
func (a *App) openFont(context.Context) (err error) {
	a.font, err = evidenceFont(a.cfg.Assets)
	return err
}

func evidenceFont(dir assets.Dir) (*typeface.Font, error) {
	path, err := dir.Font(assets.EvidenceFont)
	if err != nil {
		return nil, fmt.Errorf("open the font of evidence: %w", err)
	}
	return typeface.Open(path)
}

// openExemptions reads the list of exempt vehicles, if there is one.
func (a *App) openExemptions(context.Context) (err error) {
	if a.cfg.Exemptions == nil {
		return nil
	}
	cfg := *a.cfg.Exemptions
	cfg.Kept = filepath.Join(a.cfg.Data, "exemptions")
	if a.exempt, err = exempt.Open(cfg, a.log, a.registry); err != nil {
		return err
	}
	a.system.watch("exemptions", minor, func(context.Context) error { return a.exempt.Health() })
	return nil
}

// exemptions is the list in force, or nil where there is none.
func (a *App) exemptions() func() enforce.Exemptions {
	if a.exempt == nil {
		return nil
	}
	return a.exempt.Current
}

// Address is the host and port of the officers' pages.
func (a *App) Address() string { return a.pages.Addr().String() }

// FirstPassword is the password of the officer's account if Open has just made
// it, else empty.
func (a *App) FirstPassword() string { return a.password }

// FirstCase is the ID of a case that the pages show, or empty while there is
// none.
func (a *App) FirstCase(ctx context.Context) (string, error) {
	cases, err := a.store.cases.List(ctx, enforce.StateSuspected, 1, time.Time{})
	if err != nil || len(cases) == 0 {
		return "", err
	}
	return cases[0].ID, nil
}

// Run works until ctx is done or a part of it fails, then ends the stages in
// the order of the flow: what still comes from one finds the next one running.
func (a *App) Run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var cameras []work
	for _, c := range a.cameras {
		cameras = append(cameras, c.run)
	}
	desk := []work{a.serve, a.system.run}
	if a.police != nil {
		desk = append(desk, func(ctx context.Context) error { return a.police.run(ctx, a.store) })
	}
	if a.exempt != nil {
		desk = append(desk, a.exempt.Run)
	}
	stages := []*stage{
		begin(ctx, end, "cameras", cameras...),
		begin(ctx, end, "officers and police", desk...),
		begin(ctx, end, "custody of evidence", a.custody.run),
		begin(ctx, end, "storage", a.store.run),
	}
	a.log.Info("watching", "cameras", len(a.cameras), "version", a.version)
	<-ctx.Done()
	var failed error
	for _, s := range stages {
		failed = errors.Join(failed, s.stop())
		a.log.Info("stopped", "stage", s.name)
	}
	return failed
}

// work is a part of a stage; it runs until its context is done.
type work func(ctx context.Context) error

// stage is parts of the flow that end together.
type stage struct {
	name   string
	group  *errgroup.Group
	cancel context.CancelFunc
}

// begin starts a stage that outlives ctx until it is stopped; failed is called
// if it ends before.
func begin(ctx context.Context, failed context.CancelFunc, name string, parts ...work) *stage {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	for _, part := range parts {
		group.Go(func() error { return part(ctx) })
	}
	context.AfterFunc(ctx, failed)
	return &stage{name, group, cancel}
}

// stop ends a stage and waits for it.
func (s *stage) stop() error {
	s.cancel()
	if err := s.group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}
