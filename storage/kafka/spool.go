package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// spool is a queue of encoded events on disk, one file each: a file is there
// whole or not at all, and its name says its turn. An event that was refused
// for itself holds up those of its own case alone.
type spool struct {
	dir  string
	lock *flock.Flock

	mu      sync.Mutex
	waiting []waiter // in order
	held    map[string]refusal
	next    uint64
}

type waiter struct {
	name string
	of   string // case; empty if the file cannot be read
}

// refusal is why a case's next event was not taken, and when it is tried again.
type refusal struct {
	why   error
	again time.Time
}

const spoolSuffix = ".json"

func openSpool(dir string) (*spool, error) {
	lock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", dir, err)
	}
	s := &spool{dir: dir, lock: lock, held: map[string]refusal{}, next: 1}
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
		s.waiting = append(s.waiting, waiter{name, caseOf(filepath.Join(dir, name))})
		s.next = number + 1
	}
	return s, nil
}

// caseOf reads which case the event in a file belongs to.
func caseOf(path string) string {
	var event struct {
		Case string `json:"case"`
	}
	text, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(text, &event) != nil {
		return "" // its turn tells
	}
	return event.Case
}

// put adds an event at the end; it is on the disk when put returns.
func (s *spool) put(of string, event []byte) error {
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
	s.waiting = append(s.waiting, waiter{name, of})
	return nil
}

// head is the event whose turn it is, and false if none waits that may be tried.
func (s *spool) head() (name string, event []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, w := range s.waiting {
		if now.Before(s.held[w.of].again) {
			continue
		}
		event, err = os.ReadFile(filepath.Join(s.dir, w.name))
		return w.name, event, true, err
	}
	return "", nil, false, nil
}

// done removes an event that was sent. If its file outlives a crash it is sent
// again, which changes nothing.
func (s *spool) done(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(name)
	return ignoreMissing(os.Remove(filepath.Join(s.dir, name)))
}

// setAside takes an event out of its turn and keeps its file.
func (s *spool) setAside(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(name)
	path := filepath.Join(s.dir, name)
	return ignoreMissing(os.Rename(path, path+".bad"))
}

func (s *spool) remove(name string) {
	at := slices.IndexFunc(s.waiting, func(w waiter) bool { return w.name == name })
	if at < 0 {
		return
	}
	delete(s.held, s.waiting[at].of)
	s.waiting = slices.Delete(s.waiting, at, at+1)
}

// hold keeps a case's events back for a while.
func (s *spool) hold(of string, why error, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[of] = refusal{why, time.Now().Add(wait)}
}

// refused is how many events wait because one of their case was refused, and
// why one was.
func (s *spool) refused() (events int, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiting {
		if of, is := s.held[w.of]; is {
			events++
			why = of.why
		}
	}
	return events, why
}

func (s *spool) depth() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// awaitEmpty returns once no event waits but those that Kafka refuses; it
// fails only when ctx is done.
func (s *spool) awaitEmpty(ctx context.Context) error {
	for {
		if refused, _ := s.refused(); s.depth() == refused {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
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
