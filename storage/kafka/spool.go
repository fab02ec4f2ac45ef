package kafka

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
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

	"tidewatch/durable"
	"tidewatch/enforce"
)

// spool is a queue of encoded events on disk, one file each: a file is there
// whole or not at all, its name says its turn, and its first line is the SHA-256
// of what follows. An event that was refused for itself holds up those of its own
// case alone.
type spool struct {
	dir  string
	lock *flock.Flock

	mu      sync.Mutex
	waiting []waiter // in order
	held    map[string]refusal
	bad     []string // names of events that are lost, until somebody has seen to it
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
	s := &spool{dir: dir, lock: lock, held: map[string]refusal{}, next: 1}
	gone, err := s.list()
	for _, name := range gone { // so that they are not forgotten as others take their turn
		err = errors.Join(err, durable.Write(filepath.Join(dir, name), nil, 0o600))
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
	t, err := readTurns(s.dir)
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
			s.waiting = append(s.waiting, waiter{name, caseOf(filepath.Join(s.dir, name))})
		case event + badSuffix:
			s.bad = append(s.bad, name)
		}
		t.next, there[turn] = max(t.next, turn+1), true
	}
	s.next = max(t.next, 1)
	for _, waiting := range t.waiting {
		for turn := waiting.first; turn <= waiting.last; turn++ {
			if !there[turn] {
				gone = append(gone, spoolName(turn)+badSuffix)
			}
		}
	}
	s.bad = append(s.bad, gone...)
	return gone, nil
}

// caseOf reads which case the event in a file belongs to.
func caseOf(path string) string {
	var event struct {
		Case string `json:"case"`
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return "" // its turn tells
	}
	text, err := unseal(file)
	if err != nil || json.Unmarshal(text, &event) != nil {
		return ""
	}
	return event.Case
}

// put adds an event at the end; it is on the disk when put returns.
func (s *spool) put(of string, event []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := spoolName(s.next)
	path := filepath.Join(s.dir, name)
	if err := durable.Replace(path, seal(event), 0o600); err != nil {
		return fmt.Errorf("spool event: %w", err)
	}
	s.next++
	s.waiting = append(s.waiting, waiter{name, of})
	if err := s.turns().write(s.dir); err != nil {
		return fmt.Errorf("spool event: %w", err)
	}
	return nil
}

func (s *spool) turns() turns {
	t := turns{next: s.next}
	for _, w := range s.waiting {
		var turn uint64
		_, _ = fmt.Sscanf(w.name, "%020d", &turn) // it is a name of ours
		t.add(turn)
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

// head is the file of the event whose turn it is, and false if none waits that
// may be tried.
func (s *spool) head() (name string, file []byte, ok bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, w := range s.waiting {
		if now.Before(s.held[w.of].again) {
			continue
		}
		file, err = os.ReadFile(filepath.Join(s.dir, w.name))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EISDIR) {
			err = nil // nothing can be read of it
		}
		return w.name, file, true, err
	}
	return "", nil, false, nil
}

// done removes an event that was sent. If its file outlives a crash it is sent
// again, which changes nothing.
func (s *spool) done(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(name)
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
		err = durable.Write(path+badSuffix, nil, 0o600)
	}
	if err != nil {
		return err
	}
	s.remove(name)
	s.bad = append(s.bad, name+badSuffix)
	return s.turns().write(s.dir)
}

// lost are the names of events that were set aside or are missing.
func (s *spool) lost() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bad)
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
	for _, w := range s.waiting {
		if file, err := os.ReadFile(filepath.Join(dir, w.name)); err == nil {
			if _, _, err := readSpooled(file); err != nil {
				names = append(names, w.name)
			}
		}
	}
	return names, nil
}

// Spooled are the events that wait in a folder, as far as they can be read. The
// process whose spool it is may be taking them out meanwhile.
func Spooled(dir string) []enforce.Event {
	events, _ := spooled(dir)
	return events
}

// spooled are the events that wait in a spool, whether it is open or not.
func spooled(dir string) (events []enforce.Event, err error) {
	s := spool{dir: dir}
	if _, err := s.list(); err != nil {
		return nil, fmt.Errorf("read the spool: %w", err)
	}
	for _, w := range s.waiting {
		file, err := os.ReadFile(filepath.Join(dir, w.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has been taken out
		}
		if err != nil {
			return events, fmt.Errorf("read the spool: %w", err)
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
			failed = durable.Write(settled, nil, 0o600)
		}
		err = errors.Join(err, failed)
	}
	return err
}
