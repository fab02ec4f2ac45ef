// Package dossier writes a case down for those who have no Tidewatch: a folder
// with the files of its evidence as they are stored and what proves them, the
// whole record of what happened to the case, and a case file to be printed.
package dossier

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/typeface"
)

// Cases tells cases and their record.
type Cases interface {
	Case(ctx context.Context, id string) (enforce.Case, error)
	History(ctx context.Context, id string) ([]enforce.Recorded, error)
}

// Files opens stored files by their SHA-256.
type Files interface {
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
}

// Package writes the files of a case's evidence, and what proves them, into a
// folder.
type Package interface {
	Write(ctx context.Context, dir string, c enforce.Case) error
}

// Seal puts what proves the record of a case beside it.
type Seal interface {
	Write(dir, violation string, record []byte) error
}

// Writer writes dossiers.
type Writer struct {
	Cases    Cases
	Files    Files
	Evidence Package
	Seal     Seal
	Font     *typeface.Font
	Software string // that writes it, with its version
	Now      func() time.Time
}

// The files of a dossier beside those of the evidence.
const (
	RecordFile  = proof.RecordFile
	PrintedFile = "case.pdf"
)

// Write writes the dossier of a case into a folder, whole or not at all: one that
// exists must be empty. The printed case file is in a language, zh or en.
func (w Writer) Write(ctx context.Context, id, dir, language string) (err error) {
	c, err := w.Cases.Case(ctx, id)
	if err != nil {
		return fmt.Errorf("write dossier: %w", err)
	}
	history, err := w.Cases.History(ctx, id)
	if err != nil {
		return fmt.Errorf("write dossier: %w", err)
	}
	if err := vacant(dir); err != nil {
		return fmt.Errorf("write dossier: %w", err)
	}
	unfinished, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".dossier-*")
	if err != nil {
		return fmt.Errorf("write dossier: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(unfinished)) }() // it is gone where all went well
	if err := w.fill(ctx, unfinished, c, history, language); err != nil {
		return fmt.Errorf("write dossier of case %s: %w", id, err)
	}
	if err := os.Rename(unfinished, dir); err != nil {
		return fmt.Errorf("write dossier: %w", err)
	}
	return nil
}

// vacant says what is wrong with a folder to be written.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o750)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("folder %s is not empty; name one that is, or none that there is", dir)
	}
	return nil
}

func (w Writer) fill(ctx context.Context, dir string, c enforce.Case, history []enforce.Recorded, language string) error {
	if err := w.Evidence.Write(ctx, dir, c); err != nil {
		return err
	}
	record, err := proof.EncodeRecord(history)
	if err != nil {
		return err
	}
	printed, err := w.print(ctx, c, history, language)
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, RecordFile), record, 0o640),
		w.Seal.Write(dir, c.ID, record),
		os.WriteFile(filepath.Join(dir, PrintedFile), printed, 0o640),
		os.Chmod(dir, 0o750),
	)
}

// Zip packs a folder into a file that must not exist.
func Zip(dir, file string) (err error) {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("pack dossier: %w", err)
	}
	archive := zip.NewWriter(out)
	err = errors.Join(archive.AddFS(os.DirFS(dir)), archive.Close(), out.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("pack dossier: %w", err), os.Remove(file))
	}
	return nil
}
