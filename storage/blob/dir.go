// Package blob keeps the files of evidence under their SHA-256. A file is
// whole and on the disk before Put returns, is written once and never
// modified, and a name can only ever mean one content.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tidewatch/durable"
)

// What reading a file may meet.
var (
	// ErrNotFound says that no file is stored under a name. It is also an
	// fs.ErrNotExist.
	ErrNotFound = fmt.Errorf("not stored: %w", fs.ErrNotExist)
	// ErrCorrupt says that a file is no longer what was stored.
	ErrCorrupt = errors.New("content does not match its SHA-256")
)

// Dir is a store in a directory. It is safe for concurrent use.
type Dir struct {
	path string
	// A file that is put again while it is removed must be there afterwards.
	removal sync.RWMutex
}

// NewDir opens a store, creating its directory if it is missing, and clears
// away what a crash may have left half written. One process at a time may have
// a directory.
func NewDir(path string) (*Dir, error) {
	d := &Dir{path: path}
	if err := os.RemoveAll(d.incoming()); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	if err := os.MkdirAll(d.incoming(), 0o750); err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return d, nil
}

// ReadDir is a store to read from alone, which another process may be writing.
func ReadDir(path string) *Dir { return &Dir{path: path} }

func (d *Dir) incoming() string { return filepath.Join(d.path, "incoming") }

// file is where the content with a hash lies: ab/abcdef...
func (d *Dir) file(sum string) string { return filepath.Join(d.path, sum[:2], sum) }

// Put stores all of data and returns its SHA-256 in hex and its size in bytes.
// Content that is stored already stays as it is, unless it was damaged: then it
// is stored anew.
func (d *Dir) Put(ctx context.Context, data io.Reader) (sum string, size int64, err error) {
	temporary, err := os.CreateTemp(d.incoming(), "")
	if err != nil {
		return "", 0, fmt.Errorf("store file: %w", err)
	}
	defer os.Remove(temporary.Name()) // gone already where all went well
	hash := sha256.New()
	size, err = io.Copy(io.MultiWriter(temporary, hash), reader{ctx, data})
	err = errors.Join(err, temporary.Chmod(0o440), temporary.Sync(), temporary.Close())
	if err != nil {
		return "", 0, fmt.Errorf("store file: %w", err)
	}
	sum = hex.EncodeToString(hash.Sum(nil))
	if err := d.keep(ctx, temporary.Name(), sum); err != nil {
		return "", 0, fmt.Errorf("store file %s: %w", sum, err)
	}
	return sum, size, nil
}

// keep gives a finished file its name, for good.
func (d *Dir) keep(ctx context.Context, temporary, sum string) error {
	d.removal.RLock()
	defer d.removal.RUnlock()
	path := d.file(sum)
	// What is put again is young again: Remove spares it.
	if now := time.Now(); !errors.Is(d.Verify(ctx, sum), ErrCorrupt) && os.Chtimes(path, now, now) == nil {
		// Another Put may have renamed it a moment ago and not yet returned.
		return durable.SyncDir(filepath.Dir(path))
	}
	switch err := os.Mkdir(filepath.Dir(path), 0o750); {
	case err == nil, errors.Is(err, fs.ErrExist):
		if err := durable.SyncDir(d.path); err != nil {
			return err
		}
	default:
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	return durable.SyncDir(filepath.Dir(path))
}

// Open returns the content stored under a SHA-256 in hex. The error is
// ErrNotFound for any other name.
func (d *Dir) Open(_ context.Context, sum string) (io.ReadSeekCloser, error) {
	if !isSum(sum) {
		return nil, fmt.Errorf("open file %q: %w", sum, ErrNotFound)
	}
	f, err := os.Open(d.file(sum))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open file %s: %w", sum, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open file: %w", err)
	}
	return f, nil
}

// Verify reads a file and checks that it is what was stored; the error is
// ErrCorrupt where it is not.
func (d *Dir) Verify(ctx context.Context, sum string) error {
	f, err := d.Open(ctx, sum)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, reader{ctx, f}); err != nil {
		return fmt.Errorf("verify file %s: %w", sum, err)
	}
	if hex.EncodeToString(hash.Sum(nil)) != sum {
		return fmt.Errorf("verify file %s: %w", sum, ErrCorrupt)
	}
	return nil
}

// Remove deletes a file for good if it was put, for the last time, before a
// moment. It reports whether the file was there and is not any more.
func (d *Dir) Remove(_ context.Context, sum string, before time.Time) (removed bool, err error) {
	if !isSum(sum) {
		return false, fmt.Errorf("remove file %q: %w", sum, ErrNotFound)
	}
	d.removal.Lock()
	defer d.removal.Unlock()
	info, err := os.Stat(d.file(sum))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("remove file: %w", err)
	case !info.ModTime().Before(before):
		return false, nil
	}
	if err := os.Remove(d.file(sum)); err != nil {
		return false, fmt.Errorf("remove file: %w", err)
	}
	return true, durable.SyncDir(filepath.Dir(d.file(sum)))
}

// Before lists the files that were put, for the last time, before a moment.
func (d *Dir) Before(ctx context.Context, moment time.Time) (sums []string, err error) {
	err = filepath.WalkDir(d.path, func(path string, entry fs.DirEntry, err error) error {
		if err = errors.Join(err, ctx.Err()); err != nil || !isSum(filepath.Base(path)) {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.ModTime().Before(moment) {
			sums = append(sums, filepath.Base(path))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list files: %w", err)
	}
	return sums, nil
}

// isSum reports whether name is a SHA-256 as Put spells it.
func isSum(name string) bool {
	if len(name) != hex.EncodedLen(sha256.Size) {
		return false
	}
	for _, c := range name {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// reader ends with its context.
type reader struct {
	ctx  context.Context
	data io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.data.Read(p)
}
