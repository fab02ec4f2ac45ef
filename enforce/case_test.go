package enforce

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect/plate"
)

var noon = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// event makes a valid event of a type for the case "c".
func event(kind EventType, revision int) Event {
	e := Event{ID: string(kind), Case: "c", Type: kind, At: noon, Actor: "test", Revision: revision}
	switch kind {
	case Suspected:
		e.Violation = &Violation{ID: "c", Plate: plate.Read{Text: "川A12345", Accepted: true}}
	case StopEnded:
		e.StopEnd = &noon
	case Confirmed, Warned:
		e.Decision = &Decision{Plate: "川A12345"}
	case Rejected:
		e.Decision = &Decision{Reason: "unclear"}
	case UploadFailed:
		e.Failure = &Failure{Attempt: 1, Error: "busy"}
	case Receipted:
		e.Receipt = &Receipt{Accepted: true, Code: "0"}
	}
	return e
}

// proven is an event of which has been found that this system wrote it.
func proven(e Event) Checked { return Checked{claim: e, proven: true} }

// trial makes a case "c" suspected in a zone that is in its trial.
func trial() Event {
	e := event(Suspected, 0)
	e.Violation.Trial = true
	return e
}

func refused(revision int) Event {
	e := event(Receipted, revision)
	e.Receipt = &Receipt{Code: "8"}
	return e
}

func TestLifeOfACase(t *testing.T) {
	for name, test := range map[string]struct {
		events   []Event
		outcomes []Outcome
		state    State
	}{
		"confirmed and uploaded": {
			[]Event{event(Suspected, 0), event(StopEnded, 0), event(Confirmed, 1), event(Receipted, 0)},
			[]Outcome{Applied, Applied, Applied, Applied},
			StateUploaded,
		},
		"the vehicle leaves after the officer decided": {
			[]Event{event(Suspected, 0), event(Confirmed, 1), event(StopEnded, 0)},
			[]Outcome{Applied, Applied, Applied},
			StateConfirmed,
		},
		"rejected": {
			[]Event{event(Suspected, 0), event(Rejected, 1)},
			[]Outcome{Applied, Applied},
			StateRejected,
		},
		"two officers at once: the first counts": {
			[]Event{event(Suspected, 0), event(Rejected, 1), event(Confirmed, 1)},
			[]Outcome{Applied, Applied, Void},
			StateRejected,
		},
		"a rejected case stays rejected": {
			[]Event{event(Suspected, 0), event(Rejected, 1), event(Confirmed, 2), event(Receipted, 0)},
			[]Outcome{Applied, Applied, Void, Void},
			StateRejected,
		},
		"redelivered facts": {
			[]Event{event(Suspected, 0), event(Suspected, 0), event(StopEnded, 0), event(StopEnded, 0), event(Confirmed, 1), event(Receipted, 0), event(Receipted, 0)},
			[]Outcome{Applied, Repeated, Applied, Repeated, Applied, Applied, Repeated},
			StateUploaded,
		},
		"failed, then uploaded": {
			[]Event{event(Suspected, 0), event(Confirmed, 1), event(UploadFailed, 0), event(Receipted, 0)},
			[]Outcome{Applied, Applied, Applied, Applied},
			StateUploaded,
		},
		"refused, corrected, uploaded": {
			[]Event{event(Suspected, 0), event(Confirmed, 1), refused(2), event(Confirmed, 3), event(Receipted, 0)},
			[]Outcome{Applied, Applied, Applied, Applied, Applied},
			StateUploaded,
		},
		"a late refusal of what was corrected since": {
			[]Event{event(Suspected, 0), event(Confirmed, 1), refused(2), event(Confirmed, 3), refused(2), {
				ID: "late", Case: "c", Type: Receipted, At: noon, Actor: "test", Revision: 2, Receipt: &Receipt{Code: "7"},
			}, event(Receipted, 4)},
			[]Outcome{Applied, Applied, Applied, Applied, Void, Void, Applied},
			StateUploaded,
		},
		"warned, and so never uploaded": {
			[]Event{event(Suspected, 0), event(Warned, 1), event(Receipted, 0), event(Confirmed, 2)},
			[]Outcome{Applied, Applied, Void, Void},
			StateWarned,
		},
		"refused by the platform, then warned": {
			[]Event{event(Suspected, 0), event(Confirmed, 1), refused(2), event(Warned, 3)},
			[]Outcome{Applied, Applied, Applied, Applied},
			StateWarned,
		},
		"confirmed in a trial": {
			[]Event{trial(), event(Confirmed, 1), event(Receipted, 0)},
			[]Outcome{Applied, Applied, Void},
			StateTrial,
		},
		"warned in a trial": {
			[]Event{trial(), event(Warned, 1), event(Confirmed, 2)},
			[]Outcome{Applied, Applied, Void},
			StateTrial,
		},
		"rejected in a trial": {
			[]Event{trial(), event(Rejected, 1)},
			[]Outcome{Applied, Applied},
			StateRejected,
		},
		"nothing before the suspicion": {
			[]Event{event(StopEnded, 0), event(Confirmed, 0), event(Receipted, 0), event(UploadFailed, 0)},
			[]Outcome{Void, Void, Void, Void},
			"",
		},
		"no receipt without a decision": {
			[]Event{event(Suspected, 0), event(Receipted, 0)},
			[]Outcome{Applied, Void},
			StateSuspected,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var c Case
			var outcomes []Outcome
			for _, e := range test.events {
				var outcome Outcome
				c, outcome = c.Apply(proven(e))
				outcomes = append(outcomes, outcome)
			}
			if diff := cmp.Diff(test.outcomes, outcomes); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if c.State != test.state {
				t.Errorf("state = %q, want %q", c.State, test.state)
			}
		})
	}
}

// everyKind is what a random case may meet.
var everyKind = []EventType{Suspected, StopEnded, Confirmed, Warned, Rejected, UploadFailed, Receipted}

// Whatever arrives in whatever order, nothing leads from a trial or a warning
// to the platform.
func TestNothingOfATrialIsSubmitted(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	closed := map[State]int{}
	for range 5000 {
		c, _ := Case{}.Apply(proven(trial()))
		for range 12 {
			e := event(everyKind[random.IntN(len(everyKind))], random.IntN(5))
			if random.IntN(3) == 0 && e.Type == Receipted {
				e = refused(random.IntN(5))
			}
			c, _ = c.Apply(proven(e))
			if c.State == StateConfirmed || c.State == StateUploaded || c.State == StateRefused || c.State == StateWarned {
				t.Fatalf("a case of a trial is %s", c.State)
			}
		}
		closed[c.State]++
	}
	if closed[StateTrial] == 0 || closed[StateRejected] == 0 {
		t.Errorf("the cases ended as %v only", closed)
	}
}

// Whatever arrives in whatever order, nobody is reported without an officer's
// decision on the case as it then stood, and repeating a log changes nothing.
func TestPropertiesOfACase(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	kinds := everyKind
	for range 3000 {
		var c Case
		var log []Event
		confirmed := false
		for range 12 {
			e := event(kinds[random.IntN(len(kinds))], random.IntN(5))
			if random.IntN(3) == 0 && e.Type == Receipted {
				e = refused(random.IntN(5))
			}
			before := c
			var outcome Outcome
			c, outcome = c.Apply(proven(e))
			log = append(log, e)
			switch {
			case outcome != Applied && !cmp.Equal(before, c):
				t.Fatalf("%s was %s and changed the case", e.Type, outcome)
			case outcome == Applied && e.Type == Confirmed:
				if e.Revision != before.Revision {
					t.Fatalf("decision on revision %d applied to revision %d", e.Revision, before.Revision)
				}
				confirmed = true
			case outcome == Applied && (e.Type == Rejected || e.Type == Warned):
				confirmed = false
			}
			if (c.State == StateConfirmed || c.State == StateUploaded) && !confirmed {
				t.Fatalf("state %s without a decision: %v", c.State, log)
			}
			if c.Revision < before.Revision {
				t.Fatalf("revision went from %d to %d", before.Revision, c.Revision)
			}
		}
		var ledger Ledger
		for _, e := range log {
			ledger.Apply(proven(e))
		}
		if got, _ := ledger.Case("c"); !cmp.Equal(got, c) {
			t.Fatalf("the ledger says %+v, the case %+v", got, c)
		}
	}
}

func TestPlateIsTheOfficersWordOverTheMachines(t *testing.T) {
	c, _ := Case{}.Apply(proven(event(Suspected, 0)))
	if got := c.Plate(); got != "川A12345" {
		t.Errorf("accepted read: %q", got)
	}
	c.Violation.Plate.Accepted = false
	if got := c.Plate(); got != "" {
		t.Errorf("unread plate shown as %q", got)
	}
	e := event(Confirmed, 1)
	e.Decision = &Decision{Plate: "川B99999"}
	c, _ = c.Apply(proven(e))
	if got := c.Plate(); got != "川B99999" || c.Violation.Plate.Text != "川A12345" {
		t.Errorf("plate %q, machine's read %q", got, c.Violation.Plate.Text)
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	change := func(kind EventType, f func(*Event)) Event {
		e := event(kind, 1)
		f(&e)
		return e
	}
	for want, e := range map[string]Event{
		"unknown":                change("abolished", func(*Event) {}),
		"must be set":            change(Suspected, func(e *Event) { e.Actor = "" }),
		"its body is missing":    change(Receipted, func(e *Event) { e.Receipt = nil }),
		"another case's":         change(Suspected, func(e *Event) { e.Case = "d" }),
		"needs a plate":          change(Confirmed, func(e *Event) { e.Decision = &Decision{Plate: " "} }),
		"as a warning does":      change(Warned, func(e *Event) { e.Decision = &Decision{} }),
		"than the proposed one":  change(Confirmed, func(e *Event) { e.Decision.Proposed = Warn }),
		"other than the propose": change(Warned, func(e *Event) { e.Decision.Proposed = Penalise }),
		"rejection needs a reas": change(Rejected, func(e *Event) { e.Decision = &Decision{} }),
	} {
		if err := e.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want one that says %q", err, want)
		}
		if _, outcome := (Case{}).Apply(proven(e)); outcome != Void {
			t.Errorf("%q: outcome = %s, want void", want, outcome)
		}
	}
}

func TestLedgerListsByStateOldestDecisionFirst(t *testing.T) {
	var ledger Ledger
	for i := range 5 {
		suspected, confirmed := event(Suspected, 0), event(Confirmed, 1)
		id := fmt.Sprint("case", i)
		suspected.Violation = &Violation{ID: id}
		suspected.Case, confirmed.Case = id, id
		confirmed.At = noon.Add(-time.Duration(i) * time.Minute)
		ledger.Apply(proven(suspected))
		if i != 2 {
			ledger.Apply(proven(confirmed))
		}
	}
	var ids []string
	for _, c := range ledger.In(StateConfirmed) {
		ids = append(ids, c.ID)
	}
	if diff := cmp.Diff([]string{"case4", "case3", "case1", "case0"}, ids); diff != "" {
		t.Error(diff)
	}
}

func FuzzEventFromTheLog(f *testing.F) {
	for _, kind := range []EventType{Suspected, StopEnded, Confirmed, Rejected, UploadFailed, Receipted} {
		text, err := json.Marshal(event(kind, 1))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var e Event
		if json.Unmarshal(text, &e) != nil {
			return
		}
		open, _ := Case{}.Apply(proven(event(Suspected, 0)))
		for _, c := range []Case{{}, open} {
			if after, outcome := c.Apply(proven(e)); outcome == Applied && after.ID != e.Case {
				t.Errorf("event of case %q made case %q", e.Case, after.ID)
			}
		}
	})
}
