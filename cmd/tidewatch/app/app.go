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
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence/audit"
	"tidewatch/enforce/exempt"
	"tidewatch/enforce/typeface"
	"tidewatch/enforce/web"
	"tidewatch/ingest/feed"
	"tidewatch/rescue"
	"tidewatch/storage/blob"
	"tidewatch/storage/space"
)

// App is one running Tidewatch.
type App struct {
	cfg      *config.Config
	version  string
	log      *slog.Logger
	registry *prometheus.Registry
	system   *conditions

	webMetrics *web.Metrics

	space   *space.Watch
	font    *typeface.Font // that evidence is written in
	vision  vision
	fresh   bool // the data folder is: this system has written nothing yet
	files   *blob.Dir
	seal    seal
	exempt  *exempt.List // nil: no vehicle is exempt
	store   *store
	cameras []*post
	police  atomic.Pointer[policeLink] // nil without a platform
	upload  work                       // of the link
	custody work
	auditor atomic.Pointer[audit.Auditor]
	panics  *prometheus.CounterVec
	desk    desk

	closers []func() error // run in reverse order
}

// Open makes everything that the configuration asks for. Nothing is watched
// before Run. Where the officer's account is made, which comes last, show is
// given its password, which nothing keeps.
func Open(
	ctx context.Context, cfg *config.Config, version string, log *slog.Logger, show func(name, password string) error,
) (*App, error) {
	feed.CollectOften()
	a := &App{cfg: cfg, version: version, log: log, registry: prometheus.NewRegistry()}
	a.system, a.webMetrics = newConditions(log, a.registry), web.NewMetrics(a.registry)
	a.panics = newPanics(a.registry)
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, open := range []work{
		a.openData, // what is quick to fail comes first
		a.openSpace,
		a.openPages,
		a.openOps,
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
		func(context.Context) error { return a.openGate(show) },
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
	a.fresh = !a.holds("officers.json") && !a.holds("keys/public.keys")
	return nil
}

// holds reports whether the data folder has a file.
func (a *App) holds(name string) bool {
	_, err := os.Stat(filepath.Join(a.cfg.Data, name))
	return err == nil
}

// openSpace watches what the data folder lies on. A disk that is full at the
// start is told of like one that fills later.
func (a *App) openSpace(context.Context) error {
	cfg := space.DefaultConfig()
	cfg.Dir, cfg.Folders = a.cfg.Data, dataFolders
	a.space = space.New(cfg, a.log, a.registry)
	a.system.watch("disk", grave, func(context.Context) error { return a.space.Health() })
	a.system.watch("disk_days", minor, func(context.Context) error { return a.space.Low() })
	return nil
}

// dataFolders are the folders of the data folder that may lie on disks of their
// own.
var dataFolders = []string{"files", "kafka", "clickhouse", "log", "stops", "spool", "keys"}

// openFiles opens what lies in the data folder as plain files.
func (a *App) openFiles(context.Context) (err error) {
	if a.files, err = blob.NewDir(filepath.Join(a.cfg.Data, "files")); err != nil {
		return fmt.Errorf("open the evidence folder: %w", err)
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
	desk := []work{a.serve, a.serveOps, a.desk.record.Run, a.system.run, a.space.Run}
	if a.upload != nil {
		desk = append(desk, a.upload)
	}
	if a.exempt != nil {
		desk = append(desk, a.exempt.Run)
	}
	stages := []*stage{
		a.begin(ctx, end, "cameras", cameras...),
		a.begin(ctx, end, "officers and police", desk...),
		a.begin(ctx, end, "custody of evidence", a.custody),
		a.begin(ctx, end, "storage", a.store.run),
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
	group  rescue.Group
	cancel context.CancelFunc
}

// begin starts a stage that outlives ctx until it is stopped; failed is called
// if it ends before. A panic that no part of it has dealt with ends all stages
// in good order: what the others have in memory is sound.
func (a *App) begin(ctx context.Context, failed context.CancelFunc, name string, parts ...work) *stage {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := rescue.WithContext(ctx)
	for _, part := range parts {
		group.Go(func() error {
			err := rescue.Do(func() error { return part(ctx) })
			if rescue.From(err) != nil {
				tellPanic(a.log.With("stage", name), "a stage failed, which ends the process", err, a.panics.WithLabelValues(name, ""))
			}
			return err
		})
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
