package proof_test

import (
	"cmp"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"))
}

func newStore(t *testing.T, n int) *sim.Store {
	t.Helper()
	s, err := sim.New(t.Context(), t.TempDir(), n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, s *sim.Store) *proof.Report {
	t.Helper()
	report, err := s.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestNothingIsWrongWithWhatNobodyTouched(t *testing.T) {
	for name, n := range map[string]int{"few": 3, "a full tile of leaves": 128, "some tiles": 300} {
		t.Run(name, func(t *testing.T) {
			report := check(t, newStore(t, n))
			if len(report.Findings) > 0 || report.Cases != n || report.Leaves != uint64(2*n) || report.Files != 10*n {
				t.Errorf("%d cases, %d files, %d leaves, findings %v", report.Cases, report.Files, report.Leaves, report.Findings)
			}
		})
	}
}

// TestEachDamageIsFound does each damage to two cases, one whose leaf is in a
// full tile and one in the last, and holds what is found against what was done.
func TestEachDamageIsFound(t *testing.T) {
	damages := sim.Damages()
	s := newStore(t, 130+len(damages))
	random := rand.New(rand.NewPCG(7, 7))
	slices.SortFunc(s.Cases, func(a, b enforce.Case) int {
		return cmp.Compare(a.Violation.Evidence.Leaf, b.Violation.Evidence.Leaf)
	})
	want := map[string]string{}
	for i, damage := range damages {
		for _, c := range []enforce.Case{s.Cases[i], s.Cases[len(s.Cases)-1-i]} {
			if err := damage.Do(s, c, random); err != nil {
				t.Fatal(err)
			}
			want[c.ID] = damage.Name
		}
	}
	found := map[string]bool{}
	for _, f := range check(t, s).Findings {
		if f.Wrong && f.Case != "" && want[f.Case] == "" {
			t.Errorf("false alarm: %s", f)
		}
		found[f.Case] = found[f.Case] || f.Wrong
	}
	for id, how := range want {
		if !found[id] {
			t.Errorf("%s of %s is not found", how, id)
		}
	}
}

// wrongInLog is how much is wrong with the log of a store.
func wrongInLog(t *testing.T, s *sim.Store) *proof.Report {
	t.Helper()
	report := proof.NewReport(s.Keys.Public)
	proof.ReadLog(t.Context(), s.LogDir(), s.Keys.Public, report)
	return report
}

// TestEveryByteOfTheLogCounts flips bits in every file that the log consists of
// now, and removes each.
func TestEveryByteOfTheLogCounts(t *testing.T) {
	s := newStore(t, 140)
	random := rand.New(rand.NewPCG(8, 8))
	for _, name := range []string{
		"checkpoint", ".state/treeState", "tile/entries/000", "tile/entries/001.p/24", "tile/0/000", "tile/0/001.p/24", "tile/1/000.p/1",
	} {
		path := filepath.Join(s.LogDir(), name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			at := random.IntN(len(whole))
			altered := slices.Clone(whole)
			altered[at] ^= 1 << random.IntN(8)
			write(t, path, altered)
			if wrongInLog(t, s).Wrong() == 0 && !sameState(name, whole, altered) {
				t.Errorf("%s: byte %d: %q -> %q is not found", name, at, whole[at], altered[at])
			}
		}
		write(t, path, whole[:len(whole)/2])
		if wrongInLog(t, s).Wrong() == 0 {
			t.Errorf("%s: half of it is not found", name)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		wrong := wrongInLog(t, s).Findings
		if !slices.ContainsFunc(wrong, func(f proof.Finding) bool {
			return f.Wrong && f.Problem == proof.Missing && f.File == filepath.Join("log", name)
		}) {
			t.Errorf("%s: removed, found %v", name, wrong)
		}
		write(t, path, whole)
	}
	if report := wrongInLog(t, s); report.Wrong() > 0 {
		t.Fatalf("restored, and yet %v", report.Findings)
	}
}

// sameState reports whether an altered state of the writer says the same: JSON
// names fields in any case, and base64 has bits that count for nothing.
func sameState(name string, whole, altered []byte) bool {
	return name == ".state/treeState" && strings.EqualFold(string(whole), string(altered))
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o640); err != nil {
		t.Fatal(err)
	}
}

func problems(report *proof.Report) (found []proof.Problem) {
	for _, f := range report.Findings {
		found = append(found, f.Problem)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestTheCaseLogIsHeldAgainstTheManifest(t *testing.T) {
	s := newStore(t, 3)
	for name, test := range map[string]struct {
		change func(c *enforce.Case)
		want   []proof.Problem
	}{
		"another place":      {func(c *enforce.Case) { c.Violation.Camera.Place = "elsewhere" }, []proof.Problem{proof.Contradiction}},
		"another leaf":       {func(c *enforce.Case) { c.Violation.Evidence.Leaf++ }, []proof.Problem{proof.NotLogged}},
		"a leaf too far":     {func(c *enforce.Case) { c.Violation.Evidence.Leaf = 99 }, []proof.Problem{proof.NotLogged}},
		"no signature":       {func(c *enforce.Case) { c.Violation.Evidence.Signature = "" }, []proof.Problem{proof.Contradiction, proof.NotLogged}},
		"another's manifest": {func(c *enforce.Case) { c.Violation.Evidence.Manifest = s.Cases[2].Violation.Evidence.Manifest }, []proof.Problem{proof.Contradiction, proof.NotLogged, proof.BadSignature, proof.Superseded}},
		"another rule":       {func(c *enforce.Case) { c.Violation.Policy = s.Cases[0].Violation.Evidence.Manifest }, []proof.Problem{proof.Contradiction}},
		"a file less": {func(c *enforce.Case) {
			c.Violation.Evidence.Files = c.Violation.Evidence.Files[1:]
		}, []proof.Problem{proof.Contradiction}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := s.Cases[1]
			defer func() { s.Cases[1] = whole }()
			test.change(&s.Cases[1])
			slices.Sort(test.want)
			if diff := gocmp.Diff(test.want, problems(check(t, s))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestACaseTakenFromTheCaseLogIsMissed(t *testing.T) {
	s := newStore(t, 3)
	s.Cases = s.Cases[:2]
	if diff := gocmp.Diff([]proof.Problem{proof.NoCase}, problems(check(t, s))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhatIsDeletedByARuleIsNotMissing(t *testing.T) {
	s := newStore(t, 3)
	again, err := sim.Open(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	clip, _ := s.Cases[1].Violation.Evidence.File(enforce.Clip)
	if err := errors.Join(again.Delete(t.Context(), s.Cases[1], clip), again.Close()); err != nil {
		t.Fatal(err)
	}
	report := check(t, s)
	if diff := gocmp.Diff([]proof.Problem{proof.Gone}, problems(report)); diff != "" || report.Wrong() > 0 {
		t.Errorf("%d wrong; -want +got:\n%s", report.Wrong(), diff)
	}
	if said := report.Findings[0].String(); !strings.Contains(said, "deleted on 2026-03-02 (a test), as leaf 6 of the log records") {
		t.Errorf("said: %s", said)
	}
}

func TestUnsignedManifestsAreNotBroken(t *testing.T) {
	s := newStore(t, 2)
	c := s.Cases[0]
	c.ID, c.Violation.ID = "old", "old"
	text := `{"format": "tidewatch-evidence/1", "software": "tidewatch 1", "violation": {"id": "old"}, "files": []}` + "\n"
	sum, _, err := s.Files.Put(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c.Violation = enforce.Violation{ID: "old", Evidence: enforce.Evidence{Manifest: sum, Files: []enforce.File{}}}
	s.Cases = append(s.Cases, c)
	report := check(t, s)
	for _, f := range report.Findings {
		if f.Problem != proof.Unsigned && f.Problem != proof.Contradiction {
			t.Error(f)
		}
	}
	if !slices.Contains(problems(report), proof.Unsigned) {
		t.Error("it does not say that it is unsigned")
	}
}

// TestConsistency holds a log that grew, and logs that were cut or written
// anew, against an earlier checkpoint.
func TestConsistency(t *testing.T) {
	s := newStore(t, 100)
	old, err := os.ReadFile(filepath.Join(s.LogDir(), "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	grown, err := sim.Open(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(grown.Record(t.Context(), 100), grown.Close()); err != nil {
		t.Fatal(err)
	}
	consistent := func(s *sim.Store, keys proof.Keys, old []byte) []proof.Problem {
		report := proof.NewReport(keys)
		proof.ReadLog(t.Context(), s.LogDir(), keys, report).CheckConsistency("old", old, keys, report)
		return problems(report)
	}
	if got := consistent(s, s.Keys.Public, old); len(got) > 0 {
		t.Errorf("a log that grew: %v", got)
	}
	shorter := newStore(t, 3)
	both := slices.Concat(s.Keys.Public, shorter.Keys.Public)
	if got := consistent(shorter, both, old); !slices.Equal(got, []proof.Problem{proof.Inconsistent}) {
		t.Errorf("a log that was cut: %v", got)
	}
	anew := newStore(t, 200)
	both = slices.Concat(s.Keys.Public, anew.Keys.Public)
	if got := consistent(anew, both, old); !slices.Equal(got, []proof.Problem{proof.Inconsistent}) {
		t.Errorf("a log that was written anew: %v", got)
	}
	if got := consistent(s, s.Keys.Public, append(old, '\n')); !slices.Equal(got, []proof.Problem{proof.BadSignature}) {
		t.Errorf("a checkpoint that was altered: %v", got)
	}
}

func export(t *testing.T, s *sim.Store, c enforce.Case) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "package")
	if err := (proof.Export{Files: s.Files, Log: s.LogDir(), Keys: s.Keys.Public}).Write(t.Context(), dir, c); err != nil {
		t.Fatal(err)
	}
	return dir
}

func checkPackage(t *testing.T, s *sim.Store, keys proof.Keys, dir string) *proof.Report {
	t.Helper()
	report := proof.NewReport(keys)
	checker := proof.Checker{Keys: keys, Authorities: s.Authority.Roots(), Report: report}
	if err := checker.Package(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	return report
}

// TestEveryByteOfAPackageCounts flips bits in every file of an exported package,
// removes each, and checks it with nothing but the public key.
func TestEveryByteOfAPackageCounts(t *testing.T) {
	s := newStore(t, 20)
	dir := export(t, s, s.Cases[11])
	if report := checkPackage(t, s, s.Keys.Public, dir); len(report.Findings) > 0 || report.Cases != 1 {
		t.Fatalf("untouched: %v", report.Findings)
	}
	random := rand.New(rand.NewPCG(9, 9))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 14 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name())
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			at := random.IntN(len(whole))
			altered := slices.Clone(whole)
			altered[at] ^= 1 << random.IntN(8)
			write(t, path, altered)
			if checkPackage(t, s, s.Keys.Public, dir).Wrong() == 0 {
				t.Errorf("%s: byte %d: %q -> %q is not found", file.Name(), at, whole[at], altered[at])
			}
		}
		for how, altered := range map[string][]byte{"empty": nil, "cut": whole[:len(whole)-1], "longer": append(slices.Clone(whole), '\n')} {
			write(t, path, altered)
			if checkPackage(t, s, s.Keys.Public, dir).Wrong() == 0 {
				t.Errorf("%s: %s is not found", file.Name(), how)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if checkPackage(t, s, s.Keys.Public, dir).Wrong() == 0 {
			t.Errorf("%s: removed, not found", file.Name())
		}
		write(t, path, whole)
	}
}

func TestNoKeyIsTrustedForBeingInThePackage(t *testing.T) {
	s, stranger := newStore(t, 3), newStore(t, 1)
	dir := export(t, s, s.Cases[0])
	report := checkPackage(t, s, nil, dir)
	if diff := gocmp.Diff([]proof.Problem{proof.Untrusted}, problems(report)); diff != "" {
		t.Errorf("no key: -want +got:\n%s", diff)
	}
	report = checkPackage(t, s, stranger.Keys.Public, dir)
	if !slices.Contains(problems(report), proof.BadSignature) || !slices.Contains(problems(report), proof.NotLogged) {
		t.Errorf("another's key: %v", report.Findings)
	}
}

func TestAPackageTellsWhatWasDeleted(t *testing.T) {
	s := newStore(t, 3)
	again, err := sim.Open(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	c := s.Cases[1]
	clip, _ := c.Violation.Evidence.File(enforce.Clip)
	if err := errors.Join(again.Delete(t.Context(), c, clip), again.Close()); err != nil {
		t.Fatal(err)
	}
	c.Deleted = []enforce.FileName{{Kind: clip.Kind, SHA256: clip.SHA256}}
	dir := export(t, s, c)
	report := checkPackage(t, s, s.Keys.Public, dir)
	if diff := gocmp.Diff([]proof.Problem{proof.Gone}, problems(report)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := os.Remove(filepath.Join(dir, "deletion-6.leaf")); err != nil {
		t.Fatal(err)
	}
	if report = checkPackage(t, s, s.Keys.Public, dir); !slices.Contains(problems(report), proof.Missing) {
		t.Errorf("without the log's record of it: %v", report.Findings)
	}
}

func TestWhatIsNoPackage(t *testing.T) {
	s := newStore(t, 1)
	if got := problems(checkPackage(t, s, s.Keys.Public, t.TempDir())); !slices.Contains(got, proof.Missing) {
		t.Errorf("an empty folder: %v", got)
	}
	err := (&proof.Checker{Report: proof.NewReport(nil)}).Package(t.Context(), filepath.Join(t.TempDir(), "none"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestASignedLieIsFound signs, with the system's own key, what cannot be: a
// verdict that does not follow from its policy, and a copy with another's code.
func TestASignedLieIsFound(t *testing.T) {
	for name, test := range map[string]struct {
		lie  func(m *proof.Manifest)
		want string
	}{
		"not long enough": {func(m *proof.Manifest) { m.Violation.Stop.End = m.Violation.Stop.Start.Add(time.Minute) }, "the stop is not suspected"},
		"due earlier":     {func(m *proof.Manifest) { m.Violation.Due = m.Violation.Due.Add(-time.Minute) }, "due at"},
		"other reasons":   {func(m *proof.Manifest) { m.Violation.Reasons = nil }, "other reasons"},
		"another's code":  {func(m *proof.Manifest) { m.Files[5].AntiForgery = "0000-0000-0000-0000" }, "anti-forgery code 0000"},
		"of another file": {func(m *proof.Manifest) { m.Files[5].Of = []string{strings.Repeat("0", 64)} }, "does not name"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sim.Open(t.TempDir())
			if err == nil {
				err = s.Record(t.Context(), 1)
			}
			if err != nil {
				t.Fatal(err)
			}
			c := &s.Cases[0]
			m := proof.Manifest{Format: proof.Format, RecordedAt: sim.Begin, Violation: c.Violation, Files: c.Violation.Evidence.Files}
			m.Violation.Evidence = enforce.Evidence{}
			test.lie(&m)
			seal := evidence.Seal{Signer: s.Keys.Signer, Files: s.Files, Log: s.Log}
			sealed, err := seal.Manifest(t.Context(), m)
			if err = errors.Join(err, s.Close()); err != nil {
				t.Fatal(err)
			}
			c.Violation = m.Violation
			c.Violation.Evidence = sealed
			var wrong []string
			for _, f := range check(t, s).Findings {
				if f.Wrong {
					wrong = append(wrong, f.String())
				}
			}
			if len(wrong) != 1 || !strings.Contains(wrong[0], test.want) {
				t.Errorf("found %v, want %q", wrong, test.want)
			}
		})
	}
}
