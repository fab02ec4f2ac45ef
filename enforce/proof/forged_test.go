package proof_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
)

// unsign gives a manifest the form that had no signature, with another vehicle.
func unsign(text []byte) []byte {
	altered := strings.Replace(string(text), proof.Format, proof.UnsignedFormat, 1)
	return []byte(strings.Replace(altered, "建设路", "人民路", 1))
}

func TestAPackageWithoutItsSignatureIsNoOldOne(t *testing.T) {
	s := newStore(t, 2)
	dir := export(t, s, s.Cases[0])
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "manifest.json"), unsign(text))
	for _, name := range []string{"signature.note", "timestamp.tsr", "manifest.proof", "timestamp.proof", "checkpoint"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	report := checkPackage(t, s, s.Keys.Public, dir)
	if report.Wrong() == 0 {
		t.Errorf("a forged package passes: %v", report.Findings)
	}
}

func TestACaseInTheLogIsNoOldOne(t *testing.T) {
	s := newStore(t, 2)
	c := &s.Cases[0]
	text, err := os.ReadFile(s.Files.Path(c.Violation.Evidence.Manifest))
	if err != nil {
		t.Fatal(err)
	}
	sum, _, err := s.Files.Put(t.Context(), strings.NewReader(string(unsign(text))))
	if err != nil {
		t.Fatal(err)
	}
	c.Violation.Camera.Place = "人民路"
	c.Violation.Evidence = enforce.Evidence{Manifest: sum, Files: c.Violation.Evidence.Files}
	report := check(t, s)
	if report.Wrong() == 0 {
		t.Errorf("a case that was written anew passes: %v", report.Findings)
	}
}

func TestAKeyThatIsUsedAgain(t *testing.T) {
	s := newStore(t, 2)
	dir := filepath.Join(s.Dir, "keys")
	secret := secretOf(t, s)
	later := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	err := os.Remove(filepath.Join(dir, "signing.key"))
	_, err2 := keys.Open(keys.Config{Dir: dir}, later)
	ring, err3 := keys.Open(keys.Config{Dir: dir, Secret: secret}, later.AddDate(0, 1, 0))
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	s.Keys = ring
	if report := check(t, s); len(report.Findings) > 0 {
		t.Errorf("what it signed before is called wrong: %v", report.Findings[0])
	}
}

func TestAPackageOfManyNamesIsRead(t *testing.T) {
	s := newStore(t, 2)
	dir := export(t, s, s.Cases[0])
	many := strings.Repeat(`{"kind":"a"},`, 100_000) + `{"kind":"a"}`
	write(t, filepath.Join(dir, "manifest.json"), []byte(fmt.Sprintf(`{"files":[%s],"format":"tidewatch-evidence/2"}`, many)))
	if report := checkPackage(t, s, s.Keys.Public, dir); report.Wrong() == 0 {
		t.Error("nothing is wrong")
	}
}

func TestAPackageOfNoFilesIsRead(t *testing.T) {
	s := newStore(t, 2)
	for _, name := range []string{"manifest.json", "signature.note", "keys.txt", "checkpoint", "manifest.proof", "clip.mp4", "deletion-1.leaf"} {
		t.Run(name, func(t *testing.T) {
			dir := export(t, s, s.Cases[0])
			path := filepath.Join(dir, name)
			_ = os.Remove(path)
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			report := checkPackage(t, s, s.Keys.Public, dir)
			if !slices.ContainsFunc(report.Findings, func(f proof.Finding) bool { return f.Wrong && strings.Contains(f.What, "regular file") }) {
				t.Errorf("findings: %v", report.Findings)
			}
		})
	}
}

// TestAPackageInThePlaceOfAnother is right in itself: only its case tells.
func TestAPackageInThePlaceOfAnother(t *testing.T) {
	s := newStore(t, 2)
	report := checkPackage(t, s, s.Keys.Public, export(t, s, s.Cases[1]))
	if report.Wrong() > 0 || report.Of != s.Cases[1].ID {
		t.Errorf("of case %q, findings %v", report.Of, report.Findings)
	}
}

// TestAnOlderCheckpointIsNoted puts one back and takes the cases since away.
func TestAnOlderCheckpointIsNoted(t *testing.T) {
	s := newStore(t, 2)
	path := filepath.Join(s.LogDir(), "checkpoint")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	grown, err := sim.Open(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(grown.Record(t.Context(), 1), grown.Close()); err != nil {
		t.Fatal(err)
	}
	write(t, path, old)
	if got := problems(check(t, s)); !slices.Equal(got, []proof.Problem{proof.NotChecked}) {
		t.Errorf("problems %v", got)
	}
}

func TestAFindingIsOneLine(t *testing.T) {
	f := proof.Finding{Case: "a\nnothing is wrong", File: "\x1b[2Jb\u202e", What: "c", Means: "d"}
	if got := f.String(); strings.ContainsAny(got, "\n\x1b\u202e") {
		t.Errorf("%q", got)
	}
}

// TestAClockThatIsSetBack has the clock an hour fast as the first key is made.
func TestAClockThatIsSetBack(t *testing.T) {
	s := newStore(t, 1)
	ring, err := keys.Open(keys.Config{Dir: t.TempDir(), Secret: secretOf(t, s)}, sim.Begin.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	s.Keys = ring
	if report := check(t, s); len(report.Findings) > 0 {
		t.Errorf("what was recorded afterwards is called wrong: %v", report.Findings[0])
	}
}

func secretOf(t *testing.T, s *sim.Store) string {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(s.Dir, "keys", "signing.key"))
	if err != nil {
		t.Fatal(err)
	}
	return string(secret)
}
