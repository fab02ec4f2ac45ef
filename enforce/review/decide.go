package review

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tidewatch/enforce"
)

// What becomes of a decision, as the metrics name it.
const (
	applied    = "applied"
	late       = "late"
	stale      = "stale"
	invalid    = "invalid"
	unrecorded = "unrecorded"
)

// lookAgain is how often a case is looked at until a decision shows in it.
const lookAgain = 50 * time.Millisecond

// choice is one officer's decision on one revision of a case.
type choice struct {
	kind     enforce.EventType
	decision enforce.Decision
	actor    string
	revision int
}

// decide takes a decision from the form to the case log and shows what came of
// it. Whatever goes wrong, the officer sees the form again as it was typed.
func (s *Server) decide(
	w http.ResponseWriter, r *http.Request, kind enforce.EventType, check func(*form) (enforce.Decision, bool),
) error {
	c, err := s.caseOf(r)
	if err != nil {
		return fmt.Errorf("find case: %w", err)
	}
	f := typedForm(r)
	decision, valid := check(&f)
	if valid && kind != enforce.Rejected {
		bears, err := s.bearingOf(r.Context(), c, decision.Plate)
		if err != nil {
			return err
		}
		decision, valid = f.weigh(kind, bears, decision)
	}
	chosen := choice{kind, decision, "officer/" + s.signedIn(r), f.Revision}
	switch {
	case chosen.shownIn(c):
		return s.backToCase(w, r, c.ID, "decide."+string(kind)) // the form was sent twice
	case !open(c) || c.Revision != f.Revision:
		return s.showStale(w, r, kind, c, f)
	case !valid:
		s.count(kind, invalid)
		return s.showCase(w, r, http.StatusUnprocessableEntity, c, f)
	}
	// A decision that has begun is carried through, even if the browser leaves.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), s.cfg.DecisionWait)
	defer cancel()
	if err := s.Log.Append(ctx, chosen.event(c.ID, s.Now())); err != nil {
		s.count(kind, unrecorded)
		s.Logger.Error("record decision", "case", c.ID, "kind", kind, "error", err)
		f.Problem = "decide.unrecorded"
		return s.showCase(w, r, http.StatusServiceUnavailable, c, f)
	}
	after, err := s.settled(ctx, c)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		s.count(kind, late)
		return s.backToCase(w, r, c.ID, "decide.late")
	case err != nil:
		return err
	case !chosen.shownIn(after):
		return s.showStale(w, r, kind, after, f)
	}
	s.count(kind, applied)
	return s.backToCase(w, r, c.ID, "decide."+string(kind))
}

// event is the choice as the case log keeps it.
func (d choice) event(id string, now time.Time) enforce.Event {
	return enforce.Event{
		ID: rand.Text(), Case: id, Type: d.kind, At: now.UTC().Truncate(time.Microsecond),
		Actor: d.actor, Via: enforce.ViaSession, Revision: d.revision, Decision: &d.decision,
	}
}

// shownIn reports whether the case stands as this choice left it. The same
// officer's same choice, sent twice, is one choice.
func (d choice) shownIn(c enforce.Case) bool {
	return c.Revision > d.revision && c.DecidedBy == d.actor && c.Decision == d.decision && c.Decided == d.kind
}

// settled waits until the case has moved on from what it was. The decision is
// in the log by now, so a case that cannot be read is asked for again.
func (s *Server) settled(ctx context.Context, was enforce.Case) (enforce.Case, error) {
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		c, err := s.Records.Case(ctx, was.ID)
		if err != nil {
			s.Logger.Debug("look for a decision", "case", was.ID, "error", err)
		}
		if err == nil && c.Revision > was.Revision {
			return c, nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return c, ctx.Err()
		}
	}
}

// showStale shows the case as it stands now to an officer who decided on what
// it was before. What was typed stays, for a decision on what stands now.
func (s *Server) showStale(w http.ResponseWriter, r *http.Request, kind enforce.EventType, c enforce.Case, f form) error {
	s.count(kind, stale)
	f.Problem, f.Revision = "decide.stale", c.Revision
	return s.showCase(w, r, http.StatusConflict, c, f)
}

// backToCase shows the case again, by GET, with a word on what happened.
func (s *Server) backToCase(w http.ResponseWriter, r *http.Request, id, flash string) error {
	s.sessions.Put(r.Context(), flashKey, flash)
	http.Redirect(w, r, casePath(id), http.StatusSeeOther)
	return nil
}

func (s *Server) count(kind enforce.EventType, outcome string) {
	s.metrics.decisions.WithLabelValues(string(kind), outcome).Inc()
}
