package kafka

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"tidewatch/enforce"
)

// spool is a queue of encoded events on disk, one file each: a file is there
// whole or not at all, its name says its turn, and its first line is the SHA-256
// of what follows.
type spool struct {
	dir  string
	lock *flock.Flock

	mu      sync.Mutex
	waiting []string // names, in order
	bad     []string // names of events that are lost, as far as anybody has seen to
	next    uint64
}

const (
	spoolSuffix = ".json"
	badSuffix   = ".bad" // of an event that cannot be read
	// settledSuffix is of one that could not be read and has been seen to.
	settledSuffix = ".lost"
)

func spoolName(turn uint64) string { return fmt.Sprintf("%020d%s", turn, spoolSuffix) }

func openSpool(dir string) (*spool, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", dir, err)
	}
	s := &spool{dir: dir, lock: lock, next: 1}
	gone, err := s.list()
	for _, name := range gone { // so that they are not forgotten as others take their turn
		err = errors.Join(err, writeSynced(filepath.Join(dir, name), nil))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open spool: %w", err), lock.Unlock())
	}
	return s, nil
}

// list finds the events that wait, those that were set aside, and those whose
// files have gone since.
func (s *spool) list() (gone []string, err error) {
	entries, err := os.ReadDir(s.dir) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	t, known, err := readTurns(s.dir)
	if err != nil {
		return nil, err
	}
	there := map[uint64]bool{}
	for _, entry := range entries {
		var turn uint64
		name := entry.Name()
		event := strings.TrimSuffix(strings.TrimSuffix(name, badSuffix), settledSuffix)
		if _, err := fmt.Sscanf(event, "%020d", &turn); err != nil || spoolName(turn) != event {
			continue
		}
		switch name {
		case event:
			s.waiting = append(s.waiting, name)
		case event + badSuffix:
			s.bad = append(s.bad, name)
		}
		if !known {
			t.first = min(cmp.Or(t.first, turn), turn)
		}
		t.next, there[turn] = max(t.next, turn+1), true
	}
	s.next = max(t.next, 1)
	for turn := max(t.first, 1); turn < t.next; turn++ {
		if !there[turn] {
			gone = append(gone, spoolName(turn)+badSuffix)
		}
	}
	s.bad = append(s.bad, gone...)
	return gone, nil
}

// put adds an event at the end; it is on the disk when put returns.
func (s *spool) put(event []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := spoolName(s.next)
	path := filepath.Join(s.dir, name)
	if err := writeSynced(path+".part", seal(event)); err != nil {
		return fmt.Errorf("spool event: %w", err)
	}
	if err := os.Rename(path+".part", path); err != nil {
		return fmt.Errorf("spool event: %w", err)
	}
	if err := syncDir(s.dir); err != nil {
		return fmt.Errorf("spool event: %w", err)
	}
	s.next++
	s.waiting = append(s.waiting, name)
	if err := s.turns().write(s.dir); err != nil {
		return fmt.Errorf("spool event: %w", err)
	}
	return nil
}

func (s *spool) turns() turns {
	t := turns{s.next, s.next}
	if len(s.waiting) > 0 {
		_, _ = fmt.Sscanf(s.waiting[0], "%020d", &t.first) // it is a name of ours
	}
	return t
}

// seal puts its SHA-256 before an event.
func seal(event []byte) []byte {
	return fmt.Appendf(nil, "%x\n%s", sha256.Sum256(event), event)
}

// unseal is the event of a file, if it is as it was written. Files of earlier
// versions have no sum.
func unseal(file []byte) ([]byte, error) {
	if bytes.HasPrefix(file, []byte("{")) {
		return file, nil
	}
	sum, event, found := bytes.Cut(file, []byte("\n"))
	if !found || fmt.Sprintf("%x", sha256.Sum256(event)) != string(sum) {
		return nil, errors.New("it has not the checksum that it was written with")
	}
	return event, nil
}

// head is the file of the event whose turn it is, and false if none waits.
func (s *spool) head() (name string, file []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return "", nil, false, nil
	}
	name = s.waiting[0]
	file, err = os.ReadFile(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) {
		err = nil // nothing can be read of it
	}
	return name, file, true, err
}

// done removes the event whose turn it was. If its file outlives a crash it
// is sent again, which changes nothing.
func (s *spool) done(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(name)
	if err := s.turns().write(s.dir); err != nil {
		return err
	}
	return ignoreMissing(os.Remove(filepath.Join(s.dir, name)))
}

// setAside takes an event out of its turn and keeps its file, or the knowledge
// that there was one.
func (s *spool) setAside(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.dir, name)
	err := os.Rename(path, path+badSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		err = writeSynced(path+badSuffix, nil)
	}
	if err != nil {
		return err
	}
	s.leave(name)
	s.bad = append(s.bad, name+badSuffix)
	return s.turns().write(s.dir)
}

// leave takes an event out of the queue, whoever else has done so.
func (s *spool) leave(name string) {
	s.waiting = slices.DeleteFunc(s.waiting, func(n string) bool { return n == name })
}

// lost are the names of events that were set aside or are missing.
func (s *spool) lost() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bad)
}

func (s *spool) depth() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// awaitEmpty returns once no event waits; it fails only when ctx is done.
func (s *spool) awaitEmpty(ctx context.Context) error {
	for s.depth() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (s *spool) close() error { return s.lock.Unlock() }

func writeSynced(path string, data []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(path string) (err error) {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// setAside lists the events of a spool that cannot be read or have gone, whether
// it is open or not.
func setAside(dir string) ([]string, error) {
	s := spool{dir: dir}
	if _, err := s.list(); err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	names := s.bad
	for _, name := range s.waiting {
		if file, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			if _, err := unspool(file); err != nil {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// spooled are the events that wait in a spool, whether it is open or not.
func spooled(dir string) (events []enforce.Event, err error) {
	s := spool{dir: dir}
	if _, err := s.list(); err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	for _, name := range s.waiting {
		file, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("read the spool: %w", err)
		}
		if event, err := unseal(file); err == nil {
			if e, ok := eventOf(event); ok {
				events = append(events, e)
			}
		}
	}
	return events, nil
}

// settleAside keeps the files of events that were set aside, as ones that have
// been seen to.
func settleAside(dir string) error {
	names, err := setAside(dir)
	for _, name := range names {
		path := filepath.Join(dir, name)
		settled := strings.TrimSuffix(path, badSuffix) + settledSuffix
		failed := os.Rename(path, settled)
		if errors.Is(failed, fs.ErrNotExist) {
			failed = writeSynced(settled, nil)
		}
		err = errors.Join(err, failed)
	}
	return err
}
