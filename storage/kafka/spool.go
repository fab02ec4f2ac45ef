package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"tidewatch/enforce"
)

// spool is a queue of encoded events on disk, one file each: a file is there
// whole or not at all, and its name says its turn.
type spool struct {
	dir  string
	lock *flock.Flock

	mu      sync.Mutex
	waiting []string // names, in order
	next    uint64
}

const spoolSuffix = ".json"

func openSpool(dir string) (*spool, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", dir, err)
	}
	s := &spool{dir: dir, lock: lock, next: 1}
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open spool: %w", err), lock.Unlock())
	}
	for _, entry := range entries {
		var number uint64
		name := entry.Name()
		if !strings.HasSuffix(name, spoolSuffix) {
			continue
		}
		if _, err := fmt.Sscanf(name, "%020d", &number); err != nil {
			continue
		}
		s.waiting = append(s.waiting, name)
		s.next = number + 1
	}
	return s, nil
}

// put adds an event at the end; it is on the disk when put returns.
func (s *spool) put(event []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("%020d%s", s.next, spoolSuffix)
	path := filepath.Join(s.dir, name)
	if err := writeSynced(path+".part", event); err != nil {
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
	return nil
}

// head is the event whose turn it is, and false if none waits.
func (s *spool) head() (name string, event []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.waiting) == 0 {
		return "", nil, false, nil
	}
	name = s.waiting[0]
	event, err = os.ReadFile(filepath.Join(s.dir, name))
	return name, event, true, err
}

// done removes the event whose turn it was. If its file outlives a crash it
// is sent again, which changes nothing.
func (s *spool) done(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = s.waiting[1:]
	return ignoreMissing(os.Remove(filepath.Join(s.dir, name)))
}

// setAside takes an event out of its turn and keeps its file.
func (s *spool) setAside(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = s.waiting[1:]
	path := filepath.Join(s.dir, name)
	return ignoreMissing(os.Rename(path, path+".bad"))
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

// Spooled are the events that wait in a folder, as far as they can be read. The
// process whose spool it is may be taking them out meanwhile.
func Spooled(dir string) (events []enforce.Event) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+spoolSuffix))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var e enforce.Event
		if json.Unmarshal(text, &e) == nil {
			events = append(events, e)
		}
	}
	return events
}
