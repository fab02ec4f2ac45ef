package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// known remembers beside a file what it held when it was last opened, so that a
// start says whether somebody or something has changed it or taken it away.
type known struct{ path string }

func (k known) sumPath() string {
	return strings.TrimSuffix(k.path, filepath.Ext(k.path)) + ".sum"
}

// changed says what became of the file since it was last noted; nil where
// nothing did, or it never was.
func (k known) changed() error {
	was, err := os.ReadFile(k.sumPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	switch is, err := k.sum(); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was taken away", k.path)
	case err != nil:
		return err
	case is != string(was):
		return fmt.Errorf("%s is not what it was: if nobody changed it on purpose, put it back from a backup", k.path)
	}
	return nil
}

// note remembers the file as it is.
func (k known) note() error {
	sum, err := k.sum()
	if err == nil {
		err = os.WriteFile(k.sumPath(), []byte(sum), 0o600)
	}
	if err != nil {
		return fmt.Errorf("remember %s: %w", k.path, err)
	}
	return nil
}

func (k known) sum() (string, error) {
	text, err := os.ReadFile(k.path)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]) + "\n", err
}
