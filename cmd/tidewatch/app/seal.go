package app

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/evidence/translog"
	"tidewatch/enforce/proof"
)

// seal is what makes an alteration show: the signing key, the log of evidence,
// and the keys that events are signed with.
type seal struct {
	keys    *keys.Ring
	log     *translog.Log
	authors *authors.Authors // who may write to the case log
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
	a.seal.authors, err = authors.Open(authors.Config{
		Dir: keyDir(a.cfg), Root: a.seal.keys.Signer, Public: a.seal.keys.Public, Fresh: a.fresh,
	}, time.Now())
	if err != nil {
		return err
	}
	for _, amiss := range slices.Concat(a.seal.keys.Amiss, a.seal.authors.Amiss) {
		a.log.Warn("the keys were not whole", "what", amiss)
	}
	a.seal.log, err = translog.Open(logDir(a.cfg), a.seal.keys.Signer, a.log, a.registry)
	if err != nil {
		return err
	}
	a.later(a.seal.log.Close)
	return nil
}

// readAuthors reads who may write to the case log, for a command beside the
// Tidewatch that runs.
func readAuthors(cfg *config.Config) (*authors.Authors, error) {
	public, err := keys.Public(keyDir(cfg))
	if err != nil {
		return nil, err
	}
	return authors.Read(authors.Config{Dir: keyDir(cfg), Public: public})
}

// recordSeal is what exported records are sealed with.
func recordSeal(cfg *config.Config) (proof.RecordSeal, error) {
	roster, err := authors.Roster(keyDir(cfg))
	if err != nil || len(roster) == 0 {
		return proof.RecordSeal{}, err
	}
	who, err := readAuthors(cfg)
	if err != nil {
		return proof.RecordSeal{}, err
	}
	if err := who.Unlock(); err != nil {
		return proof.RecordSeal{}, err
	}
	return proof.RecordSeal{Roster: roster, Signer: who.Custody()}, nil
}

// recorder is what seals the manifests of recordings.
func (s seal) recorder(files evidence.Files) evidence.Seal {
	return evidence.Seal{Signer: s.keys.Signer, Files: files, Log: s.log}
}
