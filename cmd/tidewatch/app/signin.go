package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/accounts"
)

// attempts is what is kept of failed sign-ins at the command line: each run is a
// process of its own, and guessing must be slow all the same.
type attempts struct {
	Failures int       `json:"failures"`
	Until    time.Time `json:"until"` // no attempt counts before
}

const (
	freeAttempts   = 4
	longestAttempt = time.Minute
)

func (a attempts) failed(now time.Time) attempts {
	a.Failures++
	if over := a.Failures - freeAttempts; over > 0 {
		a.Until = now.Add(min(time.Second<<min(over-1, 10), longestAttempt))
	}
	return a
}

// signInAtCommand checks the password of an officer who runs a command, by the
// same gate as on the pages, which writes it into the same record. Failures of all
// names count together: whoever may run it may try any.
func signInAtCommand(ctx context.Context, cfg *config.Config, log *slog.Logger, name, password string) (err error) {
	lock := flock.New(filepath.Join(cfg.Data, "sign-in.lock"))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	file := filepath.Join(cfg.Data, "sign-in.json")
	before, err := readAttempts(file)
	if err != nil {
		return err
	}
	if wait := time.Until(before.Until); wait > 0 && wait <= longestAttempt {
		log.Warn("sign-in at the command line refused", "officer", name, "why", "too many failures")
		return fmt.Errorf("sign in as %s: %w", name, accounts.TooSoonError{Wait: wait.Round(time.Second)})
	}
	switch err := passGate(ctx, cfg, log, name, password); {
	case errors.Is(err, accounts.ErrBadSignIn):
		return errors.Join(fmt.Errorf("sign in as %s: %w", name, err), before.failed(time.Now()).save(file))
	case err != nil:
		return fmt.Errorf("sign in as %s: %w", name, err)
	}
	return attempts{}.save(file)
}

// passGate asks the gate of the pages, which has no failures of other processes
// in mind. It makes no account.
func passGate(ctx context.Context, cfg *config.Config, log *slog.Logger, name, password string) (err error) {
	officers, err := accounts.Open(filepath.Join(cfg.Data, "officers.json"), func(string, string) error {
		return errors.New("there are no accounts yet; the first start of Tidewatch makes them")
	})
	if err != nil {
		return err
	}
	record, err := accounts.OpenRecord(filepath.Join(cfg.Data, "sign-ins.jsonl"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	gate := accounts.NewGate(officers, record, log.With("way", "command line"), prometheus.NewRegistry())
	_, err = gate.SignIn(ctx, accounts.Attempt{Name: name, Password: password})
	return err
}

func readAttempts(path string) (a attempts, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read failed sign-ins %s: %w; remove the file", path, err)
	}
	return a, nil
}

func (a attempts) save(path string) error {
	text, err := json.Marshal(a)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note failed sign-ins: %w", err)
	}
	return nil
}
