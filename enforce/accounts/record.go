package accounts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// outcome is what became of a sign-in, as record, log and metric name it.
type outcome string

const (
	signedIn  outcome = "signed_in"
	signedOut outcome = "signed_out"
	wrong     outcome = "wrong"
	tooSoon   outcome = "too_soon"
	busy      outcome = "busy"
	left      outcome = "left" // whoever asked did not wait for the answer
)

// entry is who did what. It is written with the time.
type entry struct {
	Name    string
	Address netip.Addr
	Known   bool // the device
	Outcome outcome
}

// line is an entry as the file keeps it. Operators' programs rely on the names.
type line struct {
	Time     time.Time `json:"time"`
	Name     string    `json:"name"`
	Address  string    `json:"address"`
	Device   string    `json:"device"`
	Outcome  outcome   `json:"outcome"`
	Repeated int       `json:"repeated,omitempty"` // further ones since the line before of the same name, address and outcome
}

// How much is kept.
const (
	recordBytes = 16 << 20
	recordFiles = 8 // older ones, beside the one that is written

	repeatsEvery = time.Minute
	repeatsKept  = 1024
)

// Record is the file of sign-ins and sign-outs, one JSON object a line, which
// only its owner may read. It is appended to and, when it has grown large, put
// aside for another. What cost no check of a password could come without end:
// of the same name, address and outcome it is written once a minute, with how
// often it was repeated.
type Record struct {
	mu      sync.Mutex
	log     *slog.Logger // set by NewGate
	path    string
	file    *os.File
	size    int64
	torn    bool // the last line may be without its end
	trouble error
	repeats map[entry]int
}

// OpenRecord opens the record at a path, which ends in .jsonl.
func OpenRecord(path string) (*Record, error) {
	r := &Record{path: path, repeats: map[entry]int{}, log: slog.New(slog.DiscardHandler)}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("open the record of sign-ins: %w", err)
	}
	return r, nil
}

func (r *Record) open() error {
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err := errors.Join(err, file.Chmod(0o600)); err != nil {
		return errors.Join(err, file.Close())
	}
	r.file, r.size, r.torn = file, info.Size(), false
	last := []byte{'\n'}
	if r.size > 0 {
		if _, err := file.ReadAt(last, r.size-1); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	r.torn = last[0] != '\n'
	return nil
}

// write records what somebody did, and logs it.
func (r *Record) write(e entry) {
	e.Name, e.Address = printable(e.Name), e.Address.Unmap()
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Outcome == tooSoon || e.Outcome == busy || e.Outcome == left {
		if n, again := r.repeats[e]; again {
			r.repeats[e] = n + 1
			return
		}
		if len(r.repeats) >= repeatsKept {
			r.repeats[entry{Outcome: e.Outcome}]++
			return
		}
		r.repeats[e] = 0
	}
	r.put(e, 0)
}

// Run writes each minute what was repeated in it, until ctx is done.
func (r *Record) Run(ctx context.Context) error {
	ticker := time.NewTicker(repeatsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			r.flush()
		}
	}
}

func (r *Record) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for e, n := range r.repeats {
		if n > 0 {
			r.put(e, n)
		}
	}
	clear(r.repeats)
}

// put writes one line. It is safe on disk where it is not about a failure: those
// can come faster than a disk syncs.
func (r *Record) put(e entry, repeated int) {
	r.say(e, repeated)
	l := line{
		Time: time.Now().UTC().Truncate(time.Millisecond), Name: e.Name, Device: deviceWord(e.Known),
		Outcome: e.Outcome, Repeated: repeated,
	}
	if e.Address.IsValid() {
		l.Address = e.Address.String()
	}
	err := r.append(l, e.Outcome == signedIn || e.Outcome == signedOut)
	if err != nil && r.trouble == nil {
		r.log.Error("write record of sign-ins", "error", err)
	}
	r.trouble = err
}

func (r *Record) append(l line, sync bool) error {
	var text bytes.Buffer
	if r.torn {
		text.WriteByte('\n')
	}
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l); err != nil {
		return err
	}
	if r.size+int64(text.Len()) > recordBytes {
		if err := r.rotate(); err != nil {
			return err
		}
	}
	n, err := r.file.Write(text.Bytes())
	r.size += int64(n)
	r.torn = err != nil && n > 0
	if err == nil && sync {
		err = r.file.Sync()
	}
	return err
}

// rotate puts the file aside and begins another. Where an earlier try got no
// further than the first half, only the second is left to do.
func (r *Record) rotate() error {
	_, err := os.Stat(r.path)
	for i := recordFiles - 1; i >= 0 && err == nil; i-- {
		if err := os.Rename(r.aside(i), r.aside(i+1)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	old := r.file
	if err := r.open(); err != nil {
		return err
	}
	return old.Close()
}

// aside is the path of the n-th older file; the one that is written is number 0.
func (r *Record) aside(n int) string {
	if n == 0 {
		return r.path
	}
	return fmt.Sprintf("%s.%d.jsonl", strings.TrimSuffix(r.path, ".jsonl"), n)
}

// say logs what is recorded: what an officer did, and what was refused.
func (r *Record) say(e entry, repeated int) {
	level := slog.LevelWarn
	if e.Outcome == signedIn || e.Outcome == signedOut {
		level = slog.LevelInfo
	}
	r.log.Log(context.Background(), level, "sign-in", "name", e.Name, "address", e.Address,
		"device", deviceWord(e.Known), "outcome", e.Outcome, "repeated", repeated)
}

func deviceWord(known bool) string {
	if known {
		return "known"
	}
	return "unknown"
}

// Health says why sign-ins are not recorded, nil where they are.
func (r *Record) Health() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble != nil {
		return fmt.Errorf("sign-ins are not recorded: %w", r.trouble)
	}
	return nil
}

// Close writes what is left and closes the file.
func (r *Record) Close() error {
	r.flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.file.Sync(), r.file.Close())
}
