package accounts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "correct horse"

// cheap is the hash of a password that costs little to check.
func cheap(password string) passwordHash {
	h := passwordHash{memory: 64, time: 1, threads: 1, salt: []byte("salt-salt")}
	h.sum = h.of(password, hashBytes)
	return h
}

func testOfficers() *Officers {
	hash := cheap(password)
	return &Officers{accounts: map[string]passwordHash{FirstOfficer: hash}, nobody: hash.unguessable()}
}

// at is a place to sign in from.
func at(address string) netip.Addr { return netip.MustParseAddr(address) }

// door is a gate and its record.
type door struct {
	*Gate
	t    *testing.T
	path string
	reg  *prometheus.Registry
}

func newDoor(t *testing.T) *door {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sign-ins.jsonl")
	record, err := OpenRecord(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := record.Close(); err != nil {
			t.Error(err)
		}
	})
	reg := prometheus.NewRegistry()
	return &door{NewGate(testOfficers(), record, slog.New(slog.DiscardHandler), reg), t, path, reg}
}

// try signs in and wants an error, nil for none.
func (d *door) try(a Attempt, want error) (device string) {
	d.t.Helper()
	device, err := d.SignIn(d.t.Context(), a)
	if errors.As(err, &TooSoonError{}) && errors.As(want, &TooSoonError{}) {
		return "" // for however long
	}
	if !errors.Is(err, want) {
		d.t.Errorf("sign in as %q from %s: %v, want %v", a.Name, a.Address, err, want)
	}
	return device
}

func guess(address string) Attempt {
	return Attempt{Name: FirstOfficer, Password: "guess", Address: at(address)}
}

func right(address, device string) Attempt {
	return Attempt{Name: FirstOfficer, Password: password, Address: at(address), Device: device}
}

func TestGuesserWaitsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		device := d.try(right("192.0.2.1", ""), nil)
		for range freeOfPair + 1 {
			d.try(guess("192.0.2.66"), ErrBadSignIn)
		}
		d.try(right("192.0.2.66", ""), TooSoonError{})
		time.Sleep(time.Second - 1)
		d.try(right("192.0.2.66", ""), TooSoonError{})
		d.try(right("192.0.2.1", ""), nil)                                  // another address
		d.try(right("192.0.2.66", device), nil)                             // a known device, wherever it is
		d.try(guess("192.0.2.67"), ErrBadSignIn)                            // its neighbour
		d.try(right("2001:db8:0:1::1", ""), nil)                            // another kind of address
		d.try(Attempt{Name: "li", Address: at("192.0.2.66")}, ErrBadSignIn) // another name
		time.Sleep(time.Nanosecond)
		d.try(guess("192.0.2.66"), ErrBadSignIn)
		time.Sleep(time.Second)
		d.try(right("192.0.2.66", ""), TooSoonError{}) // two seconds by now
		time.Sleep(time.Second)
		d.try(right("192.0.2.66", ""), nil)
		d.try(guess("192.0.2.66"), ErrBadSignIn) // success forgets the failures
		d.try(right("192.0.2.66", ""), nil)
	})
}

func TestAddressWaitsForAllNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		for n := range freeOfAddress + 1 {
			d.try(Attempt{Name: fmt.Sprint("name", n), Address: at("2001:db8::1")}, ErrBadSignIn)
		}
		d.try(right("2001:db8::2", ""), TooSoonError{}) // of the same subscriber
		d.try(right("2001:db8:0:1::1", ""), nil)
		time.Sleep(forgetting + time.Second)
		d.try(right("2001:db8::2", ""), nil)
	})
}

// Nothing tells an account from a name without one.
func TestUnknownNamesAreTreatedAlike(t *testing.T) {
	said := func(name string) (all []string) {
		synctest.Test(t, func(t *testing.T) {
			d := newDoor(t)
			for n := range 40 {
				begin := time.Now()
				_, err := d.SignIn(t.Context(), Attempt{Name: name, Password: "guess", Address: at("192.0.2.66")})
				all = append(all, fmt.Sprint(err, time.Since(begin)))
				_, err = d.SignIn(t.Context(), Attempt{
					Name: name, Password: "guess", Address: at(fmt.Sprintf("198.51.100.%d", n)), Device: "a.b",
				})
				all = append(all, fmt.Sprint(err, time.Since(begin)))
			}
		})
		return all
	}
	known, unknown := said(FirstOfficer), said("nobody")
	if a, b := strings.Join(known, "\n"), strings.Join(unknown, "\n"); a != b {
		t.Errorf("a name with an account is told\n%s\nand one without\n%s", a, b)
	}
}

// Many addresses that guess at one account hold nobody up for long, and a known
// device not at all.
func TestAccountUnderAttack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		device := d.try(right("192.0.2.1", ""), nil)
		for n := range 200 {
			go func() { _, _ = d.SignIn(t.Context(), guess(fmt.Sprintf("198.51.100.%d", n))) }()
		}
		synctest.Wait()
		begin := time.Now()
		d.try(right("203.0.113.1", device), nil)
		if waited := time.Since(begin); waited > 0 {
			t.Errorf("the known device waited %s", waited)
		}
		d.try(right("203.0.113.2", ""), nil)
		if waited := time.Since(begin); waited == 0 || waited > maxHold {
			t.Errorf("an unknown device waited %s, want at most %s and something", waited, maxHold)
		}
		time.Sleep(time.Minute)
	})
}

func TestManyAtOnceCountEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		heard := make(chan bool, 100)
		for range 100 {
			go func() {
				_, err := d.SignIn(t.Context(), guess("192.0.2.66"))
				heard <- errors.Is(err, ErrBadSignIn)
			}()
		}
		checked := 0
		for range 100 {
			if <-heard {
				checked++
			}
		}
		if checked != freeOfPair+1 {
			t.Errorf("%d of 100 guesses at once were checked, want %d", checked, freeOfPair+1)
		}
	})
}

func TestKnownDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		device := d.try(right("192.0.2.1", ""), nil)
		clumsy := Attempt{Name: FirstOfficer, Password: "mistyped", Address: at("192.0.2.1"), Device: device}
		for range 50 {
			begin := time.Now()
			d.try(clumsy, ErrBadSignIn)
			if waited := time.Since(begin); waited > maxHold {
				t.Fatalf("a known device waited %s", waited)
			}
		}
		d.try(right("192.0.2.1", device), nil)
		if again := d.try(right("192.0.2.1", device), nil); again != device {
			t.Errorf("the device is called %q, and before %q", again, device)
		}

		// A stolen one is good for so many guesses and no more.
		for range trustOfDevice {
			d.try(clumsy, ErrBadSignIn)
		}
		begin := time.Now()
		for range freeOfPair + 1 {
			d.try(clumsy, ErrBadSignIn)
		}
		d.try(clumsy, TooSoonError{})
		if time.Since(begin) > time.Minute {
			t.Error("waited for a device that is known no more")
		}
	})
}

func TestDevicesOfOthers(t *testing.T) {
	d := newDoor(t)
	token := d.try(right("192.0.2.1", ""), nil)
	other := testOfficers()
	other.accounts[FirstOfficer] = cheap("changed")
	id, _, _ := strings.Cut(token, ".")
	for name, each := range map[string]struct {
		officers *Officers
		name     string
		token    string
		known    bool
	}{
		"its own":            {d.officers, FirstOfficer, token, true},
		"none":               {d.officers, FirstOfficer, "", false},
		"nonsense":           {d.officers, FirstOfficer, "a.b.c", false},
		"cut":                {d.officers, FirstOfficer, token[:len(token)-2], false},
		"unsealed":           {d.officers, FirstOfficer, id + ".", false},
		"of another name":    {d.officers, "li", token, false},
		"another device":     {d.officers, FirstOfficer, "X" + token[1:], false},
		"of before a change": {other, FirstOfficer, token, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, known := each.officers.deviceOf(Attempt{Name: each.name, Device: each.token})
			if known != each.known || known && got != id || !known && got == id {
				t.Errorf("known: %v, as %q", known, got)
			}
		})
	}
}

// What is remembered does not grow, whoever guesses what from where.
func TestMemoryIsBounded(t *testing.T) {
	l := newLimits()
	for n := range 3 * remembered {
		a := Attempt{Name: strings.Repeat("n", n%200) + fmt.Sprint(n), Address: netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})}
		if _, err := l.begin(a, "", false); err != nil {
			t.Fatal(err)
		}
	}
	if l.pairs.Len() != remembered || l.addresses.Len() != remembered || l.accounts.Len() != remembered {
		t.Errorf("%d, %d and %d entries, want %d", l.pairs.Len(), l.addresses.Len(), l.accounts.Len(), remembered)
	}
	for _, name := range l.accounts.Keys() {
		if len(name) > maxName {
			t.Fatalf("a name of %d bytes is kept", len(name))
		}
	}
}

func TestSignInEndsWithItsRequest(t *testing.T) {
	d := newDoor(t)
	if err := d.unknown.take(t.Context(), 0); err != nil { // somebody's check takes long
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.SignIn(ctx, right("192.0.2.1", "")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	d.unknown.release()
	d.try(right("192.0.2.1", ""), nil)
}

// Each sign-in leaves a line that says who, where, how and when; floods leave a
// line a minute.
func TestSignInsAreRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = d.record.Run(ctx) }()
		device := d.try(right("192.0.2.1", ""), nil)
		d.try(right("192.0.2.1", device), nil)
		d.SignedOut(FirstOfficer, at("192.0.2.1"))
		for range 50 {
			_, _ = d.SignIn(t.Context(), Attempt{Name: "x\n{\"outcome\":\"\u202e<b>\x00", Address: at("::ffff:192.0.2.66")})
		}
		time.Sleep(repeatsEvery + time.Second)
		end()
		<-ended

		text, err := os.ReadFile(d.path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, one := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var l line
			if err := json.Unmarshal([]byte(one), &l); err != nil {
				t.Fatalf("%s: %v", one, err)
			}
			if l.Time.IsZero() || l.Time.Location() != time.UTC {
				t.Errorf("time %v", l.Time)
			}
			got = append(got, fmt.Sprint(l.Name, " ", l.Address, " ", l.Device, " ", l.Outcome, " ", l.Repeated))
		}
		odd := "x�{\"outcome\":\"�<b>� 192.0.2.66 unknown "
		want := []string{
			"officer 192.0.2.1 unknown signed_in 0", "officer 192.0.2.1 known signed_in 0", "officer 192.0.2.1 known signed_out 0",
			odd + "wrong 0", odd + "wrong 0", odd + "wrong 0", odd + "wrong 0", odd + "wrong 0", odd + "too_soon 0", odd + "too_soon 44",
		}
		if a, b := strings.Join(got, "\n"), strings.Join(want, "\n"); a != b {
			t.Errorf("recorded is\n%s\nwant\n%s", a, b)
		}
		if info, err := os.Stat(d.path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		counted := `
# HELP tidewatch_accounts_sign_ins_total Sign-ins by outcome: signed_in, wrong (name or password), too_soon (after others from that address), busy (too many at once) or left (before an answer); and by whether the device is known.
# TYPE tidewatch_accounts_sign_ins_total counter
tidewatch_accounts_sign_ins_total{device="known",outcome="signed_in"} 1
tidewatch_accounts_sign_ins_total{device="unknown",outcome="signed_in"} 1
tidewatch_accounts_sign_ins_total{device="unknown",outcome="too_soon"} 45
tidewatch_accounts_sign_ins_total{device="unknown",outcome="wrong"} 5
`
		if err := testutil.GatherAndCompare(d.reg, strings.NewReader(counted), "tidewatch_accounts_sign_ins_total"); err != nil {
			t.Error(err)
		}
	})
}
