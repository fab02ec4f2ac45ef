package kafka

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
)

// turns are the numbers of the spool's events that wait: from first to before
// next. They are kept beside the spool's folder, so that an event shows whose
// file, or whose whole folder, has gone.
type turns struct{ first, next uint64 }

func turnsPath(dir string) string { return filepath.Clean(dir) + ".turns" }

// readTurns is what is known of a spool's turns; nothing is where the file is
// missing or damaged.
func readTurns(dir string) (t turns, known bool, err error) {
	text, err := os.ReadFile(turnsPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return t, false, nil
	}
	if err != nil {
		return t, false, err
	}
	n, _ := fmt.Sscanf(string(text), "%d %d", &t.first, &t.next)
	if n < 2 || t.text() != string(text) {
		return turns{}, false, nil
	}
	return t, true, nil
}

// text is how turns are written, with a checksum.
func (t turns) text() string {
	numbers := fmt.Sprintf("%d %d", t.first, t.next)
	return fmt.Sprintf("%s %08x\n", numbers, crc32.ChecksumIEEE([]byte(numbers)))
}

func (t turns) write(dir string) error {
	path := turnsPath(dir)
	if err := writeSynced(path+".part", []byte(t.text())); err != nil {
		return err
	}
	if err := os.Rename(path+".part", path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
