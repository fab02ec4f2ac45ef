package review

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestStrangersSignInFirst(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.files["due"] = []byte("picture")
	d := newDesk(t, b)
	for name, each := range map[string]struct{ method, path, want string }{
		"queue":   {"GET", "/", "/sign-in"},
		"tab":     {"GET", "/?state=rejected", "/sign-in?next=%2F%3Fstate%3Drejected"},
		"case":    {"GET", "/cases/" + caseID(1), "/sign-in?next=%2Fcases%2F" + caseID(1)},
		"picture": {"GET", "/cases/" + caseID(1) + "/files/due", "/sign-in?next=%2Fcases%2F" + caseID(1) + "%2Ffiles%2Fdue"},
		"confirm": {"POST", "/cases/" + caseID(1) + "/confirm", "/sign-in?next=%2Fcases%2F" + caseID(1)},
		"reject":  {"POST", "/cases/" + caseID(1) + "/reject", "/sign-in?next=%2Fcases%2F" + caseID(1)},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.send(each.method, each.path, nil)
			if got.code != http.StatusSeeOther || got.header.Get("Location") != each.want {
				t.Errorf("%d to %q, want 303 to %q", got.code, got.header.Get("Location"), each.want)
			}
			if strings.Contains(got.body, "picture") || strings.Contains(got.body, "川") {
				t.Error("a stranger was shown something of the case")
			}
		})
	}
	if len(b.history[caseID(1)]) != 1 {
		t.Error("a stranger changed the case")
	}
}

func TestSignInAndOut(t *testing.T) {
	d := newDesk(t, newBureau(t))
	d.get("/sign-in?next=/cases/x").wants(t, 200, `name="next" value="/cases/x"`, `autocomplete="current-password"`)

	wrong := d.post("/sign-in", url.Values{"name": {FirstOfficer}, "password": {"no"}, "next": {"/cases/x"}})
	wrong.wants(t, 422, "The name or the password is wrong.", `value="officer"`, `name="next" value="/cases/x"`)
	if wrong.header.Get("Set-Cookie") != "" {
		t.Error("a failed sign-in leaves a session")
	}

	right := d.post("/sign-in", url.Values{"name": {FirstOfficer}, "password": {testPassword}, "next": {"/cases/x"}})
	if right.code != http.StatusSeeOther || right.header.Get("Location") != "/cases/x" {
		t.Errorf("sign in: %d to %q, want 303 to /cases/x", right.code, right.header.Get("Location"))
	}
	cookie := right.header.Get("Set-Cookie")
	for _, want := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("session cookie %q lacks %s", cookie, want)
		}
	}
	d.get("/").wants(t, 200, "Sign out")
	if got := d.get("/sign-in"); got.code != http.StatusSeeOther {
		t.Errorf("sign-in page for one who is signed in: %d, want a redirect", got.code)
	}

	d.post("/sign-out", nil)
	if got := d.get("/"); got.code != http.StatusSeeOther {
		t.Errorf("queue after signing out: %d, want a redirect to sign-in", got.code)
	}
}

func TestSignInBacksOff(t *testing.T) {
	d := newDesk(t, newBureau(t))
	wrong := url.Values{"name": {FirstOfficer}, "password": {"no"}}
	for range freeFailures + 1 {
		d.post("/sign-in", wrong).wants(t, 422)
	}
	d.post("/sign-in", url.Values{"name": {FirstOfficer}, "password": {testPassword}}).wants(t, 429, "Too many failures")
	want := `
# HELP tidewatch_review_sign_in_failures_total Refused sign-ins, by cause: password (name or password wrong) or backoff (too soon after others).
# TYPE tidewatch_review_sign_in_failures_total counter
tidewatch_review_sign_in_failures_total{cause="backoff"} 1
tidewatch_review_sign_in_failures_total{cause="password"} 5
`
	if err := testutil.GatherAndCompare(d.reg, strings.NewReader(want), "tidewatch_review_sign_in_failures_total"); err != nil {
		t.Error(err)
	}
}

func TestSecureCookies(t *testing.T) {
	d := newDesk(t, newBureau(t), func(c *Config) { c.SecureCookies = true })
	got := d.post("/sign-in", url.Values{"name": {FirstOfficer}, "password": {testPassword}})
	if !strings.Contains(got.header.Get("Set-Cookie"), "Secure") {
		t.Errorf("cookie %q is not Secure", got.header.Get("Set-Cookie"))
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	for _, next := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "evil", "", "/%zz", "///x",
	} {
		t.Run(next, func(t *testing.T) {
			d := newDesk(t, newBureau(t))
			got := d.post("/sign-in", url.Values{"name": {FirstOfficer}, "password": {testPassword}, "next": {next}})
			if got.header.Get("Location") != "/" {
				t.Errorf("leads to %q, want /", got.header.Get("Location"))
			}
		})
	}
}
