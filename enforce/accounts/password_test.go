package accounts

import "testing"

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
