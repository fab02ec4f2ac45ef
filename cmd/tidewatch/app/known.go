package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// known remembers beside a file what it held, so that a start says whether
// somebody or something has changed it or taken it away.
type known struct {
	path string
	// grows says that what was added since is no change.
	grows bool
}

func (k known) sumPath() string {
	return strings.TrimSuffix(k.path, filepath.Ext(k.path)) + ".sum"
}

// changed says what became of the file since it was last noted; nil where
// nothing did, or it never was.
func (k known) changed() error {
	text, err := os.ReadFile(k.sumPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var was string
	var long int64
	if _, err := fmt.Sscan(string(text), &was, &long); err != nil {
		return nil //nolint:nilerr // it tells nothing, and is written anew
	}
	is, now, err := k.sum(long)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was taken away", k.path)
	case err != nil:
		return err
	case is != was || now < long || now > long && !k.grows:
		return fmt.Errorf("%s is not what it was: if nobody changed it on purpose, put it back from a backup", k.path)
	case k.grows:
		return k.added(long)
	}
	return nil
}

// added says whether what was added is lines of JSON, as the program writes them.
// The last may be torn by a power cut.
func (k known) added(from int64) error {
	text, err := os.ReadFile(k.path)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(text[min(from, int64(len(text))):]) {
		if bytes.HasSuffix(line, []byte("\n")) && len(line) > 1 && !json.Valid(line) {
			return fmt.Errorf("%s has lines that are not its own", k.path)
		}
		if !utf8.Valid(line) || bytes.ContainsRune(line, 0) {
			return fmt.Errorf("%s has bytes that are not its own", k.path)
		}
	}
	return nil
}

// note remembers the file as it is.
func (k known) note() error {
	info, err := os.Stat(k.path)
	if err != nil {
		return fmt.Errorf("remember %s: %w", k.path, err)
	}
	sum, long, err := k.sum(info.Size())
	if err == nil {
		err = os.WriteFile(k.sumPath(), fmt.Appendln(nil, sum, min(long, info.Size())), 0o600)
	}
	if err != nil {
		return fmt.Errorf("remember %s: %w", k.path, err)
	}
	return nil
}

// sum is a checksum of the beginning of the file, and how long all of it is.
func (k known) sum(long int64) (string, int64, error) {
	file, err := os.Open(k.path)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, io.LimitReader(file, long))
	return hex.EncodeToString(sum.Sum(nil)), info.Size(), err
}
