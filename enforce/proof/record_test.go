package proof_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	authorsim "tidewatch/enforce/authors/sim"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
)

// recorded is a package with the record of its case: opened, confirmed, and
// with an event of somebody else.
type recorded struct {
	store *sim.Store
	who   *authors.Authors
	keys  string // folder
	dir   string
	id    string
}

func newRecorded(t *testing.T) recorded {
	t.Helper()
	store, err := sim.New(t.Context(), t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := recorded{store: store, keys: t.TempDir(), dir: filepath.Join(t.TempDir(), "case"), id: store.Cases[0].ID}
	r.who, err = authors.Open(authors.Config{Dir: r.keys, Root: store.Keys.Signer, Public: store.Keys.Public}, sim.Begin)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.who.Settle(t.Context(), (&authorsim.CaseLog{}).AsItStands()); err != nil {
		t.Fatal(err)
	}
	x := proof.Export{Files: store.Files, Log: store.LogDir(), Keys: store.Keys.Public}
	if err := x.Write(t.Context(), r.dir, store.Cases[0]); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r recorded) event(kind enforce.EventType) enforce.Event {
	e := enforce.Event{ID: string(kind), Case: r.id, Type: kind, At: sim.Begin, Actor: "officer/li", Revision: 1}
	switch kind {
	case enforce.Suspected:
		e.Violation, e.Actor = &r.store.Cases[0].Violation, "camera/c1"
	case enforce.Rejected:
		e.Decision = &enforce.Decision{Reason: "unclear"}
	case enforce.Warned: // the stranger's
		e.Decision, e.Actor = &enforce.Decision{Plate: "川C00000"}, "officer/zhao"
	default:
		e.Decision = &enforce.Decision{Plate: "川A12345"}
	}
	return e
}

// write writes the record of a history, and seals it.
func (r recorded) write(t *testing.T, signed ...bool) {
	t.Helper()
	var c enforce.Case
	var history []enforce.Recorded
	for i, kind := range []enforce.EventType{enforce.Suspected, enforce.Warned, enforce.Confirmed, enforce.Rejected} {
		e := r.event(kind)
		raw, err := json.Marshal(e)
		if signed[i] && err == nil {
			raw, err = r.who.Sign(e)
		}
		if err != nil {
			t.Fatal(err)
		}
		at := enforce.Position{Partition: authorsim.Home(r.id, 2), Offset: int64(i)}
		checked, err := enforce.Check(raw, at, r.who)
		if err != nil {
			t.Fatal(err)
		}
		var outcome enforce.Outcome
		c, outcome = c.Apply(checked)
		history = append(history, enforce.Recorded{Event: e, Outcome: outcome, Raw: raw})
	}
	text, err := proof.EncodeRecord(history)
	if err != nil {
		t.Fatal(err)
	}
	r.put(t, proof.RecordFile, text)
	r.seal(t, text)
}

func (r recorded) seal(t *testing.T, text []byte) {
	t.Helper()
	signed, err := authors.Roster(r.keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := (proof.RecordSeal{Roster: signed, Signer: r.who.Custody()}).Write(r.dir, r.id, text); err != nil {
		t.Fatal(err)
	}
}

func (r recorded) put(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r recorded) get(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (r recorded) change(t *testing.T, old, by string) {
	t.Helper()
	text := r.get(t, proof.RecordFile)
	changed := bytes.Replace(text, []byte(old), []byte(by), 1)
	if bytes.Equal(text, changed) {
		t.Fatalf("the record does not hold %q:\n%s", old, text)
	}
	r.put(t, proof.RecordFile, changed)
}

func (r recorded) check(t *testing.T) (wrong, notes string) {
	t.Helper()
	checker := &proof.Checker{Keys: r.store.Keys.Public, Authorities: r.store.Authority.Roots(), Report: proof.NewReport(r.store.Keys.Public)}
	if err := checker.Package(t.Context(), r.dir); err != nil {
		t.Fatal(err)
	}
	for _, f := range checker.Report.Findings {
		if f.Wrong {
			wrong += f.String() + "\n"
		} else {
			notes += f.String() + "\n"
		}
	}
	return wrong, notes
}

func TestRecordOfAPackage(t *testing.T) {
	tests := map[string]struct {
		damage func(t *testing.T, r recorded)
		want   []string // of what is wrong
	}{
		"sound": {func(*testing.T, recorded) {}, nil},
		"an altered decision": {
			func(t *testing.T, r recorded) { r.change(t, "川A12345", "川B99999") },
			[]string{"confirmed by officer/li, has a signature", "seals another record"},
		},
		"a decision in another's name": {
			func(t *testing.T, r recorded) { r.change(t, "officer/li", "officer/wang") },
			[]string{"has a signature", "seals another record"},
		},
		"another outcome": {
			func(t *testing.T, r recorded) { r.change(t, `"outcome": "void"`, `"outcome": "applied"`) },
			[]string{"is said to be applied and must have been void", "seals another record"},
		},
		"a stranger made to count": {
			func(t *testing.T, r recorded) { r.change(t, `"outcome": "unproven"`, `"outcome": "applied"`) },
			[]string{"warned by officer/zhao, is not signed", "seals another record"},
		},
		"no seal":   {func(t *testing.T, r recorded) { r.remove(t, "events.note") }, []string{"events.note"}},
		"no roster": {func(t *testing.T, r recorded) { r.remove(t, "roster") }, nil},
		"a roster of another system": {func(t *testing.T, r recorded) {
			r.put(t, "roster", newRecordedRoster(t))
		}, []string{"roster: is signed by none of the trusted keys"}},
		"no record": {func(t *testing.T, r recorded) { r.remove(t, proof.RecordFile) }, []string{"events.json"}},
		"no JSON": {
			func(t *testing.T, r recorded) { r.put(t, proof.RecordFile, []byte("[{]")) },
			[]string{"is not a record", "seals another record"},
		},
		"an event left out": {func(t *testing.T, r recorded) {
			var all []json.RawMessage
			if err := json.Unmarshal(r.get(t, proof.RecordFile), &all); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(all[:2])
			if err != nil {
				t.Fatal(err)
			}
			r.put(t, proof.RecordFile, text)
		}, []string{"seals another record"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRecorded(t)
			r.write(t, true, false, true, true)
			test.damage(t, r)
			wrong, notes := r.check(t)
			if (len(test.want) == 0) != (wrong == "") {
				t.Errorf("wrong:\n%s", wrong)
			}
			for _, want := range test.want {
				if !strings.Contains(wrong, want) {
					t.Errorf("want %q, got:\n%s", want, wrong)
				}
			}
			switch name {
			case "sound":
				if !strings.Contains(notes, "1 events that this system did not write") {
					t.Errorf("notes:\n%s", notes)
				}
			case "no roster":
				if !strings.Contains(notes, "from before they were signed") {
					t.Errorf("notes:\n%s", notes)
				}
			}
		})
	}
}

func (r recorded) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(r.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// newRecordedRoster is the roster of another system.
func newRecordedRoster(t *testing.T) []byte {
	t.Helper()
	s, err := authorsim.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := authors.Roster(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}
