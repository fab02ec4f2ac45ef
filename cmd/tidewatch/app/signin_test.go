package app

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/accounts"
)

func TestEachFurtherFailureWaitsLonger(t *testing.T) {
	now := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	var a attempts
	var waits []time.Duration
	for range 12 {
		a = a.failed(now)
		waits = append(waits, max(0, a.Until.Sub(now)))
	}
	s := time.Second
	want := []time.Duration{0, 0, 0, 0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, time.Minute, time.Minute}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

// Each run of a command is a process of its own; guessing is slow all the same.
func TestGuessingAtTheCommandLineIsSlow(t *testing.T) {
	cfg := &config.Config{Data: t.TempDir()}
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	for range 2 {
		if err := signInAtCommand(t.Context(), cfg, log, "officer", "guessed"); err == nil || !strings.Contains(err.Error(), "first start") {
			t.Errorf("without accounts: %v", err)
		}
	}
	var password string
	show := func(_, made string) error { password = made; return nil }
	if _, err := accounts.Open(filepath.Join(cfg.Data, "officers.json"), show); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"officer", "nobody", "officer", "nobody"} {
		if err := signInAtCommand(t.Context(), cfg, log, name, "guessed"); err == nil || !strings.Contains(err.Error(), "name or password wrong") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := signInAtCommand(t.Context(), cfg, log, "officer", password); err != nil {
		t.Fatalf("the right password after a few failures: %v", err)
	}
	file := filepath.Join(cfg.Data, "sign-in.json")
	if after, err := readAttempts(file); err != nil || after != (attempts{}) {
		t.Errorf("kept after the right password: %+v, %v", after, err)
	}
	if err := (attempts{Failures: 9, Until: time.Now().Add(longestAttempt)}).save(file); err != nil {
		t.Fatal(err)
	}
	if err := signInAtCommand(t.Context(), cfg, log, "officer", password); err == nil || !strings.Contains(err.Error(), "too many failures") {
		t.Errorf("after many failures: %v", err)
	}
	recorded, err := os.ReadFile(filepath.Join(cfg.Data, "sign-ins.jsonl"))
	if err != nil || strings.Count(string(recorded), `"outcome":"wrong"`) != 4 || !strings.Contains(string(recorded), `"outcome":"signed_in"`) {
		t.Errorf("recorded, %v:\n%s", err, recorded)
	}
	if !strings.Contains(said.String(), "refused") || strings.Contains(said.String(), password) || strings.Contains(said.String(), "guessed") {
		t.Errorf("said:\n%s", said.String())
	}
}
