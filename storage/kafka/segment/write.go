package segment

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tidewatch/durable"
)

// Write makes a partition of batches, which must be in order and without a gap,
// in place of what its folder holds. Whoever calls it has kept that elsewhere. A
// crash leaves the folder with the old files, or with the new one and some of the
// old, which then repeat what it holds.
func Write(dir string, batches func(yield func(raw []byte) error) error) (err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("write a partition: %w", err)
	}
	old, err := Files(dir)
	if err != nil {
		return err
	}
	first := filepath.Join(dir, "0"+suffix)
	if err := writeFile(first+".tmp", batches); err != nil {
		return fmt.Errorf("write a partition: %w", err)
	}
	if info, err := os.Stat(first); err == nil && info.IsDir() {
		if err := os.RemoveAll(first); err != nil {
			return fmt.Errorf("write a partition: %w", err)
		}
	}
	if err := os.Rename(first+".tmp", first); err != nil {
		return fmt.Errorf("write a partition: %w", err)
	}
	for _, name := range old {
		if name != filepath.Base(first) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
		}
	}
	return errors.Join(err, durable.SyncDir(dir), durable.SyncDir(filepath.Dir(dir)))
}

func writeFile(path string, batches func(yield func(raw []byte) error) error) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	if err := batches(func(raw []byte) error { _, err := w.Write(raw); return err }); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Sync()
}
