// Package retention deletes files of evidence when their time is up, and keeps
// those of cases under a legal hold. What is deleted is recorded in the log of
// evidence, then in the case, and only then deleted; a crash in between is made
// good at the next sweep. Manifests, signatures, timestamps and policies are
// never deleted: that a file was there, and which, stays provable.
package retention

import (
	"fmt"
	"slices"
	"time"

	"tidewatch/enforce"
)

// Period is a length of time by the calendar.
type Period struct{ Years, Months, Days int }

// After is the moment a period later.
func (p Period) After(t time.Time) time.Time { return t.AddDate(p.Years, p.Months, p.Days) }

func (p Period) String() string {
	text := ""
	for _, part := range []struct {
		n    int
		unit string
	}{{p.Years, "y"}, {p.Months, "m"}, {p.Days, "d"}} {
		if part.n > 0 {
			text += fmt.Sprintf("%d%s", part.n, part.unit)
		}
	}
	if text == "" {
		return "0d"
	}
	return text
}

// Rule says how long files of closed cases are kept.
type Rule struct {
	Kinds  []enforce.FileKind // none: every kind
	States []enforce.State
	Keep   Period // from the case's last change of state
}

// covers reports whether a rule is about a file of a case.
func (r Rule) covers(kind enforce.FileKind, state enforce.State) bool {
	return slices.Contains(r.States, state) && (len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind))
}

// Config says what is deleted, and when.
type Config struct {
	Rules []Rule // the first one that covers a file counts; without one it is kept for good
	Every time.Duration
	// Orphans is how long a picture or clip that no case refers to is kept: the
	// recording that stored it was interrupted, or is still under way. Nothing
	// that was put within this time is deleted.
	Orphans time.Duration
}

// DefaultConfig keeps all evidence for good.
func DefaultConfig() Config { return Config{Every: 6 * time.Hour, Orphans: 48 * time.Hour} }

// Open are the states in which a case still needs its evidence; no rule may be
// about them.
var Open = []enforce.State{enforce.StateSuspected, enforce.StateConfirmed, enforce.StateRefused}

// since is when a case took the state that it has.
func since(c enforce.Case) time.Time {
	at := c.OpenedAt
	if c.DecidedAt.After(at) {
		at = c.DecidedAt
	}
	if c.Receipt != nil && c.Receipt.At.After(at) {
		at = c.Receipt.At
	}
	return at
}

// rule is the rule by which a file of a case is due now, if it is.
func (cfg Config) rule(c enforce.Case, f enforce.File, now time.Time) (r Rule, due bool) {
	if c.Hold != nil || slices.Contains(Open, c.State) {
		return r, false
	}
	for _, r := range cfg.Rules {
		if r.covers(f.Kind, c.State) {
			return r, !now.Before(r.Keep.After(since(c)))
		}
	}
	return r, false
}
