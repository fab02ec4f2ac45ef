package accounts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFirstStartMakesOneAccount(t *testing.T) {
	path := filepath.Join(t.TempDir(), "officers.json")
	officers, password, err := OpenOfficers(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(password) != 17 || strings.Count(password, "-") != 2 {
		t.Errorf("password has the form %q, want three groups of five", password)
	}
	if err := officers.SignIn(t.Context(), FirstOfficer, password); err != nil {
		t.Errorf("sign in with the first password: %v", err)
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
	if strings.Contains(string(data), password) || !strings.Contains(string(data), "$argon2id$v=19$m=65536,t=3,p=4$") {
		t.Errorf("the file must hold the hash and not the password:\n%s", data)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("folder holds %v (%v), want the one file", left, err)
	}

	again, second, err := OpenOfficers(path)
	if err != nil || second != "" {
		t.Fatalf("second start: password %q, error %v; want neither", second, err)
	}
	if err := again.SignIn(t.Context(), FirstOfficer, password); err != nil {
		t.Errorf("sign in after a restart: %v", err)
	}
}

func TestOfficersFileIsChecked(t *testing.T) {
	good := hashPassword("x").String()
	for name, each := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by others": {`[{"name":"a","password_hash":"` + good + `"}]`, 0o640, "can be read by others"},
		"broken":             {`[{`, 0o600, "unexpected end"},
		"nobody":             {`[]`, 0o600, "no account"},
		"twice":              {`[{"name":"a","password_hash":"` + good + `"},{"name":"a","password_hash":"` + good + `"}]`, 0o600, "differ"},
		"no name":            {`[{"password_hash":"` + good + `"}]`, 0o600, "must be set"},
		"bad hash":           {`[{"name":"a","password_hash":"$2b$10$abc"}]`, 0o600, `account "a": password hash`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "officers.json")
			if err := os.WriteFile(path, []byte(each.text), each.mode); err != nil {
				t.Fatal(err)
			}
			_, _, err := OpenOfficers(path)
			if err == nil || !strings.Contains(err.Error(), each.want) {
				t.Errorf("error %v, want one with %q", err, each.want)
			}
		})
	}
}

func TestFirstStartNeedsAFolder(t *testing.T) {
	if _, password, err := OpenOfficers(filepath.Join(t.TempDir(), "none", "officers.json")); err == nil || password != "" {
		t.Errorf("password %q, error %v: an account that is not kept must not be told", password, err)
	}
}

func TestGuessingSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		officers := testOfficers()
		try := func(name, password string, want error) {
			t.Helper()
			if err := officers.SignIn(t.Context(), name, password); !errors.Is(err, want) {
				t.Errorf("sign in as %q: %v, want %v", name, err, want)
			}
		}
		for range freeFailures + 1 {
			try(FirstOfficer, "guess", ErrBadSignIn)
		}
		try(FirstOfficer, testPassword, ErrTooSoon)
		time.Sleep(time.Second - 1)
		try(FirstOfficer, testPassword, ErrTooSoon)
		try("nobody", testPassword, ErrBadSignIn) // waits by itself
		time.Sleep(time.Nanosecond)
		try(FirstOfficer, "guess", ErrBadSignIn)
		time.Sleep(time.Second)
		try(FirstOfficer, testPassword, ErrTooSoon) // two seconds by now
		for range 100 {
			officers.waits[FirstOfficer] = officers.waits[FirstOfficer].failed(time.Now())
		}
		time.Sleep(maxWait) // never longer than this
		try(FirstOfficer, testPassword, nil)
		try(FirstOfficer, "guess", ErrBadSignIn)
		try(FirstOfficer, testPassword, nil) // success forgets the failures
	})
}

func TestUnknownNamesWaitTogether(t *testing.T) {
	officers := testOfficers()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if err := officers.SignIn(t.Context(), name, testPassword); !errors.Is(err, ErrBadSignIn) {
			t.Fatalf("sign in as %q: %v", name, err)
		}
	}
	if err := officers.SignIn(t.Context(), "f", testPassword); !errors.Is(err, ErrTooSoon) {
		t.Errorf("sixth name: %v, want %v", err, ErrTooSoon)
	}
	if len(officers.waits) != 1 {
		t.Errorf("%d names are remembered, want 1", len(officers.waits))
	}
}

func TestSignInEndsWithItsRequest(t *testing.T) {
	officers := testOfficers()
	officers.turn <- struct{}{} // somebody's check takes long
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := officers.SignIn(ctx, FirstOfficer, testPassword); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestHashesDiffer(t *testing.T) {
	a, b := hashPassword("same"), hashPassword("same")
	if a.String() == b.String() {
		t.Error("two hashes of one password are the same: no salt")
	}
	if !a.fits("same") || a.fits("Same") {
		t.Error("a hash must fit its password and no other")
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(hashPassword("x").String())
	f.Add("$argon2id$v=19$m=64,t=0,p=0$c2FsdHNhbHQ$c3Vtc3Vtc3Vtc3Vtc3Vtcw")
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parseHash(s)
		if err != nil {
			return
		}
		again, err := parseHash(h.String())
		if err != nil || again.String() != h.String() {
			t.Errorf("%q reads as %q and then %q (%v)", s, h, again, err)
		}
		if h.memory < 1<<10 && h.time < 3 {
			h.fits("x") // must not panic
		}
	})
}
