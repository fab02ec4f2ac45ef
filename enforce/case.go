package enforce

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// EventType says what happened to a case.
type EventType string

// Facts always apply; decisions carry the revision they were made on, and one
// made on an old revision is void.
const (
	Suspected    EventType = "suspected"     // fact: the judge suspects; opens the case
	StopEnded    EventType = "stop_ended"    // fact: the vehicle has left
	Confirmed    EventType = "confirmed"     // decision of an officer
	Warned       EventType = "warned"        // decision of an officer: a violation, and a warning is enough
	Rejected     EventType = "rejected"      // decision of an officer, with a reason
	UploadFailed EventType = "upload_failed" // fact: the platform could not be reached or was busy; retried
	Receipted    EventType = "receipt"       // fact: the platform has answered for good

	// What becomes of the evidence does not change the state of a case.
	Timestamped EventType = "timestamped" // fact: an authority confirms when the evidence was signed
	Deleted     EventType = "deleted"     // fact: files of the evidence are deleted by a rule
	Held        EventType = "held"        // decision of an officer, with a reason: nothing may be deleted
	Released    EventType = "released"    // decision of an officer, with a reason: ends the hold

	// What becomes of the record changes nothing of a case either.
	Repaired EventType = "repaired" // fact: events that the case log had lost were rebuilt
)

// Event is one entry of the case log. Exactly one of the pointers is set, the
// one its type names.
type Event struct {
	ID       string    `json:"id"` // deterministic for facts, random for decisions
	Case     string    `json:"case"`
	Type     EventType `json:"type"`
	At       time.Time `json:"at"`                 // UTC, microseconds
	Actor    string    `json:"actor"`              // "camera/ID", "officer/NAME", "uploader", "timestamps" or "retention"
	Via      Via       `json:"via,omitempty"`      // of an officer: how it is known that it was this one
	Revision int       `json:"revision,omitempty"` // the revision decided on or uploaded; 0 where it does not matter

	Violation *Violation `json:"violation,omitempty"` // suspected
	StopEnd   *time.Time `json:"stop_end,omitempty"`  // stop_ended
	Decision  *Decision  `json:"decision,omitempty"`  // confirmed, warned, rejected
	Failure   *Failure   `json:"failure,omitempty"`   // upload_failed
	Receipt   *Receipt   `json:"receipt,omitempty"`   // receipt

	Timestamp *Timestamp `json:"timestamp,omitempty"` // timestamped
	Deletion  *Deletion  `json:"deletion,omitempty"`  // deleted
	Hold      *Hold      `json:"hold,omitempty"`      // held, released
	Repair    *Repair    `json:"repair,omitempty"`    // repaired
}

// Via says how the officer of a decision is known. It is empty in decisions of
// before it was recorded.
type Via string

// The ways in which officers sign in.
const (
	ViaSession     Via = "session"      // signed in on the pages
	ViaCommandLine Via = "command_line" // the password was given to the command that decided
)

// Timestamp is what an authority says of when a case's evidence was signed.
type Timestamp struct {
	SHA256 string    `json:"sha256"` // of its answer (RFC 3161)
	At     time.Time `json:"at"`     // the authority's own time
	Leaf   uint64    `json:"leaf"`   // in the log of evidence
}

// Deletion says which files of a case's evidence are deleted, and by which
// rule. It is recorded before they are.
type Deletion struct {
	Files []FileName `json:"files"`
	Rule  string     `json:"rule"` // such as "clip of a rejected case: 720h0m0s"
	Leaf  uint64     `json:"leaf"` // in the log of evidence
}

// Hold keeps a case's evidence from being deleted, or ends that.
type Hold struct {
	Reason string `json:"reason"`
}

// Repair says how many events of a case the log had lost, and from what they were
// rebuilt.
type Repair struct {
	Database int    `json:"database,omitempty"` // events from the database, as they were
	Evidence int    `json:"evidence,omitempty"` // events from what the evidence tells
	Kept     string `json:"kept,omitempty"`     // folder of the damaged files
}

// Decision is what an officer decided.
type Decision struct {
	Plate  string `json:"plate,omitempty"`  // the plate as the officer confirms it
	Reason string `json:"reason,omitempty"` // why it was rejected, or decided otherwise than proposed

	Proposed   Action `json:"proposed,omitempty"`   // what the scale proposed; empty without a scale
	Grounds    string `json:"grounds,omitempty"`    // of the proposal, MeasureCodes joined by commas
	Exemptions string `json:"exemptions,omitempty"` // ID of the list that the plate was looked up in
}

// Deviates reports whether a decision of a kind is not the one that was
// proposed, so that it needs a reason.
func (d Decision) Deviates(kind EventType) bool {
	return d.Proposed == Warn && kind == Confirmed || d.Proposed == Penalise && kind == Warned
}

// Failure is one unsuccessful attempt to upload.
type Failure struct {
	Attempt int    `json:"attempt"`
	Error   string `json:"error"`
}

// Receipt is the platform's final answer.
type Receipt struct {
	Platform string    `json:"platform"` // such as "GA/T 1400"
	ID       string    `json:"id"`       // the object's ID on the platform
	Accepted bool      `json:"accepted"`
	Code     string    `json:"code"`    // the platform's status code
	Message  string    `json:"message"` // the platform's own words
	At       time.Time `json:"at"`
}

// Validate checks that an event can be written to the log.
func (e Event) Validate() error {
	if err := e.Complete(); err != nil {
		return err
	}
	return e.written()
}

// Complete checks that an event has what its type needs, which is all that is
// asked of those that stand in the log.
func (e Event) Complete() error {
	body := map[EventType]bool{
		Suspected: e.Violation != nil, StopEnded: e.StopEnd != nil,
		Confirmed: e.Decision != nil, Warned: e.Decision != nil, Rejected: e.Decision != nil,
		UploadFailed: e.Failure != nil, Receipted: e.Receipt != nil,
		Timestamped: e.Timestamp != nil, Deleted: e.Deletion != nil, Held: e.Hold != nil, Released: e.Hold != nil,
		Repaired: e.Repair != nil,
	}
	present, known := body[e.Type]
	switch {
	case !known:
		return fmt.Errorf("event type %q: unknown", e.Type)
	case e.ID == "" || e.Case == "" || e.Actor == "" || e.At.IsZero():
		return fmt.Errorf("event %s: id, case, actor and time must be set", e.Type)
	case !present:
		return fmt.Errorf("event %s of case %s: its body is missing", e.Type, e.Case)
	case e.Type == Suspected && e.Violation.ID != e.Case:
		return fmt.Errorf("event %s of case %s: violation %s is another case's", e.Type, e.Case, e.Violation.ID)
	case (e.Type == Confirmed || e.Type == Warned) && strings.TrimSpace(e.Decision.Plate) == "":
		return fmt.Errorf("event %s of case %s: a confirmed case needs a plate, as a warning does", e.Type, e.Case)
	case e.Type == Rejected && strings.TrimSpace(e.Decision.Reason) == "":
		return fmt.Errorf("event %s of case %s: a rejection needs a reason", e.Type, e.Case)
	case e.Decision != nil && e.Decision.Deviates(e.Type) && strings.TrimSpace(e.Decision.Reason) == "":
		return fmt.Errorf("event %s of case %s: a decision other than the proposed one needs a reason", e.Type, e.Case)
	case e.Hold != nil && strings.TrimSpace(e.Hold.Reason) == "":
		return fmt.Errorf("event %s of case %s: a hold, or its end, needs a reason", e.Type, e.Case)
	}
	return nil
}

// State is where a case stands.
type State string

// The states of a case, and what leads out of each.
const (
	StateSuspected State = "suspected" // waits for an officer: confirmed, warned, rejected; trial
	StateConfirmed State = "confirmed" // waits for the platform: uploaded, refused
	StateRejected  State = "rejected"  // closed by an officer
	StateUploaded  State = "uploaded"  // closed by the platform's receipt
	StateRefused   State = "refused"   // the platform will not have it as it is: confirmed again, warned, rejected
	StateWarned    State = "warned"    // closed by an officer with a warning, never uploaded
	StateTrial     State = "trial"     // closed: a case of a trial, found a violation, never uploaded
)

// States lists every state in the order in which officers see them.
var States = []State{StateSuspected, StateConfirmed, StateUploaded, StateRefused, StateWarned, StateRejected, StateTrial}

// Case is a violation in the hands of officers: what its events add up to.
// The zero Case is one of which nothing is known yet.
type Case struct {
	ID        string
	State     State
	Revision  int // grows with every event that changes the state
	Violation Violation
	OpenedAt  time.Time
	StopEnd   time.Time // zero while the vehicle stands

	Decision  Decision
	Decided   EventType // which decision it was; empty before any, and in cases decided before it was kept
	DecidedBy string
	DecidedAt time.Time

	Failure *Failure // the newest failed upload since the decision
	Receipt *Receipt

	Hold    *Hold      // while the evidence must not be deleted
	HoldAt  time.Time  // when it was last held or released: what was decided before counts no more
	Deleted []FileName // files of the evidence that are deleted by a rule
}

// Plate is the plate to act on: the officer's word over the machine's, and
// empty while neither has one.
func (c Case) Plate() string {
	switch {
	case c.Decision.Plate != "":
		return c.Decision.Plate
	case c.Violation.Plate.Accepted:
		return c.Violation.Plate.Text
	}
	return ""
}

// ErrNoCase says that no case has the ID asked for.
var ErrNoCase = errors.New("no such case")

// Recorded is an event as the record of a case keeps it: with what it did.
type Recorded struct {
	Event
	Outcome Outcome
	Raw     []byte // as it stands in the case log, with its signature
}

// Outcome says what an event did to its case.
type Outcome string

// All but applied events stay in the log and change nothing.
const (
	Applied  Outcome = "applied"
	Repeated Outcome = "repeated" // known already
	Void     Outcome = "void"     // not possible in this state, or decided on an old revision
	Unproven Outcome = "unproven" // it does not prove that this system wrote it
)

// Apply adds an event to a case. It never changes c. Nothing that an event
// brought once is brought by it again: one that was copied changes nothing.
func (c Case) Apply(checked Checked) (Case, Outcome) {
	e, proven := checked.Proven()
	if !proven {
		return c, Unproven
	}
	if e.Complete() != nil || c.ID != "" && c.ID != e.Case {
		return c, Void
	}
	switch e.Type {
	case Suspected:
		if c.ID != "" {
			return c, Repeated
		}
		return Case{ID: e.Case, State: StateSuspected, Revision: 1, Violation: *e.Violation, OpenedAt: e.At}, Applied
	case StopEnded:
		if c.ID == "" {
			return c, Void
		}
		if !c.StopEnd.IsZero() {
			return c, Repeated
		}
		c.StopEnd = *e.StopEnd
		return c, Applied
	case Confirmed, Warned, Rejected:
		return c.decide(e)
	case UploadFailed:
		switch {
		case !c.uploading(e):
			return c, Void
		case c.Failure != nil && e.Failure.Attempt <= c.Failure.Attempt:
			return c, Repeated
		}
		c.Failure = e.Failure
		return c, Applied
	case Receipted:
		if c.Receipt != nil && *c.Receipt == *e.Receipt {
			return c, Repeated
		}
		if !c.uploading(e) {
			return c, Void
		}
		c.Receipt, c.State = e.Receipt, StateRefused
		if e.Receipt.Accepted {
			c.State = StateUploaded
		}
		c.Revision++
		return c, Applied
	case Timestamped, Deleted, Held, Released:
		return c.keep(e)
	case Repaired:
		if c.ID == "" {
			return c, Void
		}
		return c, Applied
	}
	return c, Void
}

// keep adds what became of the evidence. It leaves state and revision alone: a
// decision that an officer is about to take stays good.
func (c Case) keep(e Event) (Case, Outcome) {
	if c.ID == "" {
		return c, Void
	}
	switch e.Type {
	case Timestamped:
		if c.Violation.Evidence.Timestamp != "" {
			return c, Repeated
		}
		c.Violation.Evidence.Timestamp = e.Timestamp.SHA256
	case Deleted:
		fresh := slices.DeleteFunc(slices.Clone(e.Deletion.Files), func(f FileName) bool { return slices.Contains(c.Deleted, f) })
		if len(fresh) == 0 {
			return c, Repeated
		}
		c.Deleted = slices.Concat(c.Deleted, fresh)
	case Held, Released:
		return c.hold(e)
	}
	return c, Applied
}

func (c Case) hold(e Event) (Case, Outcome) {
	if held := c.Hold != nil; held == (e.Type == Held) || !e.At.After(c.HoldAt) {
		return c, Repeated
	}
	c.Hold, c.HoldAt = nil, e.At
	if e.Type == Held {
		c.Hold = e.Hold
	}
	return c, Applied
}

// uploading reports whether an answer of the platform is about the decision
// that now waits for it, not about an earlier one.
func (c Case) uploading(e Event) bool {
	return c.State == StateConfirmed && (e.Revision == 0 || e.Revision == c.Revision)
}

func (c Case) decide(e Event) (Case, Outcome) {
	open := c.State == StateSuspected || c.State == StateRefused
	if !open || e.Revision != c.Revision {
		return c, Void
	}
	c.State = c.decided(e.Type)
	c.Revision++
	c.Decision, c.Decided, c.DecidedBy, c.DecidedAt = *e.Decision, e.Type, e.Actor, e.At
	c.Failure, c.Receipt = nil, nil
	return c, Applied
}

// decided is the state that a decision leads to. That of a trial leads to
// nothing that could be uploaded.
func (c Case) decided(kind EventType) State {
	switch {
	case kind == Rejected:
		return StateRejected
	case c.Violation.Trial:
		return StateTrial
	case kind == Warned:
		return StateWarned
	}
	return StateConfirmed
}

// Ledger is the sum of a case log: every case that its events opened.
type Ledger struct {
	cases map[string]Case
}

// Apply adds an event and returns its case as it stands after it.
func (l *Ledger) Apply(e Checked) (Case, Outcome) {
	if l.cases == nil {
		l.cases = map[string]Case{}
	}
	c, outcome := l.cases[e.claim.Case].Apply(e)
	if c.ID != "" {
		l.cases[c.ID] = c
	}
	return c, outcome
}

// Case returns a case by ID.
func (l *Ledger) Case(id string) (Case, bool) {
	c, ok := l.cases[id]
	return c, ok
}

// In returns the cases in a state, oldest decision first.
func (l *Ledger) In(state State) []Case {
	var found []Case
	for c := range maps.Values(l.cases) {
		if c.State == state {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b Case) int {
		if order := a.DecidedAt.Compare(b.DecidedAt); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return found
}
