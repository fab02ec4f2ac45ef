package authors_test

import (
	"bytes"
	"slices"
	"testing"

	"tidewatch/enforce"
	"tidewatch/enforce/authors/sim"
	"tidewatch/enforce/proof"
)

// FuzzEnvelope: whatever bytes stand in the log, only those that the system has
// written count.
func FuzzEnvelope(f *testing.F) {
	s, err := sim.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	if err := s.Settle(f.Context(), (&sim.CaseLog{}).AsItStands()); err != nil {
		f.Fatal(err)
	}
	var written [][]byte
	for _, e := range []enforce.Event{suspected("a"), confirmed("a", 1), receipt("a")} {
		raw, err := s.Sign(e)
		if err != nil {
			f.Fatal(err)
		}
		written = append(written, raw)
		f.Add(raw)
		f.Add(bytes.Replace(raw, []byte(`{`), []byte(`{"x":1e999,"x":[[[{}]]],`), 1))
		f.Add(bytes.Replace(raw, []byte(`"signature":{`), []byte(`"signature":{"key":null,`), 1))
	}
	f.Add([]byte(`{"id":"1","case":"a","type":"confirmed","actor":"officer/li","at":"2026-11-23T04:00:00Z","decision":{"plate":"x"},"signature":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		at := enforce.Position{Partition: sim.Home("a", 2)}
		checked, err := enforce.Check(raw, at, s)
		if err != nil {
			return
		}
		genuine := slices.ContainsFunc(written, func(w []byte) bool { return bytes.Equal(w, raw) })
		if _, proven := checked.Proven(); proven != genuine {
			t.Errorf("proven: %v, flaw: %v\n%s", proven, checked.Flaw(), raw)
		}
		if _, outcome := (enforce.Case{}).Apply(checked); !genuine && outcome != enforce.Unproven {
			t.Errorf("outcome %s of\n%s", outcome, raw)
		}
	})
}

// FuzzRoster: a roster counts only as it was signed.
func FuzzRoster(f *testing.F) {
	s, err := sim.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	genuine, err := proof.Roster{Keys: []proof.EventKey{}, Logs: []proof.LogRecord{}}.Sign(s.Ring.Signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(genuine)
	f.Add([]byte("{}\n\n— sim AAAA\n"))
	f.Fuzz(func(t *testing.T, signed []byte) {
		if _, err := s.Ring.Public.OpenRoster(signed); err == nil && !bytes.Equal(signed, genuine) {
			t.Errorf("taken:\n%s", signed)
		}
	})
}
