package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/storage/kafka"
)

// Hold is a decision of an officer, taken at the command line, that the evidence
// of a case is held, or released.
type Hold struct {
	Kind     enforce.EventType // held or released
	Case     string
	Officer  string
	Password string
	Reason   string
}

// Record has the officer sign in and records the decision. Nothing is read
// before, so that a refusal tells nothing of cases.
func (h Hold) Record(ctx context.Context, cfg *config.Config, log *slog.Logger) (outcome enforce.Outcome, err error) {
	if err := signInAtCommand(ctx, cfg, log, h.Officer, h.Password); err != nil {
		return "", err
	}
	who, err := readAuthors(cfg)
	if err != nil {
		return "", err
	}
	if err := who.Unlock(); err != nil {
		return "", err
	}
	err = withCaseLogOf(ctx, cfg, who, log, func(ctx context.Context, l *kafka.Log) error {
		outcome, err = h.append(ctx, l)
		return err
	})
	return outcome, err
}

func (h Hold) append(ctx context.Context, l *kafka.Log) (enforce.Outcome, error) {
	cases, err := gather(ctx, l)
	if err != nil {
		return "", err
	}
	c, known := cases[h.Case]
	switch {
	case !known:
		return "", fmt.Errorf("case %s: %w", h.Case, enforce.ErrNoCase)
	case (c.Hold != nil) == (h.Kind == enforce.Held):
		return enforce.Repeated, nil
	}
	err = l.Append(ctx, h.event(c, time.Now()))
	if err == nil && l.Waiting() > 0 { // the spool goes with this command
		err = errors.New("kafka did not take the event; nothing is recorded, try again")
	}
	return enforce.Applied, err
}

// event is the decision. It is later than the one before it, whatever the clock
// says.
func (h Hold) event(c enforce.Case, now time.Time) enforce.Event {
	if !now.After(c.HoldAt.Add(time.Millisecond)) {
		now = c.HoldAt.Add(time.Millisecond)
	}
	return enforce.Event{
		ID: rand.Text(), Case: h.Case, Type: h.Kind, At: now.UTC().Truncate(time.Microsecond),
		Actor: "officer/" + h.Officer, Via: enforce.ViaCommandLine, Hold: &enforce.Hold{Reason: h.Reason},
	}
}
