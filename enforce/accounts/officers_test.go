package accounts

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shown keeps what an operator is shown.
type shown struct {
	name, password string
	err            error
	before         func()
}

func (s *shown) show(name, password string) error {
	if s.before != nil {
		s.before()
	}
	s.name, s.password = name, password
	return s.err
}

func TestFirstStartMakesOneAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "officers.json")
	var s shown
	officers, err := Open(path, s.show)
	if err != nil {
		t.Fatal(err)
	}
	if s.name != FirstOfficer || len(s.password) != 17 || strings.Count(s.password, "-") != 2 {
		t.Errorf("shown are %q and a password of the form %q, want three groups of five", s.name, s.password)
	}
	if !officers.fits(FirstOfficer, s.password) || officers.fits(FirstOfficer, "other") || officers.fits("", s.password) {
		t.Error("only the first officer's password must fit, and only it")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(data), s.password) || !strings.Contains(string(data), "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("the file must hold the hash and not the password:\n%s", data)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("folder holds %v (%v), want the one file", left, err)
	}

	again, err := Open(path, func(string, string) error { t.Error("the second start shows a password"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if !again.fits(FirstOfficer, s.password) {
		t.Error("the password does not fit after a restart")
	}
}

// However a first start ends, no account is left whose password nobody was
// shown.
func TestFirstPasswordIsNotLost(t *testing.T) {
	for name, each := range map[string]struct {
		spoil func(t *testing.T, path string, s *shown)
		shows bool
		wants string
	}{
		"no folder": {
			func(t *testing.T, path string, _ *shown) { remove(t, filepath.Dir(path)) }, false, "no such file",
		},
		"the password cannot be printed": {
			func(_ *testing.T, _ string, s *shown) { s.err = errors.New("broken pipe") }, true, "broken pipe; no account was made",
		},
		"the file cannot take its place": {
			func(t *testing.T, path string, s *shown) { s.before = func() { remove(t, filepath.Dir(path)) } }, true,
			"the password shown is of no use",
		},
		"it ends as it prints": {
			func(t *testing.T, path string, s *shown) {
				s.before = func() {
					if _, err := os.Stat(path); err == nil {
						t.Error("the account is valid before its password is shown")
					}
				}
				s.err = errors.New("killed")
			}, true, "killed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data", "officers.json")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			var s shown
			each.spoil(t, path, &s)
			if _, err := Open(path, s.show); err == nil || !strings.Contains(err.Error(), each.wants) {
				t.Errorf("error %v, want one with %q", err, each.wants)
			}
			if (s.password != "") != each.shows {
				t.Errorf("password shown: %q", s.password)
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			var next shown
			if _, err := Open(path, next.show); err != nil || next.password == "" || next.password == s.password {
				t.Errorf("the next start shows %q (%v), want another password", next.password, err)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func TestOfficersFileIsChecked(t *testing.T) {
	good := cheap("x").String()
	for name, each := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by others": {`[{"name":"a","password_hash":"` + good + `"}]`, 0o640, "is open to other users (mode 0640): chmod 600 "},
		"broken":             {`[{`, 0o600, "unexpected end"},
		"empty":              {``, 0o600, "restore it, or remove it"},
		"nobody":             {`[]`, 0o600, "no account"},
		"twice":              {`[{"name":"a","password_hash":"` + good + `"},{"name":"a","password_hash":"` + good + `"}]`, 0o600, "differ"},
		"no name":            {`[{"password_hash":"` + good + `"}]`, 0o600, "must be set"},
		"odd name":           {`[{"name":"a\u202eb","password_hash":"` + good + `"}]`, 0o600, "letters, digits and signs"},
		"bad hash":           {`[{"name":"a","password_hash":"$2b$10$abc"}]`, 0o600, `account "a": password hash`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "officers.json")
			if err := os.WriteFile(path, []byte(each.text), each.mode); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, nil)
			if err == nil || !strings.Contains(err.Error(), each.want) {
				t.Errorf("error %v, want one with %q", err, each.want)
			}
		})
	}
}

func TestUnknownNamesCostAsMuch(t *testing.T) {
	officers := testOfficers()
	hash, known := officers.of("nobody")
	like := officers.accounts[FirstOfficer]
	if known || hash.memory != like.memory || hash.time != like.time || hash.threads != like.threads || len(hash.sum) != len(like.sum) {
		t.Errorf("an unknown name is checked against %v, want the cost of %v", hash, like)
	}
}
