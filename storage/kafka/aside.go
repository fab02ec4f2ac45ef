package kafka

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tidewatch/durable"
)

// aside keeps what is damaged of a folder in another folder beside it, under the
// same names, before it is replaced.
type aside struct{ of, to string }

// newAside keeps what is damaged in dir/data under dir/damaged and the time.
func newAside(dir string, now time.Time) aside {
	return aside{filepath.Join(dir, "data"), filepath.Join(dir, "damaged", now.UTC().Format("20060102T150405.000000Z"))}
}

// keep copies a file, or all files of a folder. What is not there needs no
// keeping.
func (a aside) keep(path string) error {
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(a.of, path)
		if err == nil {
			err = link(path, filepath.Join(a.to, name))
		}
		if err != nil {
			return fmt.Errorf("keep %s: %w", path, err)
		}
		return nil
	})
}

// link gives a file a second name, or copies it where a file has only one. Files
// are replaced after that, never written to.
func link(path, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	err := os.Link(path, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	content, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return durable.Write(to, content, 0o600)
}
