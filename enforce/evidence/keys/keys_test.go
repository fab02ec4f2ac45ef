package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewatch/enforce/proof"
)

var (
	first = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	later = first.AddDate(1, 0, 0)
)

func open(t *testing.T, cfg Config, at time.Time) *Ring {
	t.Helper()
	r, err := Open(cfg, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestAKeyIsMadeOnceAndKept(t *testing.T) {
	cfg := Config{Dir: filepath.Join(t.TempDir(), "keys"), Origin: "tidewatch/test"}
	one, again := open(t, cfg, first), open(t, cfg, later)
	if one.Signer.KeyHash() != again.Signer.KeyHash() || one.Signer.Name() != "tidewatch/test" {
		t.Errorf("%s+%x, then %s+%x", one.Signer.Name(), one.Signer.KeyHash(), again.Signer.Name(), again.Signer.KeyHash())
	}
	if len(again.Public) != 1 || !again.Public[0].From.IsZero() || !again.Public[0].Until.IsZero() {
		t.Errorf("public keys: %v", again.Public)
	}
	info, err := os.Stat(filepath.Join(cfg.Dir, secretName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key is readable to others: %v, %v", info.Mode(), err)
	}
}

func TestAnotherKeyEndsTheLastOne(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Origin: "tidewatch/test"}
	old := open(t, cfg, first)
	if err := os.Remove(filepath.Join(cfg.Dir, secretName)); err != nil {
		t.Fatal(err)
	}
	cfg.Origin = "another/name" // counts at the first start only
	fresh := open(t, cfg, later)
	if fresh.Signer.KeyHash() == old.Signer.KeyHash() || fresh.Signer.Name() != old.Signer.Name() {
		t.Errorf("%s+%x after %s+%x", fresh.Signer.Name(), fresh.Signer.KeyHash(), old.Signer.Name(), old.Signer.KeyHash())
	}
	public, err := Public(cfg.Dir)
	if err != nil || len(public) != 2 || !public[0].Until.Equal(later) || !public[1].From.Equal(later) || !public[1].Until.IsZero() {
		t.Errorf("public keys: %v, %v", public, err)
	}
	for i, r := range []*Ring{old, fresh} {
		note, err := proof.Sign(r.Signer, []byte("{}"), "v")
		if err != nil || !strings.Contains(string(note), "case v") || public[i].Verifier.KeyHash() != r.Signer.KeyHash() {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

func TestAKeyFromElsewhere(t *testing.T) {
	made := Config{Dir: t.TempDir(), Origin: "tidewatch/test"}
	open(t, made, first)
	secret, err := os.ReadFile(filepath.Join(made.Dir, secretName))
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Dir: t.TempDir(), Secret: string(secret)}
	open(t, cfg, first)
	if _, err := os.Stat(filepath.Join(cfg.Dir, secretName)); !os.IsNotExist(err) {
		t.Errorf("a key was made beside it: %v", err)
	}
}

func TestBadKeysAreRefusedWithoutBeingRepeated(t *testing.T) {
	made := Config{Dir: t.TempDir(), Origin: "tidewatch/other"}
	open(t, made, first)
	other, err := os.ReadFile(filepath.Join(made.Dir, secretName))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	open(t, Config{Dir: dir, Origin: "tidewatch/test"}, first)
	for name, test := range map[string]struct{ secret, want string }{
		"no key":         {"hunter2", "read signing key"},
		"a public key":   {"tidewatch/test+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "read signing key"},
		"of another log": {string(other), `signing key is of "tidewatch/other", and the log of "tidewatch/test"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(Config{Dir: dir, Secret: test.secret}, later)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), strings.TrimSpace(test.secret)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if err := os.WriteFile(filepath.Join(dir, publicName), []byte("what?\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Config{Dir: dir}, later); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("error %v", err)
	}
}

// TestAKeyThatOthersCanReadIsRefused says which file, and what to do.
func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	cfg := Config{Dir: filepath.Join(t.TempDir(), "keys"), Origin: "tidewatch/test"}
	open(t, cfg, first)
	path := filepath.Join(cfg.Dir, secretName)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(cfg, later); err == nil || !strings.Contains(err.Error(), "read signing key: "+path+" is open to other users") {
		t.Errorf("opened: %v", err)
	}
}
