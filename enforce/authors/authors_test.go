package authors_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/authors/sim"
	"tidewatch/enforce/proof"
)

func open(t *testing.T, data string) *sim.System {
	t.Helper()
	s, err := sim.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFirstStartMakesKeysThatAreReadByTheirOwnerOnly(t *testing.T) {
	s := open(t, t.TempDir())
	for _, role := range proof.Roles {
		info, err := os.Stat(filepath.Join(s.Dir, string(role)+".key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("key of the %s: %v, %v", role, info, err)
		}
	}
	roster := rosterOf(t, s)
	if len(roster.Keys) != len(proof.Roles) {
		t.Errorf("roster %+v", roster)
	}
	again := open(t, filepath.Dir(s.Dir))
	if got := rosterOf(t, again); len(got.Keys) != len(roster.Keys) {
		t.Errorf("after another start: %+v", got)
	}
}

func rosterOf(t *testing.T, s *sim.System) proof.Roster {
	t.Helper()
	signed, err := authors.Roster(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Ring.Public.OpenRoster(signed)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpenRefuses(t *testing.T) {
	tests := map[string]struct {
		damage func(t *testing.T, dir string)
		want   string
	}{
		"a key that others can read": {func(t *testing.T, dir string) {
			chmod(t, filepath.Join(dir, "desk.key"), 0o640)
		}, "is open to other users"},
		"a key that is none": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "desk.key"), "no key")
		}, "restore it from the backup"},
		"a key of two roles": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "desk.key"), get(t, filepath.Join(dir, "worker.key")))
		}, "that of the worker too"},
		"no roster": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "roster"))
		}, "tidewatch log adopt"},
		"an altered roster": {func(t *testing.T, dir string) {
			text := get(t, filepath.Join(dir, "roster"))
			put(t, filepath.Join(dir, "roster"), strings.Replace(text, `"desk"`, `"custody"`, 1))
		}, "read roster"},
		"a roster of another system": {func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, "roster"), get(t, filepath.Join(open(t, t.TempDir()).Dir, "roster")))
		}, "signed by none of the trusted keys"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			s := open(t, data)
			test.damage(t, s.Dir)
			_, err := sim.Open(data)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("open: %v, want an error that says %q", err, test.want)
			}
		})
	}
}

// A crash between the roster and a key that it names leaves no system that does
// not start.
func TestAKeyThatIsGoneIsReplaced(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	if len(s.Amiss) > 0 {
		t.Errorf("the first start says %q", s.Amiss)
	}
	gone := filepath.Join(s.Dir, "desk.key")
	remove(t, gone)
	s = open(t, data)
	if len(s.Amiss) != 1 || !strings.Contains(s.Amiss[0], gone) {
		t.Errorf("says %q, want that %s was replaced", s.Amiss, gone)
	}
	before, after := rosterOf(t, s).Keys[1], rosterOf(t, s).Keys[4]
	if before.Role != proof.Desk || before.Retired.IsZero() || after.Role != proof.Desk || !after.Retired.IsZero() {
		t.Errorf("roster %+v", rosterOf(t, s).Keys)
	}
}

func TestReadChangesNothingAndNeedsTheRoster(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	cfg := s.Config()
	cfg.Root = nil
	who, err := authors.Read(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := who.Sign(confirmed("a", 1)); err == nil {
		t.Error("signs without being unlocked")
	}
	if err := who.Unlock(); err != nil {
		t.Error(err)
	}
	if _, err := who.Sign(confirmed("a", 1)); err != nil {
		t.Error(err)
	}
	remove(t, filepath.Join(s.Dir, "roster"))
	if _, err := authors.Read(cfg); !errors.Is(err, authors.ErrLost) {
		t.Errorf("without a roster: %v", err)
	}
	empty := cfg
	empty.Dir = filepath.Join(t.TempDir(), "keys")
	if _, err := authors.Read(empty); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(empty.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made a folder: %v", err)
	}
}

func TestSignAnew(t *testing.T) {
	data := t.TempDir()
	s := open(t, data)
	present, err := s.Sign(confirmed("a", 1))
	if err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(s.Dir, "desk.key"))
	s = open(t, data)
	unsigned, err := json.Marshal(confirmed("b", 1))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{"unsigned": unsigned, "by a key that was replaced": present} {
		anew, err := s.SignAnew(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := s.SignAnew(anew)
		if err != nil || string(again) != string(anew) {
			t.Errorf("%s: what counts is signed again: %v", name, err)
		}
	}
	altered := strings.Replace(string(present), "川A12345", "川B99999", 1)
	if _, err := s.SignAnew([]byte(altered)); err == nil {
		t.Error("what was altered is signed")
	}
}

var noon = time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)

func suspected(id string) enforce.Event {
	return enforce.Event{
		ID: id + "/suspected", Case: id, Type: enforce.Suspected, At: noon, Actor: "camera/c1",
		Violation: &enforce.Violation{ID: id},
	}
}

func confirmed(id string, revision int) enforce.Event {
	return enforce.Event{
		ID: id + "/confirmed", Case: id, Type: enforce.Confirmed, At: noon, Actor: "officer/li", Revision: revision,
		Decision: &enforce.Decision{Plate: "川A12345"},
	}
}

func get(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
