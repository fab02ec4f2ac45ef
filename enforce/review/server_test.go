package review

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidewatch/enforce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testPassword = "correct horse"

// testOfficers has one account whose password costs little to check.
func testOfficers() *Officers {
	cheap := passwordHash{memory: 64, time: 1, threads: 1, salt: []byte("salt-salt")}
	cheap.sum = cheap.of(testPassword, hashBytes)
	return &Officers{
		accounts: map[string]passwordHash{FirstOfficer: cheap}, nobody: cheap,
		turn: make(chan struct{}, 1), waits: map[string]backoff{},
	}
}

// desk is a running server and a browser before it.
type desk struct {
	t      *testing.T
	url    string
	client *http.Client
	reg    *prometheus.Registry
	logs   *lockedLog
}

type lockedLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func newDesk(t *testing.T, b *bureau, change ...func(*Config)) *desk {
	t.Helper()
	return newDeskWith(t, b, nil, change...)
}

// newDeskWith is a desk that shows cameras, unless they are nil.
func newDeskWith(t *testing.T, b *bureau, cameras Cameras, change ...func(*Config)) *desk {
	t.Helper()
	cfg := DefaultConfig()
	for _, c := range change {
		c(&cfg)
	}
	d := &desk{t: t, reg: prometheus.NewRegistry(), logs: &lockedLog{}}
	server := httptest.NewServer(New(cfg, Dependencies{
		Cases: b, Records: b, Log: b, Files: b, Cameras: cameras, Officers: testOfficers(), Previews: b.previews,
		Offences: b, Exemptions: func() enforce.Exemptions { return b.exempt },
		Logger: slog.New(slog.NewTextHandler(d.logs, nil)), Metrics: d.reg,
		Now: func() time.Time { return opened.Add(2 * time.Hour) },
	}).Handler())
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	d.url, d.client = server.URL, server.Client()
	d.client.Jar = jar
	d.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return d
}

// signedIn is a desk at which the officer sits, reading English.
func signedIn(t *testing.T, b *bureau, change ...func(*Config)) *desk {
	t.Helper()
	d := newDesk(t, b, change...)
	d.signIn()
	return d
}

func (d *desk) signIn() {
	d.t.Helper()
	got := d.post("/sign-in", url.Values{"name": {FirstOfficer}, "password": {testPassword}})
	if got.code != http.StatusSeeOther {
		d.t.Fatalf("sign in: %d, want a redirect", got.code)
	}
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   string
}

func (d *desk) get(path string, headers ...string) answer {
	return d.send(http.MethodGet, path, nil, headers...)
}

func (d *desk) post(path string, form url.Values, headers ...string) answer {
	return d.send(http.MethodPost, path, strings.NewReader(form.Encode()),
		append(headers, "Content-Type", "application/x-www-form-urlencoded")...)
}

func (d *desk) send(method, path string, body io.Reader, headers ...string) answer {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, body)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "en")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := d.client.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// wants checks that a page holds every one of the texts.
func (a answer) wants(t *testing.T, code int, texts ...string) {
	t.Helper()
	if a.code != code {
		t.Errorf("status %d, want %d", a.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("page lacks %q:\n%s", text, a.body)
		}
	}
}
