package stamp

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/enforce"
	authorsim "tidewatch/enforce/authors/sim"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority is OpenSSL's own, behind a web server.
type authority struct {
	*httptest.Server
	dir  string
	away atomic.Bool
}

const tsaConfig = `
[tsa]
default_tsa = one
[one]
dir = DIR
serial = DIR/serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
`

func openssl(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	in := func(name string) string { return filepath.Join(a.dir, name) }
	if err := errors.Join(
		os.WriteFile(in("tsa.cnf"), []byte(strings.ReplaceAll(tsaConfig, "DIR", a.dir)), 0o600),
		os.WriteFile(in("serial"), []byte("01\n"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	openssl(t, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", in("ca.key"), "-out", in("ca.pem"), "-subj", "/CN=root", "-days", "30")
	openssl(t, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", in("tsa.key"), "-out", in("tsa.csr"), "-subj", "/CN=authority")
	openssl(t, "x509", "-req", "-in", in("tsa.csr"), "-CA", in("ca.pem"), "-CAkey", in("ca.key"), "-CAcreateserial", "-days", "30",
		"-extfile", in("tsa.cnf"), "-extensions", "extensions", "-out", in("tsa.pem"))
	a.Server = httptest.NewServer(http.HandlerFunc(a.answer))
	t.Cleanup(a.Close)
	return a
}

func (a *authority) answer(w http.ResponseWriter, r *http.Request) {
	if a.away.Load() {
		http.Error(w, "at lunch", http.StatusServiceUnavailable)
		return
	}
	query, _ := io.ReadAll(r.Body)
	name := filepath.Join(a.dir, "query.tsq")
	if err := os.WriteFile(name, query, 0o600); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	command := exec.Command("openssl", "ts", "-reply", "-queryfile", name, "-config", filepath.Join(a.dir, "tsa.cnf"), "-section", "one",
		"-signer", filepath.Join(a.dir, "tsa.pem"), "-inkey", filepath.Join(a.dir, "tsa.key"))
	answer, err := command.Output()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}

func (a *authority) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(a.dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
}

// client leaves no connection behind.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// TestOpenSSLConfirmsAndChecks has OpenSSL confirm a text, checks the answer,
// and has OpenSSL check it too.
func TestOpenSSLConfirmsAndChecks(t *testing.T) {
	a := newAuthority(t)
	before := time.Now().Truncate(time.Second)
	answer, at, err := Authority{a.URL, a.roots(t), client(t)}.Confirm(t.Context(), []byte("evidence"))
	if err != nil {
		t.Fatal(err)
	}
	if at.Before(before) || at.After(time.Now()) {
		t.Errorf("time is %v", at)
	}
	data, reply := filepath.Join(a.dir, "data"), filepath.Join(a.dir, "reply.tsr")
	if err := errors.Join(os.WriteFile(data, []byte("evidence"), 0o600), os.WriteFile(reply, answer, 0o600)); err != nil {
		t.Fatal(err)
	}
	openssl(t, "ts", "-verify", "-in", reply, "-data", data, "-CAfile", filepath.Join(a.dir, "ca.pem"))

	if _, _, err := proof.CheckTimestamp(answer, []byte("other evidence"), a.roots(t)); err == nil {
		t.Error("it confirms another text")
	}
	if _, _, err := proof.CheckTimestamp(answer, []byte("evidence"), newAuthority(t).roots(t)); err == nil {
		t.Error("another authority is trusted")
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	a := newAuthority(t)
	replay, _, err := Authority{a.URL, a.roots(t), client(t)}.Confirm(t.Context(), []byte("evidence"))
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string][]byte{
		"empty": nil, "no DER": []byte("hello"), "cut": replay[:len(replay)-9],
		"to an earlier question": replay, "endless": make([]byte, maxAnswer+1),
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
			defer server.Close()
			if _, _, err := (Authority{server.URL, a.roots(t), client(t)}).Confirm(t.Context(), []byte("evidence")); err == nil {
				t.Error("it is believed")
			}
		})
	}
}

// caseLog collects events and passes them on, as the real one does.
type caseLog struct {
	mu     sync.Mutex
	events []enforce.Event
	apply  func(enforce.Event)
}

func (l *caseLog) Append(_ context.Context, events ...enforce.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range events {
		if err := e.Validate(); err != nil {
			return err
		}
		l.events = append(l.events, e)
		l.apply(e)
	}
	return nil
}

func (l *caseLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.events)
}

type leaves struct{}

func (leaves) Append(context.Context, proof.Leaf) (uint64, error) { return 5, nil }

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// TestAnAuthorityThatIsAwayIsAskedAgain has the authority away at first: no
// case waits for it, and each gets its timestamp in the end, once.
func TestAnAuthorityThatIsAwayIsAskedAgain(t *testing.T) {
	a := newAuthority(t)
	a.away.Store(true)
	files := sim.Files(t.TempDir())
	signature, _, err := files.Put(t.Context(), strings.NewReader("signed"))
	if err != nil {
		t.Fatal(err)
	}
	events := &caseLog{}
	s := New(Authority{a.URL, a.roots(t), client(t)}, Dependencies{
		Files: files, Leaves: leaves{}, Events: events, Now: time.Now,
		Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	s.pause = time.Millisecond
	events.apply = func(enforce.Event) {}
	suspect := func(id, signature string) {
		v := enforce.Violation{ID: id, Evidence: enforce.Evidence{Signature: signature}}
		s.Apply(authorsim.Proven(enforce.Event{
			ID: id, Type: enforce.Suspected, Case: id, Actor: "camera/c1", At: time.Now(), Violation: &v,
		}))
	}
	suspect("done", signature)
	confirmed := func(id string) enforce.Event {
		return enforce.Event{
			ID: id, Type: enforce.Timestamped, Case: id, Actor: "timestamps", At: time.Now(), Timestamp: &enforce.Timestamp{},
		}
	}
	s.Apply(authorsim.Proven(confirmed("done")))
	suspect("unsigned", "")
	suspect("lost", strings.Repeat("0", 64))
	suspect("a", signature)
	suspect("b", signature)
	suspect("b", signature) // delivered again
	s.Apply(authorsim.Stranger(confirmed("a")))

	ctx, cancel := context.WithCancel(t.Context())
	finished := make(chan error)
	go func() { finished <- s.Run(ctx) }()
	s.CaughtUp()
	eventually(t, "failures", func() bool { return testutil.ToFloat64(s.metrics.failures) > 3 })
	a.away.Store(false)
	eventually(t, "two timestamps", func() bool { return s.depth() == 1 })
	cancel()
	if err := <-finished; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if events.count() != 2 || s.queue[0].id != "lost" {
		t.Errorf("events %v; still waiting: %v", events.events, s.queue)
	}
	for _, e := range events.events {
		if e.Timestamp.Leaf != 5 || e.Timestamp.At.IsZero() || e.Case != "a" && e.Case != "b" {
			t.Errorf("event %+v", e)
		}
	}
}
