package review

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"tidewatch/enforce/accounts"
	"tidewatch/enforce/web"
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

	wrong := d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {"no"}, "next": {"/cases/x"}})
	wrong.wants(t, 422, "The name or the password is wrong.", `value="officer"`, `name="next" value="/cases/x"`)
	if wrong.header.Get("Set-Cookie") != "" {
		t.Error("a failed sign-in leaves a session")
	}

	right := d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}, "next": {"/cases/x"}})
	if right.code != http.StatusSeeOther || right.header.Get("Location") != "/cases/x" {
		t.Errorf("sign in: %d to %q, want 303 to /cases/x", right.code, right.header.Get("Location"))
	}
	cookie := strings.Join(right.header.Values("Set-Cookie"), " ")
	for _, want := range []string{"tidewatch_session=", "HttpOnly", "SameSite=Lax", "Path=/", "tidewatch_device_", "SameSite=Strict", "Max-Age=34560000"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("session cookie %q lacks %s", cookie, want)
		}
	}
	d.get("/").wants(t, 200, "Sign out")
	if got := d.get("/sign-in"); got.code != http.StatusSeeOther {
		t.Errorf("sign-in page for one who is signed in: %d, want a redirect", got.code)
	}

	out := d.post("/sign-out", nil)
	if out.header.Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("Clear-Site-Data %q at the sign-out", out.header.Get("Clear-Site-Data"))
	}
	if got := d.get("/"); got.code != http.StatusSeeOther {
		t.Errorf("queue after signing out: %d, want a redirect to sign-in", got.code)
	}
}

func TestSignInBacksOff(t *testing.T) {
	d := newDesk(t, newBureau(t))
	for range 5 {
		d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {"no"}}).wants(t, 422)
	}
	right := url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}}
	got := d.post("/sign-in", right)
	got.wants(t, 429, "Too many failures. Try again in 1 s.")
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q, want 1", got.header.Get("Retry-After"))
	}
	// Nobody is believed to be somewhere else.
	d.post("/sign-in", right, "X-Forwarded-For", "192.0.2.1").wants(t, 429)
}

// Behind a proxy of ours each client is who the proxy says.
func TestSignInBehindAProxy(t *testing.T) {
	d := newDesk(t, newBureau(t), func(c *Config) { c.Proxies = web.Proxies{netip.MustParsePrefix("127.0.0.0/8")} })
	for range 5 {
		d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {"no"}}, "X-Forwarded-For", "192.0.2.66").wants(t, 422)
	}
	right := url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}}
	d.post("/sign-in", right, "X-Forwarded-For", "192.0.2.1, 192.0.2.66").wants(t, 429)
	d.post("/sign-in", right, "X-Forwarded-For", "192.0.2.66, 192.0.2.1").wants(t, 303)
}

// The device on which an officer signed in passes where another has to wait.
func TestKnownDevicePasses(t *testing.T) {
	d := newDesk(t, newBureau(t))
	d.signIn()
	d.post("/sign-out", nil)
	stranger := newDesk(t, newBureau(t))
	stranger.url = d.url
	for range 6 {
		stranger.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {"no"}})
	}
	right := url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}}
	stranger.post("/sign-in", right).wants(t, 429)
	d.post("/sign-in", right).wants(t, 303)
}

func TestSecureCookies(t *testing.T) {
	d := newDesk(t, newBureau(t), func(c *Config) { c.SecureCookies = true })
	got := d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}})
	cookies := got.header.Values("Set-Cookie")
	if len(cookies) != 2 {
		t.Fatalf("cookies %q, want the session's and the device's", cookies)
	}
	for _, cookie := range cookies {
		if !strings.HasPrefix(cookie, "__Host-tidewatch_") || !strings.Contains(cookie, "; Secure") ||
			!strings.Contains(cookie, "; Path=/;") || !strings.Contains(cookie, "; HttpOnly") || strings.Contains(cookie, "Domain") {
			t.Errorf("cookie %q", cookie)
		}
	}
	if hsts := got.header.Get("Strict-Transport-Security"); hsts != "max-age=31536000" {
		t.Errorf("Strict-Transport-Security %q", hsts)
	}
	if plain := newDesk(t, newBureau(t)).get("/sign-in"); plain.header.Get("Strict-Transport-Security") != "" {
		t.Error("Strict-Transport-Security without TLS")
	}
}

// A session ends when nobody asks for a page; what a page asks for by itself
// does not count, and neither do its pictures.
func TestIdleSessionEnds(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	b.files["due"] = []byte("picture")
	d := signedIn(t, b)
	for range 5 {
		d.later(29 * time.Minute)
		d.get("/").wants(t, 200)
	}
	d.later(29 * time.Minute)
	d.get("/?renewed=").wants(t, 200, `; url=/?renewed=`)
	d.get("/", "Tidewatch-Renewed", "1").wants(t, 200)
	d.get("/cases/"+caseID(1)+"/files/due").wants(t, 200)
	d.later(2 * time.Minute)
	got := d.get("/cases/" + caseID(1) + "/files/due")
	got.wants(t, 303)
	if got.header.Get("Clear-Site-Data") != `"cache"` || !strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("what is left of the session: Clear-Site-Data %q, cookie %q", got.header.Get("Clear-Site-Data"), got.header.Get("Set-Cookie"))
	}
	if got := d.get("/").header.Get("Clear-Site-Data"); got != "" {
		t.Errorf("Clear-Site-Data %q for one without a session", got)
	}
}

func TestSessionEndsAfterItsLifetime(t *testing.T) {
	d := signedIn(t, newBureau(t), func(c *Config) { c.SessionLifetime = time.Nanosecond })
	d.get("/").wants(t, 303)
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	for _, next := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example`, `\\evil.example`, "javascript:alert(1)", "evil", "", "/%zz", "///x",
	} {
		t.Run(next, func(t *testing.T) {
			d := newDesk(t, newBureau(t))
			got := d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}, "next": {next}})
			if got.header.Get("Location") != "/" {
				t.Errorf("leads to %q, want /", got.header.Get("Location"))
			}
		})
	}
}
