package review

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestForeignPagesCannotPost(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	d := signedIn(t, b)
	form := url.Values{"plate": {"川A12345"}, "revision": {"1"}}
	for name, headers := range map[string][]string{
		"by fetch metadata": {"Sec-Fetch-Site", "cross-site"},
		"by origin":         {"Origin", "https://evil.example"},
	} {
		t.Run(name, func(t *testing.T) {
			d.post("/cases/"+caseID(1)+"/confirm", form, headers...).wants(t, 403, "Nothing was done.")
		})
	}
	if len(b.history[caseID(1)]) != 1 {
		t.Error("a foreign page's request reached the case log")
	}
}

func TestEveryAnswerIsGuarded(t *testing.T) {
	d := signedIn(t, newBureau(t))
	for _, path := range []string{"/", "/sign-in", "/nowhere", "/assets/none"} {
		t.Run(path, func(t *testing.T) {
			h := d.get(path).header
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex, nofollow",
				"Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
				"Permissions-Policy": powers,
			} {
				if h.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, h.Get(name), want)
				}
			}
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
				t.Errorf("content security policy %q", csp)
			}
		})
	}
}

func TestLanguage(t *testing.T) {
	for name, each := range map[string]struct{ accept, want string }{
		"nothing":          {"", "zh-CN"},
		"chinese":          {"zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"},
		"traditional":      {"zh-TW", "zh-CN"},
		"english":          {"en-GB,en;q=0.9,zh;q=0.8", "en"},
		"english by order": {"zh;q=0.3, en;q=0.9", "en"},
		"other":            {"de-DE", "en"},
		"nonsense":         {";;;", "zh-CN"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, newBureau(t))
			got := d.get("/sign-in", "Accept-Language", each.accept)
			got.wants(t, 200, `<html lang="`+each.want+`">`)
			if got.header.Get("Content-Language") != each.want {
				t.Errorf("Content-Language %q, want %q", got.header.Get("Content-Language"), each.want)
			}
		})
	}
}

func TestLanguageIsRemembered(t *testing.T) {
	d := newDesk(t, newBureau(t))
	got := d.post("/language", url.Values{"language": {"zh-CN"}, "back": {"/sign-in"}})
	if got.code != http.StatusSeeOther || got.header.Get("Location") != "/sign-in" {
		t.Errorf("%d to %q, want 303 to /sign-in", got.code, got.header.Get("Location"))
	}
	d.get("/sign-in").wants(t, 200, `<html lang="zh-CN">`, "密码")
	d.post("/language", url.Values{"language": {"tlh"}}).wants(t, 400)
	got = d.post("/language", url.Values{"language": {"en"}, "back": {"//evil.example"}})
	if got.header.Get("Location") != "/" {
		t.Errorf("leads to %q, want /", got.header.Get("Location"))
	}
}

var assetPath = regexp.MustCompile(`/assets/[a-z]+\.[0-9a-f]{12}\.(css|js|svg)`)

func TestAssetsAreKeptForEver(t *testing.T) {
	d := newDesk(t, newBureau(t))
	paths := assetPath.FindAllString(d.get("/sign-in").body, -1)
	types := map[string]bool{}
	for _, path := range paths {
		got := d.get(path)
		if got.code != 200 || !strings.Contains(got.header.Get("Cache-Control"), "immutable") || got.body == "" {
			t.Errorf("%s: %d, %q", path, got.code, got.header.Get("Cache-Control"))
		}
		types[got.header.Get("Content-Type")] = true
	}
	for _, want := range []string{"text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml"} {
		if !types[want] {
			t.Errorf("no asset of type %q among %v", want, types)
		}
	}
	if got := d.get("/assets/style.000000000000.css"); got.code != 404 {
		t.Errorf("stale asset: %d, want 404", got.code)
	}
}

// TestPagesKeepToThePolicy looks for what the content security policy would
// switch off without a word.
func TestPagesKeepToThePolicy(t *testing.T) {
	b := newBureau(t, suspected(1, doubtful), stopEnded(1))
	d := signedIn(t, b)
	inline := regexp.MustCompile(`(?i)<script>|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	raw := regexp.MustCompile(`\{[a-z]+\}`)
	for _, path := range []string{"/", "/cases/" + caseID(1), "/nowhere", "/?state=uploaded"} {
		t.Run(path, func(t *testing.T) {
			body := strings.ReplaceAll(d.get(path).body, `xmlns="http://www.w3.org/2000/svg"`, "")
			if found := inline.FindString(body); found != "" {
				t.Errorf("page holds %q", found)
			}
			if found := raw.FindString(body); found != "" {
				t.Errorf("page holds the unreplaced name %q", found)
			}
		})
	}
}

func TestErrorPages(t *testing.T) {
	b := newBureau(t)
	d := signedIn(t, b)
	for name, each := range map[string]struct {
		path, accept, want string
		code               int
	}{
		"no page":       {"/nowhere", "en", "Not found", 404},
		"no page in zh": {"/nowhere", "zh", "页面不存在", 404},
		"no case":       {"/cases/none", "en", "There is no such case", 404},
		"no state":      {"/?state=lost", "en", "Not found", 404},
		"no moment":     {"/?before=yesterday", "en", "makes no sense", 400},
	} {
		t.Run(name, func(t *testing.T) {
			d.get(each.path, "Accept-Language", each.accept).wants(t, each.code, each.want)
		})
	}
	if logs := d.logs.String(); logs != "" {
		t.Errorf("visitors' errors were logged: %s", logs)
	}

	b.readErr = errors.New("database is away")
	d.get("/").wants(t, 500, "Something went wrong here")
	if logs := d.logs.String(); strings.Count(logs, "\n") != 1 || !strings.Contains(logs, "database is away") {
		t.Errorf("logs %q, want the error once", logs)
	}
	if strings.Contains(d.get("/").body, "database") {
		t.Error("the page tells strangers about the inside")
	}
}

func TestRequestsAreCounted(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	d := signedIn(t, b)
	d.get("/cases/" + caseID(1))
	d.get("/cases/none")
	d.get("/nowhere")
	want := `
# HELP tidewatch_review_requests_total Requests to the officers' pages, by route and status code.
# TYPE tidewatch_review_requests_total counter
tidewatch_review_requests_total{code="200",route="GET /cases/{id}"} 1
tidewatch_review_requests_total{code="303",route="POST /sign-in"} 1
tidewatch_review_requests_total{code="404",route="/"} 1
tidewatch_review_requests_total{code="404",route="GET /cases/{id}"} 1
`
	if err := testutil.GatherAndCompare(d.reg, strings.NewReader(want), "tidewatch_review_requests_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(d.reg, "tidewatch_review_request_seconds"); err != nil || n != 3 {
		t.Errorf("%d routes are timed (%v), want 3", n, err)
	}
}

func TestLargeFormsAreRefused(t *testing.T) {
	b := newBureau(t, suspected(1, accepted))
	d := signedIn(t, b)
	d.post("/cases/"+caseID(1)+"/reject", url.Values{
		"revision": {"1"}, "reason": {"other"}, "note": {strings.Repeat("x", maxForm)},
	})
	if len(b.history[caseID(1)]) != 1 {
		t.Error("a form beyond the limit was taken")
	}
}

// What an address is not for is refused, and the answer says what it is for.
func TestMethods(t *testing.T) {
	d := signedIn(t, newBureau(t, suspected(1, accepted)))
	for name, each := range map[string]struct {
		method, path string
		code         int
		allow        string
	}{
		"a page":            {"POST", "/", 405, "GET, HEAD"},
		"a case":            {"DELETE", "/cases/" + caseID(1), 405, "GET, HEAD"},
		"a form":            {"PUT", "/cases/" + caseID(1) + "/confirm", 405, "GET, HEAD, POST"},
		"the sign-out":      {"GET", "/sign-out", 405, "POST"},
		"an asset":          {"POST", "/assets/x", 405, "GET, HEAD"},
		"what is not there": {"POST", "/nowhere", 404, ""},
		"metrics":           {"GET", "/metrics", 404, ""},
		"readiness":         {"GET", "/readyz", 404, ""},
		"liveness":          {"GET", "/healthz", 404, ""},
		"cameras":           {"GET", "/cameras.json", 404, ""},
		"profiles":          {"GET", "/debug/pprof/", 404, ""},
		"a word of our own": {"BREW", "/sign-in", 405, "GET, HEAD, POST"},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.send(each.method, each.path, nil)
			if got.code != each.code || got.header.Get("Allow") != each.allow {
				t.Errorf("%d, Allow %q; want %d, %q", got.code, got.header.Get("Allow"), each.code, each.allow)
			}
		})
	}
}

func TestBodiesThatAreNoForm(t *testing.T) {
	d := signedIn(t, newBureau(t))
	large := url.Values{"password": {strings.Repeat("x", maxForm)}}
	d.post("/sign-in", large).wants(t, 413, "Too large")
	d.post("/nowhere", large).wants(t, 413)
	d.send("GET", "/", strings.NewReader(large.Encode())).wants(t, 413)
	d.send("POST", "/sign-in", strings.NewReader("name=%zz"), "Content-Type", "application/x-www-form-urlencoded").wants(t, 400, "makes no sense")
}

// Nothing that no case can be called is asked for.
func TestOddCases(t *testing.T) {
	b := newBureau(t)
	d := signedIn(t, b)
	b.readErr = errors.New("asked for")
	for _, id := range []string{"%00", "a%00b", "%2e%2e%2fx", "%ff", strings.Repeat("x", 65), "%E2%80%AE", "a'b", "a%0Ab"} {
		d.get("/cases/"+id).wants(t, 404)
		d.post("/cases/"+id+"/confirm", url.Values{"revision": {"1"}}).wants(t, 404)
		d.get("/cases/"+id+"/files/x").wants(t, 404)
	}
}
