package enforce

import (
	"regexp"
	"testing"
	"time"
)

func TestAntiForgery(t *testing.T) {
	at := time.Date(2026, 3, 17, 21, 9, 5, 400_000_000, time.FixedZone("", 8*3600))
	code := AntiForgery("0123456789abcdef", at, "aa", "bb")
	// printf '%s\n' tidewatch-anti-forgery/1 0123456789abcdef 2026-03-17T13:09:05Z aa bb | sha256sum
	if want := "86P8-9RCS-BRSK-MJ0V"; code != want {
		t.Errorf("code %s, want %s", code, want)
	}
	if !regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$`).MatchString(code) {
		t.Errorf("code %s", code)
	}
	if again := AntiForgery("0123456789abcdef", at.UTC().Truncate(time.Second), "aa", "bb"); again != code {
		t.Errorf("the same moment to the second gives %s", again)
	}
	for name, other := range map[string]string{
		"another case":     AntiForgery("0123456789abcdee", at, "aa", "bb"),
		"a second later":   AntiForgery("0123456789abcdef", at.Add(time.Second), "aa", "bb"),
		"another original": AntiForgery("0123456789abcdef", at, "aa", "bc"),
		"another order":    AntiForgery("0123456789abcdef", at, "bb", "aa"),
		"one less":         AntiForgery("0123456789abcdef", at, "aa"),
	} {
		if other == code {
			t.Errorf("%s has the same code", name)
		}
	}
}
