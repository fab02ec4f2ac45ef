package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/dossier"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
	"tidewatch/storage/blob"
	"tidewatch/storage/clickhouse"
)

// Export says which case is written down, and how.
type Export struct {
	Case     string
	To       string // folder
	Zip      bool   // also as a file beside it
	Language string // of the printed case file: zh or en
}

// ExportCase writes a case down for people outside. Tidewatch may be running
// meanwhile.
func ExportCase(ctx context.Context, cfg *config.Config, version string, log *slog.Logger, x Export) (err error) {
	a := &App{cfg: cfg, version: version, log: log, registry: prometheus.NewRegistry(), store: &store{}}
	defer func() { err = errors.Join(err, a.Close()) }()
	for _, open := range []work{a.openFont, a.openForReading} {
		if err := open(ctx); err != nil {
			return err
		}
	}
	public, err := keys.Public(keyDir(cfg))
	if err != nil {
		return err
	}
	w := dossier.Writer{
		Cases: clickhouse.NewCases(a.store.db), Files: a.files, Font: a.font,
		Evidence: proof.Export{Files: a.files, Log: logDir(cfg), Keys: public},
		Software: "tidewatch " + version, Now: time.Now,
	}
	if err := w.Write(ctx, x.Case, x.To, x.Language); err != nil {
		return err
	}
	if !x.Zip {
		return nil
	}
	return dossier.Zip(x.To, filepath.Clean(x.To)+".zip")
}

// openForReading opens files and database beside a Tidewatch that may be
// running with them, whose database is then asked; else its own is started.
func (a *App) openForReading(ctx context.Context) (err error) {
	if _, err := os.Stat(a.cfg.Data); err != nil {
		return fmt.Errorf("open the data folder: %w; is data in the configuration right?", err)
	}
	a.files = blob.ReadDir(filepath.Join(a.cfg.Data, "files"))
	if a.cfg.ClickHouse.Address != "" {
		return a.openDatabase(ctx)
	}
	err = a.openData(ctx)
	if errors.Is(err, errInUse) {
		return a.openRunning()
	}
	if err != nil {
		return err
	}
	if err := a.openDatabase(ctx); err != nil {
		return err
	}
	return clickhouse.Migrate(ctx, a.store.db)
}

// openRunning connects to the embedded database of a Tidewatch that is running.
func (a *App) openRunning() error {
	running, err := clickhouse.Analyst(filepath.Join(a.cfg.Data, "clickhouse"))
	if err != nil {
		return err
	}
	db, err := clickhouse.Open(running)
	if err != nil {
		return err
	}
	a.later(db.Close)
	a.store.db = db
	return nil
}
