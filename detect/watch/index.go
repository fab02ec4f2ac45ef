package watch

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// indexName is the file that says which others there should be, so that one
// that was taken away is missed.
const indexName = "stops.index"

// index is its content: the number of each file as it was last written. A file
// is written before the index says so and removed after it, so that a crash
// between the two takes nothing away.
type index map[string]uint64

// openIndex reads the index; without one, as with a folder of before there was
// one, it is empty. One that cannot be read is begun anew.
func (s *store) openIndex() error {
	s.index = index{}
	text, err := os.ReadFile(s.path(indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return s.indexMissing()
	}
	if err == nil {
		var content []byte
		if s.number, content, err = unseal(s.sealed(indexName), text); err == nil {
			err = json.Unmarshal(content, &s.index)
		}
	}
	if err != nil || s.index == nil {
		s.index = index{}
		return fmt.Errorf("read %s: %w; stops that were taken away cannot be missed", indexName, cmp.Or(err, errAltered))
	}
	return nil
}

// indexMissing tells of files that only come with an index.
func (s *store) indexMissing() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		text, err := os.ReadFile(s.path(e.Name()))
		if err == nil && strings.HasPrefix(string(text), sealMark) {
			return fmt.Errorf("%s is missing; stops that were taken away cannot be missed", indexName)
		}
	}
	return nil
}

// missing are the files that the index names and that are not there.
func (s *store) missing() (err error) {
	for name := range s.index {
		if _, failed := os.Stat(s.path(name)); errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("%s is missing", name))
			delete(s.index, name)
		}
	}
	return err
}

// enter notes in the index that a file was written, or, with no number, that it
// is about to be removed.
func (s *store) enter(name string, number uint64) error {
	switch {
	case number == 0:
		delete(s.index, name)
	case s.index == nil:
		s.index = index{name: number}
	default:
		s.index[name] = number
	}
	content, err := json.Marshal(s.index)
	if err != nil {
		return fmt.Errorf("write %s: %w", indexName, err)
	}
	return s.place(indexName, seal(s.sealed(indexName), s.number, content))
}

// current says whether a file with a number is the newest that was written.
func (s *store) current(name string, number uint64) bool { return number >= s.index[name] }
