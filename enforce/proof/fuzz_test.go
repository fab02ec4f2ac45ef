package proof

import (
	"crypto/rand"
	"regexp"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
)

// testKeys are a signer and what trusts it.
func testKeys(t testing.TB) (note.Signer, Keys) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(public + " 2026-01-01T00:00:00Z -\n")
	if err != nil {
		t.Fatal(err)
	}
	return signer, keys
}

// nameForm is what names in a package are made of: none leads out of it.
var nameForm = regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9]+$`)

func FuzzParseManifest(f *testing.F) {
	text, err := Manifest{Format: Format, Violation: enforce.Violation{ID: "v"}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"format":"tidewatch-evidence/1"}`))
	f.Add([]byte(`{"format":"tidewatch-evidence/2","files":[{"at":"2026-03-02T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			return
		}
		for _, name := range fileNames(m.Files) {
			if !nameForm.MatchString(name) {
				t.Errorf("a package would hold %q", name)
			}
		}
	})
}

// FuzzSignature holds that only what the signer wrote is taken, to the byte.
func FuzzSignature(f *testing.F) {
	signer, keys := testKeys(f)
	signed, err := Sign(signer, []byte("{}"), "v")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, _, err := keys.open(text); err == nil && string(text) != string(signed) {
			t.Errorf("taken: %q", text)
		}
	})
}

func FuzzCheckpoint(f *testing.F) {
	signer, keys := testKeys(f)
	signed, err := note.Sign(&note.Note{Text: "test\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"}, signer)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, text []byte) {
		if c, _, err := keys.openCheckpoint(text); err == nil && (string(text) != string(signed) || c.Size != 1) {
			t.Errorf("taken: %q", text)
		}
	})
}

func FuzzParseInclusion(f *testing.F) {
	f.Add(inclusion{7, [][]byte{make([]byte, 32)}, []byte("checkpoint\n")}.String())
	f.Add(inclusionHeader + "\nindex 0\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if i, err := parseInclusion(text); err == nil && i.String() != text {
			t.Errorf("%q is read as %q", text, i.String())
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	_, keys := testKeys(f)
	f.Add(keys[0].String())
	f.Add("# a comment\n\n" + keys[0].Text)
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := ParseKeys(text)
		if err != nil {
			return
		}
		for _, k := range keys {
			if again, err := ParseKeys(k.String()); err != nil || len(again) != 1 || again[0].String() != k.String() {
				t.Errorf("%q is read as %v, %v", k, again, err)
			}
		}
	})
}

func FuzzParseLeaf(f *testing.F) {
	text, err := Leaf{Kind: DeletionLeaf, Files: []enforce.FileName{{Kind: enforce.Clip, SHA256: "00"}}}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := ParseLeaf(text); err == nil && l.Kind == "" {
			t.Error("a leaf of no kind")
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x00})
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, _, err := CheckTimestamp(answer, []byte("evidence"), nil); err == nil {
			t.Error("a timestamp out of nothing")
		}
	})
}

// FuzzRecord reads records of packages from anywhere.
func FuzzRecord(f *testing.F) {
	signer, _ := testKeys(f)
	e := enforce.Event{ID: "1", Case: "v", Type: enforce.Suspected, Violation: &enforce.Violation{ID: "v"}}
	raw, err := SignEvent(signer, e)
	if err != nil {
		f.Fatal(err)
	}
	text, err := EncodeRecord([]enforce.Recorded{{Event: e, Outcome: enforce.Applied, Raw: raw}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`[null,{"outcome":"applied"},{"outcome":"applied","type":"suspected"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		checker := &Checker{Report: NewReport(nil)}
		s := subject{Checker: checker, id: "v"}
		s.record(text, witness{exported: true})
		record, err := parseRecord(text)
		if err != nil && checker.Report.Wrong() == 0 {
			t.Errorf("%v is no finding", err)
		}
		if len(record) == 1 && record[0].outcome == enforce.Applied && string(record[0].raw) != string(raw) && checker.Report.Wrong() == 0 {
			checked, err := enforce.Check(record[0].raw, enforce.Position{}, witness{exported: true})
			if err != nil || checked.Flaw() != nil {
				t.Errorf("taken:\n%s", text)
			}
		}
	})
}
