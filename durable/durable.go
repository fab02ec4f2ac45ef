// Package durable writes files that are there, whole, after a power cut.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Replace puts a file in the place of another: what lies at path is the one or
// the other, and the new one once Replace has returned. What it leaves behind when
// it is cut short ends in ".part".
func Replace(path string, data []byte, mode fs.FileMode) error {
	if err := Write(path+".part", data, mode); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// Write writes a file and returns once its content is on the disk. Its name is
// only after a SyncDir of the folder.
func Write(path string, data []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// SyncDir makes what was created, renamed and removed in a folder last.
func SyncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
