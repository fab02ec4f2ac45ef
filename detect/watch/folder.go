package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// foldersName is the file, beside the cameras' folders, that lists them: one
// that was taken away is missed.
const foldersName = "folders"

// openFolder makes a camera's folder unless it is there. gone says that it was
// there once.
func openFolder(dir string) (gone, err error) {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	known, err := Folders(filepath.Dir(dir))
	if err != nil {
		return nil, err
	}
	name := filepath.Base(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if slices.Contains(known, name) {
		return fmt.Errorf("folder %s was taken away", dir), nil
	}
	file, err := os.OpenFile(filepath.Join(filepath.Dir(dir), foldersName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = file.WriteString(name + "\n")
	return nil, errors.Join(err, file.Sync(), file.Close())
}

// Folders are the names of all cameras' folders that ever were in a folder of
// stops.
func Folders(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, foldersName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return strings.Fields(string(text)), nil
}
