package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"syscall"
	"time"

	"tidewatch/cmd/trialrig"
)

// live lets a system work, stops it in the midst of that, and keeps what its
// data folder was by then as an older copy.
func live(ctx context.Context, t *trialrig.Town, older string) error {
	password, err := work(ctx, t, "", 0)
	if err != nil {
		return err
	}
	if err := os.CopyFS(older, os.DirFS(t.Data)); err != nil {
		return err
	}
	_, err = work(ctx, t, password, t.Cameras)
	return err
}

// work runs a system until an officer has decided some cases, from one on.
func work(ctx context.Context, t *trialrig.Town, password string, from int) (string, error) {
	s, err := t.Run(ctx)
	if err != nil {
		return "", err
	}
	if password == "" {
		if password, err = s.FirstPassword(ctx); err != nil {
			return "", err
		}
	}
	o := &trialrig.Officer{Pages: s.Pages}
	if in, err := o.SignIn(ctx, "officer", password); !in {
		return "", fmt.Errorf("the officer cannot sign in: %w", err)
	}
	if err := decide(ctx, o, 2*t.Cameras-from, from); err != nil {
		return "", err
	}
	time.Sleep(12 * time.Second) // open stops are written every ten seconds
	s.Stop(syscall.SIGTERM)
	return password, nil
}

// decisions are what officers do, one after the other. Every other case stays
// as it is.
var decisions = []struct {
	what string
	form url.Values
}{
	{"confirm", url.Values{"plate": {"川A12345"}, "sure": {"yes"}}},
	{"reject", url.Values{"reason": {"unclear"}, "note": {"a trial"}}},
	{"warn", url.Values{"plate": {"川B54321"}, "sure": {"yes"}}},
}

func decide(ctx context.Context, o *trialrig.Officer, want, from int) error {
	var open []string
	if err := trialrig.Until(ctx, fmt.Sprintf("%d open cases", want), func() bool {
		open, _ = o.Cases(ctx, "suspected")
		return len(open) >= want
	}); err != nil {
		return fmt.Errorf("%w: %d are there", err, len(open))
	}
	for i, id := range open[:want/2] {
		d := decisions[(from+i)%len(decisions)]
		form := url.Values{}
		for name, value := range d.form {
			form[name] = value
		}
		if _, err := o.Decide(ctx, id, d.what, form); err != nil {
			return err
		}
		if err := trialrig.Until(ctx, "a decision to take effect", func() bool {
			state, _, err := o.Case(ctx, id)
			return err == nil && state != "suspected" && state != "confirmed"
		}); err != nil {
			state, _, _ := o.Case(ctx, id)
			return fmt.Errorf("%s case %s: %w: it is %s", d.what, id, err, state)
		}
	}
	return nil
}
