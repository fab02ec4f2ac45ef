package exempt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"tidewatch/enforce"
)

// shelf is a folder with every list that was in force, each under its ID, and a
// note of which one is. Only we read it: it is personal data.
type shelf struct{ dir string }

// note says which list was taken last.
type note struct {
	ID string    `json:"id"`
	At time.Time `json:"at"` // when it was taken
}

// noteName cannot be the name of a list.
const noteName = "in-force.json"

var idForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

func (s shelf) path(id string) string { return filepath.Join(s.dir, id+".jsonl") }

// put keeps a list as the one in force.
func (s shelf) put(list enforce.Exemptions, at time.Time) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("keep the list of exempt vehicles: %w", err)
	}
	text, err := json.Marshal(note{list.ID, at.UTC()})
	if err != nil {
		return err
	}
	if err := errors.Join(s.write(s.path(list.ID), list.Document()), s.write(filepath.Join(s.dir, noteName), text)); err != nil {
		return fmt.Errorf("keep the list of exempt vehicles: %w", err)
	}
	return nil
}

// last is the list in force last; false if none ever was.
func (s shelf) last() (list enforce.Exemptions, at time.Time, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(s.dir, noteName))
	if errors.Is(err, fs.ErrNotExist) {
		return list, at, false, nil
	}
	var n note
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err == nil && !idForm.MatchString(n.ID) {
		err = errors.New(noteName + ": names no list")
	}
	if err != nil {
		return list, at, false, fmt.Errorf("read the list of exempt vehicles that was in force: %w", err)
	}
	document, err := os.ReadFile(s.path(n.ID))
	if err == nil {
		list, err = enforce.ParseExemptions(n.ID, document)
	}
	if err != nil {
		return list, at, false, fmt.Errorf("read the list of exempt vehicles that was in force: %w", err)
	}
	return list, n.At, true, nil
}

// write puts a file in place whole, and on the disk.
func (s shelf) write(path string, data []byte) (err error) {
	file, err := os.CreateTemp(s.dir, ".part-") // readable by its owner alone
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
