package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"strings"
)

// Kept tells what is kept of a camera in a folder, as name and checksum, without
// taking it up or changing anything. What is damaged or missing is the error.
func Kept(dir string) (map[string]string, error) {
	s := &store{dir: dir, units: map[string][]string{}}
	kept := map[string]string{}
	failed := errors.Join(s.openIndex(), s.missing())
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		id, isStop := strings.CutSuffix(name, stopSuffix)
		switch {
		case isStop:
			_, _, err = s.read(id)
		case name == memoryName:
			err = s.decode(name, new(memory))
		default:
			continue
		}
		if failed = errors.Join(failed, err); err != nil {
			continue
		}
		text, err := os.ReadFile(s.path(name))
		failed = errors.Join(failed, err)
		sum := sha256.Sum256(text)
		kept[name] = hex.EncodeToString(sum[:])
	}
	return kept, failed
}
