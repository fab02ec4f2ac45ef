package review

import (
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"golang.org/x/crypto/argon2"

	"tidewatch/enforce"
	"tidewatch/enforce/accounts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testPassword = "correct horse"

// testGate has one account whose password costs little to check.
func testGate(t *testing.T, log *slog.Logger, reg prometheus.Registerer) *accounts.Gate {
	t.Helper()
	salt := []byte("salt-salt")
	encode := base64.RawStdEncoding.EncodeToString
	hash := fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", encode(salt), encode(argon2.IDKey([]byte(testPassword), salt, 1, 64, 1, 32)))
	path := filepath.Join(t.TempDir(), "officers.json")
	text := fmt.Sprintf(`[{"name": %q, "password_hash": %q}]`, accounts.FirstOfficer, hash)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	officers, err := accounts.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	record, err := accounts.OpenRecord(filepath.Join(t.TempDir(), "sign-ins.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { record.Close() })
	return accounts.NewGate(officers, record, log, reg)
}

// desk is a running server and a browser before it.
type desk struct {
	t      *testing.T
	url    string
	client *http.Client
	reg    *prometheus.Registry
	logs   *lockedLog

	mu  sync.Mutex
	now time.Time
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// later lets time pass.
func (d *desk) later(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
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
	d := &desk{t: t, reg: prometheus.NewRegistry(), logs: &lockedLog{}, now: opened.Add(2 * time.Hour)}
	// What the gate logs at a sign-in is of no interest to tests of pages.
	gate := testGate(t, slog.New(slog.DiscardHandler), d.reg)
	server := httptest.NewServer(New(cfg, Dependencies{
		Cases: b, Records: b, Log: b, Files: b, Cameras: cameras, Gate: gate, Previews: b.previews, System: b.system,
		Offences: b, Exemptions: func() enforce.Exemptions { return b.exempt },
		Logger: slog.New(slog.NewTextHandler(d.logs, nil)), Metrics: d.reg,
		Now: d.clock,
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
	got := d.post("/sign-in", url.Values{"name": {accounts.FirstOfficer}, "password": {testPassword}})
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
