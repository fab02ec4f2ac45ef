package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/dossier"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
	"tidewatch/storage/blob"
	"tidewatch/storage/kafka"
)

// Export says which case is written down, and how.
type Export struct {
	Case     string
	To       string // folder
	Zip      bool   // also as a file beside it
	Language string // of the printed case file: zh or en
}

// ExportCase writes a case down for people outside, as the case log has it.
// Tidewatch may be running meanwhile.
func ExportCase(ctx context.Context, cfg *config.Config, version string, log *slog.Logger, x Export) error {
	if _, err := os.Stat(cfg.Data); err != nil {
		return fmt.Errorf("open the data folder: %w; is data in the configuration right?", err)
	}
	font, err := evidenceFont(cfg.Assets)
	if err != nil {
		return err
	}
	public, err := keys.Public(keyDir(cfg))
	if err != nil {
		return err
	}
	seal, err := recordSeal(cfg)
	if err != nil {
		return err
	}
	var t caseRecord
	if err := withCaseLog(ctx, cfg, log, func(ctx context.Context, l *kafka.Log) (err error) {
		t, err = hear(ctx, l, x.Case)
		return err
	}); err != nil {
		return err
	}
	files := blob.ReadDir(filepath.Join(cfg.Data, "files"))
	w := dossier.Writer{
		Cases: t, Files: files, Evidence: proof.Export{Files: files, Log: logDir(cfg), Keys: public}, Seal: seal, Font: font,
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

// caseRecord is one case as the log has it.
type caseRecord struct {
	of      enforce.Case
	history []enforce.Recorded
}

// Case implements dossier.Cases.
func (t caseRecord) Case(_ context.Context, id string) (enforce.Case, error) {
	if t.of.ID != id {
		return enforce.Case{}, fmt.Errorf("case %s: %w", id, enforce.ErrNoCase)
	}
	return t.of, nil
}

// History implements dossier.Cases.
func (t caseRecord) History(context.Context, string) ([]enforce.Recorded, error) {
	return t.history, nil
}

// hear reads what the log has of one case, to its present end.
func hear(ctx context.Context, l *kafka.Log, id string) (t caseRecord, err error) {
	err = toTheEnd(ctx, l, func(e enforce.Checked) {
		if e.Claim().Case != id {
			return
		}
		var outcome enforce.Outcome
		t.of, outcome = t.of.Apply(e)
		t.history = append(t.history, enforce.Recorded{Event: e.Claim(), Outcome: outcome, Raw: e.Raw()})
	})
	return t, err
}
