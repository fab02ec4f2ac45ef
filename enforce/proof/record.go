package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
)

// The files of a package that prove what happened to a case, beside what proves
// its evidence.
const (
	RecordFile     = "events.json" // every event, with what it did
	recordSealFile = "events.note"
	rosterFile     = "roster"
)

// RecordSeal puts into a package what proves the record of a case.
type RecordSeal struct {
	Roster []byte      // signed; empty where no event was ever signed
	Signer note.Signer // key of custody
}

// Write seals a record that has been written into a folder.
func (s RecordSeal) Write(dir, violation string, record []byte) error {
	if len(s.Roster) == 0 {
		return nil
	}
	if err := write(dir, rosterFile, s.Roster); err != nil || s.Signer == nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: recordStatement(sumOf(record), violation)}, s.Signer)
	if err != nil {
		return fmt.Errorf("seal the record of case %s: %w", violation, err)
	}
	return write(dir, recordSealFile, signed)
}

// recordStatement is what is signed of a record: its hash and its case.
func recordStatement(record, violation string) string {
	return fmt.Sprintf("tidewatch-record/1\nrecord %s\ncase %s\n", record, violation)
}

// EncodeRecord writes what happened to a case: each event as the case log has
// it, with one more member that says what it did.
func EncodeRecord(history []enforce.Recorded) ([]byte, error) {
	all := []map[string]json.RawMessage{}
	for _, e := range history {
		members, err := membersAndOutcome(e)
		if err != nil {
			return nil, fmt.Errorf("write record: %w", err)
		}
		all = append(all, members)
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write record: %w", err)
	}
	return append(text, '\n'), nil
}

const outcomeMember = "outcome"

func membersAndOutcome(e enforce.Recorded) (members map[string]json.RawMessage, err error) {
	raw := e.Raw
	if len(raw) == 0 {
		if raw, err = json.Marshal(e.Event); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	members[outcomeMember], err = json.Marshal(e.Outcome)
	return members, err
}

// stated is an event of a record: its bytes, and what it is said to have done.
type stated struct {
	raw     []byte
	outcome enforce.Outcome
}

func parseRecord(text []byte) ([]stated, error) {
	var all []map[string]json.RawMessage
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("is not a record: %w", err)
	}
	record := make([]stated, len(all))
	for i, members := range all {
		if err := json.Unmarshal(members[outcomeMember], &record[i].outcome); err != nil {
			return nil, fmt.Errorf("is not a record: event %d does not say what it did", i+1)
		}
		delete(members, outcomeMember)
		var err error
		if record[i].raw, err = canonical(members); err != nil {
			return nil, fmt.Errorf("is not a record: event %d: %w", i+1, err)
		}
	}
	return record, nil
}

// witness proves events of a package. Places in the case log cannot be checked
// there; that this system exported the record says that they were.
type witness struct {
	authors  Authors
	exported bool
}

// Prove implements enforce.Prover.
func (w witness) Prove(e enforce.Event, raw []byte, _ enforce.Position) error {
	_, err := w.authors.Check(e, raw)
	if errors.Is(err, ErrUnsigned) && w.exported {
		return nil
	}
	return err
}

const (
	undecided = "Nothing shows who decided what; have the operator check the case with tidewatch verify --case"
	falsified = "The record was altered, or is not whole"
)

// packageRecord checks what happened to the case of a package.
func (c *Checker) packageRecord(p packed, s *subject, m Manifest) {
	roster, err := p.text(rosterFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && m.Events == "":
		if _, err := p.file(RecordFile); err == nil {
			s.finds(RecordFile, NotChecked, "holds events from before they were signed", undecided)
		}
		return
	case err != nil:
		s.finds(rosterFile, problemOf(err), said(err), undecided)
		return
	}
	who, err := p.keys.OpenRoster(roster)
	if err != nil {
		s.finds(rosterFile, BadSignature, err.Error(), undecided)
		return
	}
	text, err := p.text(RecordFile)
	if err != nil {
		s.finds(RecordFile, problemOf(err), said(err), undecided)
		return
	}
	c.Report.count(0, 1)
	w := witness{authors: who.Authors()}
	w.exported = s.exported(p, who, text)
	s.record(text, w)
}

// exported checks that this system has written a record into the package.
func (s *subject) exported(p packed, who Roster, record []byte) bool {
	signed, err := p.text(recordSealFile)
	if err != nil {
		s.finds(recordSealFile, problemOf(err), said(err), falsified)
		return false
	}
	var custody Keys
	for _, k := range who.Keys {
		if v, err := note.NewVerifier(k.Key); err == nil && k.Role == Custody {
			custody = append(custody, Key{Verifier: v, Text: k.Key})
		}
	}
	switch text, _, err := custody.open(signed); {
	case err != nil:
		s.finds(recordSealFile, BadSignature, err.Error(), falsified)
	case text != recordStatement(sumOf(record), s.id):
		s.finds(recordSealFile, BadSignature, "seals another record", falsified)
	default:
		return true
	}
	return false
}

// record holds each event against its signature, and what it did against what
// it must have done.
func (s *subject) record(text []byte, w witness) {
	record, err := parseRecord(text)
	if err != nil {
		s.finds(RecordFile, Changed, err.Error(), undecided)
		return
	}
	var c enforce.Case
	strangers := 0
	for i, one := range record {
		checked, err := enforce.Check(one.raw, enforce.Position{Offset: int64(i)}, w)
		e := checked.Claim()
		switch {
		case err != nil:
			s.finds(RecordFile, Changed, fmt.Sprintf("event %d is none: %v", i+1, err), falsified)
			continue
		case one.outcome == enforce.Unproven:
			strangers++
			continue
		case checked.Flaw() != nil:
			s.finds(RecordFile, BadSignature, fmt.Sprintf("event %d, %s by %s, %v", i+1, e.Type, e.Actor, checked.Flaw()), undecided)
		case e.Case != s.id:
			s.finds(RecordFile, Contradiction, fmt.Sprintf("event %d is of case %s", i+1, e.Case), falsified)
		case e.Type == enforce.Suspected && e.Violation.Evidence.Manifest != s.found.Manifest:
			s.finds(RecordFile, Contradiction, fmt.Sprintf("event %d opened the case on another manifest", i+1), falsified)
		}
		var did enforce.Outcome
		if c, did = c.Apply(checked); checked.Flaw() == nil && did != one.outcome {
			s.finds(RecordFile, Contradiction, fmt.Sprintf("event %d, %s, is said to be %s and must have been %s", i+1, e.Type, one.outcome, did), falsified)
		}
	}
	if strangers > 0 {
		s.finds(RecordFile, Stranger, fmt.Sprintf("holds %d events that this system did not write", strangers), "They are void; somebody else wrote to the case log")
	}
}
