package authors_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/authors/sim"
	"tidewatch/enforce/proof"
)

// flaw says why what stands at a place counts for nothing; empty if it counts.
func flaw(t *testing.T, by enforce.Prover, raw []byte, at enforce.Position) string {
	t.Helper()
	checked, err := enforce.Check(raw, at, by)
	if err != nil {
		t.Fatal(err)
	}
	if checked.Flaw() == nil {
		return ""
	}
	return checked.Flaw().Error()
}

func settle(t *testing.T, who *authors.Authors, l *sim.CaseLog) {
	t.Helper()
	if err := who.Settle(t.Context(), l.AsItStands()); err != nil {
		t.Fatal(err)
	}
}

func sign(t *testing.T, s *sim.System, e enforce.Event) []byte {
	t.Helper()
	raw, err := s.Sign(e)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func plain(t *testing.T, e enforce.Event) []byte {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// by signs an event with the key of a role that may not write it.
func by(t *testing.T, s *sim.System, role proof.Role, e enforce.Event) []byte {
	t.Helper()
	signer, err := s.SecretOf(role)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := proof.SignEvent(signer, e)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// withSignatureOf is an event with the signature of another.
func withSignatureOf(t *testing.T, e enforce.Event, other []byte) []byte {
	t.Helper()
	var members, from map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(plain(t, e), &members), json.Unmarshal(other, &from)); err != nil {
		t.Fatal(err)
	}
	members["signature"] = from["signature"]
	raw, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func receipt(id string) enforce.Event {
	return enforce.Event{
		ID: id + "/receipt", Case: id, Type: enforce.Receipted, At: noon, Actor: "uploader", Revision: 2,
		Receipt: &enforce.Receipt{Accepted: true, Code: "0"},
	}
}

// TestWhatAWriterToKafkaCanDo tries what somebody can who reads and writes the
// log and has none of the keys, or one of them.
func TestWhatAWriterToKafkaCanDo(t *testing.T) {
	s, other := open(t, t.TempDir()), open(t, t.TempDir())
	l := &sim.CaseLog{}
	settle(t, s.Authors, l)
	genuine := sign(t, s, confirmed("a", 1))
	home := sim.Home("a", 2)
	if got := flaw(t, s, genuine, l.Append(home, genuine)); got != "" {
		t.Fatalf("what the system wrote: %s", got)
	}
	spaced := strings.Replace(string(genuine), `{"actor"`, `{ "actor"`, 1)
	doubled := strings.Replace(string(genuine), `{"actor"`, `{"actor":"officer/wang","actor"`, 1)
	capital := strings.Replace(string(genuine), `{"actor"`, `{"Actor":"officer/wang","actor"`, 1)
	within := strings.Replace(string(genuine), `{"plate"`, `{"Plate":"川B99999","plate"`, 1)
	tests := map[string]struct {
		raw       []byte
		partition int
		want      string
	}{
		"unsigned":                      {plain(t, confirmed("a", 1)), home, "is not signed"},
		"with another's signature":      {withSignatureOf(t, confirmed("a", 2), genuine), home, "does not hold for it"},
		"moved to another case":         {withSignatureOf(t, confirmed("c", 1), genuine), home, "does not hold for it"},
		"signed by the worker":          {by(t, s, proof.Worker, confirmed("a", 1)), home, "is signed by the worker, which may not write confirmed"},
		"a receipt signed by the desk":  {by(t, s, proof.Desk, receipt("a")), home, "is signed by the desk, which may not write receipt"},
		"a stop signed by the uploader": {by(t, s, proof.Uploader, suspected("a")), home, "which may not write suspected"},
		"signed by another system":      {sign(t, other, confirmed("a", 1)), home, "is no key of this system"},
		"altered": {
			[]byte(strings.Replace(string(genuine), "川A12345", "川B99999", 1)), home,
			"does not hold for it",
		},
		"in other words":        {[]byte(spaced), home, "not in the form"},
		"with a member twice":   {[]byte(doubled), home, "not in the form"},
		"with a member alike":   {[]byte(capital), home, "not in the form"},
		"with one alike within": {[]byte(within), home, "does not hold for it"},
		"in another partition":  {genuine, 1 - home, "its case in"},
		"with half a signature": {[]byte(strings.Replace(string(genuine), `"ed25519":"`, `"ed25519":"AAAA`, 1)), home, "does not hold"},
		"with no object for it": {[]byte(strings.Replace(string(plain(t, confirmed("a", 1))), `{`, `{"signature":7,`, 1)), home, "not in the form"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := flaw(t, s, test.raw, l.Append(test.partition, test.raw)); !strings.Contains(got, test.want) {
				t.Errorf("flaw %q, want %q", got, test.want)
			}
		})
	}
}

// A signature of evidence, or of a checkpoint, is none of an event.
func TestKeysOfEvidenceSignNoEvents(t *testing.T) {
	s := open(t, t.TempDir())
	l := &sim.CaseLog{}
	settle(t, s.Authors, l)
	raw, err := proof.SignEvent(s.Ring.Signer, confirmed("a", 1))
	if err != nil {
		t.Fatal(err)
	}
	if got := flaw(t, s, raw, l.Append(sim.Home("a", 2), raw)); !strings.Contains(got, "is no key of this system") {
		t.Errorf("flaw %q", got)
	}
}

func TestNothingCountsBeforeTheLogIsMet(t *testing.T) {
	s := open(t, t.TempDir())
	raw := sign(t, s, confirmed("a", 1))
	if got := flaw(t, s, raw, enforce.Position{Partition: 1}); !strings.Contains(got, "has not been met") {
		t.Errorf("flaw %q", got)
	}
}

// Events from before they were signed count where they stood, and as they were.
func TestEarlierEventsCountWhereTheyStood(t *testing.T) {
	data := t.TempDir()
	s, l := open(t, data), &sim.CaseLog{}
	home := sim.Home("a", 2)
	first, second := plain(t, suspected("a")), plain(t, confirmed("a", 1))
	atFirst, atSecond := l.Append(home, first), l.Append(home, second)
	settle(t, s.Authors, l)
	for range 2 { // after another start too
		if got := flaw(t, s, first, atFirst) + flaw(t, s, second, atSecond); got != "" {
			t.Errorf("earlier events: %s", got)
		}
		for name, at := range map[string]enforce.Position{
			"copied to the end":      {Partition: home, Offset: 2},
			"to another place":       atSecond,
			"to another partition":   {Partition: 1 - home},
			"to a partition of none": {Partition: 7, Offset: -1},
		} {
			if got := flaw(t, s, first, at); got != "is not signed" {
				t.Errorf("%s: %q", name, got)
			}
		}
		s = open(t, data)
		settle(t, s.Authors, l)
	}
	// The same place in another log, such as one that somebody made anew.
	s = open(t, data)
	anew := &sim.CaseLog{Cluster: "another"}
	settle(t, s.Authors, anew)
	if got := flaw(t, s, first, anew.Append(home, first)); got != "is not signed" {
		t.Errorf("in another log: %q", got)
	}
	// A log without what it held is not taken for it.
	s = open(t, data)
	settle(t, s.Authors, &sim.CaseLog{})
	if got := flaw(t, s, plain(t, confirmed("b", 1)), atFirst); got != "is not signed" {
		t.Errorf("in a log made anew: %q", got)
	}
	list, err := filepath.Glob(filepath.Join(s.Dir, "earlier-*"))
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	put(t, list[0], get(t, list[0])+" ")
	s = open(t, data)
	if err := s.Settle(t.Context(), l.AsItStands()); err == nil || !strings.Contains(err.Error(), "was altered") {
		t.Errorf("with an altered list: %v", err)
	}
	remove(t, list[0])
	if err := s.Settle(t.Context(), l.AsItStands()); err == nil || !strings.Contains(err.Error(), "restore keys/") {
		t.Errorf("without the list: %v", err)
	}
}

// What was decided before it was asked what characters people may write stays
// what it was. The events are written as they were then.
func TestEarlierEventsStayWhatTheyWere(t *testing.T) {
	text, err := os.ReadFile("testdata/before_the_check.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	s, l := open(t, t.TempDir()), &sim.CaseLog{}
	home := sim.Home("a", 2) // and c's
	earlier := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, raw := range earlier {
		l.Append(home, raw)
	}
	settle(t, s.Authors, l)
	var ledger enforce.Ledger
	for offset, raw := range earlier {
		checked, err := enforce.Check(raw, enforce.Position{Partition: home, Offset: int64(offset)}, s)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if _, outcome := ledger.Apply(checked); outcome != enforce.Applied {
			t.Errorf("%s is %s", raw, outcome)
		}
	}
	if c, _ := ledger.Case("a"); c.State != enforce.StateUploaded || c.Plate() != "川a·12345 " {
		t.Errorf("case a is %s, with plate %q", c.State, c.Plate())
	}
	if c, _ := ledger.Case("c"); c.State != enforce.StateRejected || c.Decision.Reason != "unclear\u202e" || c.Hold == nil {
		t.Errorf("case c is %s, %+v", c.State, c.Decision)
	}
	// Now nobody can write such.
	for n, raw := range earlier {
		var e enforce.Event
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		odd := n == 1 || n > 3
		if err := e.Validate(); (err != nil) != odd {
			t.Errorf("%s can be written: %v", raw, err)
		}
		if !odd {
			continue
		}
		again, err := s.SignAnew(raw) // as a repair does
		if err != nil {
			t.Fatal(err)
		}
		if checked, err := enforce.Check(again, l.Append(home, again), s); err != nil || checked.Flaw() != nil {
			t.Errorf("repaired, %s is no event: %v", again, err)
		}
		if _, err := enforce.Check(raw, l.Append(home, raw), s); err == nil {
			t.Errorf("a copy of %s is an event", raw)
		}
	}
}

// In a system that had written nothing, nothing unsigned ever counts.
func TestAFreshSystemHasNoEarlierEvents(t *testing.T) {
	data := t.TempDir()
	s, err := sim.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	cfg := s.Config()
	cfg.Dir, cfg.Fresh = filepath.Join(data, "others"), true
	l := &sim.CaseLog{}
	raw := plain(t, suspected("a"))
	at := l.Append(sim.Home("a", 2), raw)
	for range 2 { // at the second start it is not fresh any more
		who, err := authors.Open(cfg, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		settle(t, who, l)
		if got := flaw(t, who, raw, at); got != "is not signed" {
			t.Errorf("flaw %q", got)
		}
		cfg.Fresh = false
	}
}

// A log that others have signed is refused rather than taken, and rather than
// taken for void; an operator may say that it is this system's.
func TestALogOfLostKeys(t *testing.T) {
	l := &sim.CaseLog{}
	lost := open(t, t.TempDir())
	settle(t, lost.Authors, l)
	raw := sign(t, lost, suspected("a"))
	at := l.Append(sim.Home("a", 2), raw)

	data := t.TempDir()
	s := open(t, data)
	for range 2 {
		if err := s.Settle(t.Context(), l.AsItStands()); !errors.Is(err, authors.ErrForeign) || !strings.Contains(err.Error(), "log adopt") {
			t.Fatalf("settle: %v", err)
		}
		s = open(t, data)
	}
	cfg := s.Config()
	cfg.Adopt = true
	who, err := authors.Open(cfg, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	settle(t, who, l)
	s = open(t, data)
	settle(t, s.Authors, l)
	if got := flaw(t, s, raw, at); got != "" {
		t.Errorf("after it was adopted: %s", got)
	}
	if got := flaw(t, s, raw, l.Append(sim.Home("a", 2), raw)); got == "" {
		t.Error("a copy of it counts")
	}
}

// What was written with a key counts after it was replaced, up to there.
func TestAReplacedKeyEndsWhereTheLogEnded(t *testing.T) {
	data := t.TempDir()
	s, l := open(t, data), &sim.CaseLog{}
	settle(t, s.Authors, l)
	home := sim.Home("a", 2)
	before, stolen := sign(t, s, confirmed("a", 1)), sign(t, s, confirmed("a", 3))
	at := l.Append(home, before)
	remove(t, filepath.Join(s.Dir, "desk.key"))
	for range 2 {
		s = open(t, data)
		settle(t, s.Authors, l)
		if got := flaw(t, s, before, at); got != "" {
			t.Errorf("from before: %s", got)
		}
		if got := flaw(t, s, stolen, l.Append(home, stolen)); !strings.Contains(got, "was replaced on") {
			t.Errorf("from after: %q", got)
		}
		after := sign(t, s, confirmed("a", 5))
		if got := flaw(t, s, after, l.Append(home, after)); got != "" {
			t.Errorf("with the new key: %s", got)
		}
	}
}

// TestStrangersChangeNothing appends, among what the system writes, all sorts of
// what it did not write, and copies of what it did: every case is what the
// system made of it.
func TestStrangersChangeNothing(t *testing.T) {
	s, other := open(t, t.TempDir()), open(t, t.TempDir())
	strangers := 0
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := &sim.CaseLog{Cluster: fmt.Sprint("seed ", seed)}
		settle(t, s.Authors, l)
		var genuine, all enforce.Ledger
		var written [][]byte
		for n := range 120 {
			e := anyEvent(random, n, &genuine)
			home := sim.Home(e.Case, 2)
			var raw []byte
			switch random.IntN(8) {
			case 0:
				raw = plain(t, e)
			case 1:
				raw = by(t, s, proof.Roles[random.IntN(len(proof.Roles))], e)
				if slices.Equal(raw, sign(t, s, e)) {
					continue // that is the system itself
				}
			case 2:
				raw = sign(t, other, e)
			case 3:
				raw, home = sign(t, s, e), 1-home
			case 4, 5:
				if len(written) == 0 {
					continue
				}
				raw = written[random.IntN(len(written))]
				if home = random.IntN(2); random.IntN(2) == 0 {
					raw = withSignatureOf(t, e, raw)
				}
			default:
				raw = sign(t, s, e)
				written = append(written, raw)
				checked, err := enforce.Check(raw, l.Append(home, raw), s)
				if err != nil {
					t.Fatal(err)
				}
				_, one := genuine.Apply(checked)
				if _, other := all.Apply(checked); one != other {
					t.Fatalf("%s is %s instead of %s", e.Type, other, one)
				}
				continue
			}
			strangers++
			checked, err := enforce.Check(raw, l.Append(home, raw), s)
			if err != nil {
				t.Fatal(err)
			}
			all.Apply(checked)
			id := checked.Claim().Case
			was, _ := genuine.Case(id)
			if is, _ := all.Case(id); !cmp.Equal(was, is) {
				t.Fatalf("seed %d: a stranger changed a case:\n%s\n%s", seed, raw, cmp.Diff(was, is))
			}
		}
	}
	if strangers < 500 {
		t.Errorf("only %d were tried", strangers)
	}
}

// anyEvent is an event of any type on one of a few cases.
// Nobody decides on a revision that the case has not had yet.
func anyEvent(random *rand.Rand, n int, known *enforce.Ledger) enforce.Event {
	id := string(rune('a' + random.IntN(3)))
	c, exists := known.Case(id)
	e := enforce.Event{ID: fmt.Sprint(n), Case: id, At: noon.Add(time.Duration(n) * time.Second), Actor: "x"}
	if !exists {
		return suspected(id)
	}
	e.Revision = 1 + random.IntN(c.Revision)
	switch random.IntN(9) {
	case 0, 1:
		return suspected(id)
	case 2:
		e.Type, e.Hold = enforce.Held, &enforce.Hold{Reason: "objection"}
	case 3:
		e.Type, e.Hold = enforce.Released, &enforce.Hold{Reason: "settled"}
	case 4:
		e.Type, e.Decision = enforce.Rejected, &enforce.Decision{Reason: "unclear"}
	case 5:
		e.Type, e.Receipt = enforce.Receipted, &enforce.Receipt{Accepted: random.IntN(2) == 0, Code: fmt.Sprint(n)}
	case 6:
		e.Type, e.Failure = enforce.UploadFailed, &enforce.Failure{Attempt: 1 + random.IntN(5), Error: "busy"}
	case 7:
		e.Type, e.Deletion = enforce.Deleted, &enforce.Deletion{Files: []enforce.FileName{{Kind: enforce.Clip, SHA256: fmt.Sprint(n)}}}
	default:
		e.Type, e.Decision = enforce.Confirmed, &enforce.Decision{Plate: "川A12345"}
	}
	return e
}
