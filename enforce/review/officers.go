package review

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The ways in which a sign-in is refused.
var (
	ErrBadSignIn = errors.New("name or password wrong")
	ErrTooSoon   = errors.New("too many failures, wait before the next attempt")
)

// FirstOfficer is the name of the account made at the first start.
const FirstOfficer = "officer"

// Officers are the accounts that may sign in. It is safe for concurrent use.
type Officers struct {
	accounts map[string]passwordHash
	// nobody is what an unknown name is checked against, so that it takes as
	// long as a known one.
	nobody passwordHash
	// turn is held while a password is checked: a check takes tens of
	// megabytes, and guesses must not run beside each other.
	turn  chan struct{}
	waits map[string]backoff
}

// account is an officer as the file keeps it.
type account struct {
	Name         string `json:"name"`
	PasswordHash string `json:"password_hash"` // argon2id, PHC string format
}

// OpenOfficers reads the accounts from a file. Where there is none, it writes
// one with the account FirstOfficer and returns that account's new password,
// which nothing keeps: show it once. Without it, remove the file and start
// again.
func OpenOfficers(path string) (*Officers, string, error) {
	firstPassword := ""
	data, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		firstPassword = newPassword()
		data, err = createOfficers(path, firstPassword)
	}
	if err != nil {
		return nil, "", fmt.Errorf("open officers file: %w", err)
	}
	officers, err := parseOfficers(data)
	if err != nil {
		return nil, "", fmt.Errorf("read officers file %s: %w", path, err)
	}
	return officers, firstPassword, nil
}

// SignIn checks a name and its password. It returns ErrBadSignIn, ErrTooSoon
// or the context's error.
func (o *Officers) SignIn(ctx context.Context, name, password string) error {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	hash, known := o.accounts[name]
	if !known {
		name, hash = "", o.nobody // all unknown names wait together
	}
	now, wait := time.Now(), o.waits[name]
	if now.Before(wait.until) {
		return ErrTooSoon
	}
	if !hash.fits(password) || !known {
		o.waits[name] = wait.failed(now)
		return ErrBadSignIn
	}
	delete(o.waits, name)
	return nil
}

// backoff makes guessing slow: after a few failures each further one doubles
// the time until the next attempt.
type backoff struct {
	failures int
	until    time.Time
}

const (
	freeFailures = 4
	maxWait      = time.Minute
)

func (b backoff) failed(now time.Time) backoff {
	b.failures++
	if b.failures > freeFailures {
		b.until = now.Add(min(time.Second<<min(b.failures-freeFailures-1, 10), maxWait))
	}
	return b
}

func parseOfficers(data []byte) (*Officers, error) {
	var accounts []account
	if err := json.Unmarshal(data, &accounts); err != nil {
		return nil, err
	}
	o := &Officers{
		accounts: map[string]passwordHash{}, waits: map[string]backoff{},
		nobody: hashPassword(newPassword()), turn: make(chan struct{}, 1),
	}
	for _, a := range accounts {
		hash, err := parseHash(a.PasswordHash)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", a.Name, err)
		}
		if _, twice := o.accounts[a.Name]; twice || a.Name == "" {
			return nil, fmt.Errorf("account %q: names must be set and differ", a.Name)
		}
		o.accounts[a.Name] = hash
	}
	if len(o.accounts) == 0 {
		return nil, errors.New("no account in it")
	}
	return o, nil
}

// readPrivate reads a file that nobody else may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: set its mode to 0600", path)
	}
	return os.ReadFile(path)
}

// createOfficers writes the first account, whole or not at all.
func createOfficers(path, password string) ([]byte, error) {
	data, err := json.MarshalIndent([]account{{FirstOfficer, hashPassword(password).String()}}, "", "  ")
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".officers-*") // created with mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.Write(append(data, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return nil, err
	}
	return data, os.Rename(file.Name(), path)
}

// Names are the names of all accounts, in order.
func (o *Officers) Names() []string { return slices.Sorted(maps.Keys(o.accounts)) }
