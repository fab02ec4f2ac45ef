package app

import (
	"context"
	"path/filepath"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/evidence/translog"
)

// seal is what makes an alteration of evidence show: the signing key, and the
// log of evidence.
type seal struct {
	keys *keys.Ring
	log  *translog.Log
}

// logDir and keyDir are the folders of the log of evidence and of the keys.
func logDir(cfg *config.Config) string { return filepath.Join(cfg.Data, "log") }
func keyDir(cfg *config.Config) string { return filepath.Join(cfg.Data, "keys") }

// openSeal opens keys and log. Evidence is recorded by what was opened before
// the log is closed, so that each leaf is written.
func (a *App) openSeal(context.Context) (err error) {
	a.seal.keys, err = keys.Open(keys.Config{
		Dir: keyDir(a.cfg), Origin: a.cfg.Evidence.Origin, Secret: a.cfg.Evidence.SigningKey,
	}, time.Now())
	if err != nil {
		return err
	}
	for _, amiss := range a.seal.keys.Amiss {
		a.log.Warn("the keys were not whole", "what", amiss)
	}
	a.seal.log, err = translog.Open(logDir(a.cfg), a.seal.keys.Signer, a.log, a.registry)
	if err != nil {
		return err
	}
	a.later(a.seal.log.Close)
	return nil
}

// recorder is what seals the manifests of recordings.
func (s seal) recorder(files evidence.Files) evidence.Seal {
	return evidence.Seal{Signer: s.keys.Signer, Files: files, Log: s.log}
}
