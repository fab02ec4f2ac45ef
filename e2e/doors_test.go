package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// visitor is somebody with a browser, at an address of loopback.
type visitor struct {
	t      *testing.T
	url    string
	client *http.Client
}

// visit comes to the pages from an address, with nothing in the browser.
func (w *tidewatch) visit(address string) *visitor {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &visitor{w.t, w.url, &http.Client{
		Jar: jar, Transport: transport, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signIn tries a password and returns the status, 0 if there was no answer.
func (v *visitor) signIn(ctx context.Context, name, password string) int {
	form := url.Values{"name": {name}, "password": {password}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		panic(err) // the address is ours
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := v.client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// guessing guesses without a pause from some addresses until it is ended, and
// returns how often.
func (w *tidewatch) guessing(name string, addresses ...string) (end func() int64) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var guesses atomic.Int64
	var all sync.WaitGroup
	for _, address := range addresses {
		v := w.visit(address)
		all.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				v.signIn(ctx, name, fmt.Sprint("guess", n))
				guesses.Add(1)
			}
		})
	}
	return func() int64 { cancel(); all.Wait(); return guesses.Load() }
}

// TestDoors comes to the doors of a running Tidewatch as a stranger.
func TestDoors(t *testing.T) {
	s := newStreet(t)
	w := s.run()
	password := w.says(`password:\s+(\S+)`)
	t.Run("each listener serves its own", w.checkListeners)
	t.Run("a guesser keeps nobody out", func(t *testing.T) { w.checkGuesser(t, password, "127.0.0.66") })
	t.Run("nor do many", func(t *testing.T) {
		var many []string
		for n := range 60 {
			many = append(many, fmt.Sprintf("127.66.0.%d", n+1))
		}
		w.checkGuesser(t, password, many...)
	})
	t.Run("nothing odd is an error of ours", func(t *testing.T) { w.checkOddRequests(t, password) })
	t.Run("half-sent forms", func(t *testing.T) { w.checkHalfSent(t, 1500) })
	t.Run("sign-ins are recorded", w.checkRecord)
	for range 50 {
		w.halfSend(t)
	}
	w.stop(syscall.SIGINT)
	if w.err != nil {
		t.Errorf("after the interrupt: %v", w.err)
	}
	nothingLeft(t, s.Data)
}

func (w *tidewatch) checkListeners(t *testing.T) {
	for name, each := range map[string]struct {
		url, host string
		code      int
	}{
		"metrics":               {w.ops + "/metrics", "", 200},
		"readiness":             {w.ops + "/readyz", "", 200},
		"liveness":              {w.ops + "/healthz", "", 204},
		"cameras":               {w.ops + "/cameras.json", "", 200},
		"profiles":              {w.ops + "/debug/pprof/goroutine?debug=1", "", 200},
		"no pages":              {w.ops + "/sign-in", "", 404},
		"metrics for officers":  {w.url + "/metrics", "", 404},
		"readiness for them":    {w.url + "/readyz", "", 404},
		"liveness for them":     {w.url + "/healthz", "", 404},
		"cameras for them":      {w.url + "/cameras.json", "", 404},
		"profiles for them":     {w.url + "/debug/pprof/", "", 404},
		"pages by another name": {w.url + "/sign-in", "evil.example", 421},
		"ops by another name":   {w.ops + "/readyz", "evil.example:8421", 421},
		"by localhost":          {w.url + "/sign-in", "localhost:1", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, each.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = each.host
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != each.code {
			t.Errorf("%s: %d, want %d", name, response.StatusCode, each.code)
		}
	}
}

// checkGuesser has the right password come again and again while others guess:
// from a device that is known, at the first guesser's very address, and from
// addresses never seen before.
func (w *tidewatch) checkGuesser(t *testing.T, password string, addresses ...string) {
	known := w.visit(addresses[0])
	home := w.visit("127.0.0.1")
	if code := home.signIn(t.Context(), "officer", password); code != http.StatusSeeOther {
		t.Fatalf("the first sign-in: %d", code)
	}
	known.client.Jar = home.client.Jar
	end := w.guessing("officer", addresses...)
	defer end()
	const times = 8
	for n := range times {
		if code := known.signIn(t.Context(), "officer", password); code != http.StatusSeeOther {
			t.Errorf("the known device: %d", code)
		}
		fresh := w.visit(fmt.Sprintf("127.%d.7.%d", 100+len(addresses), n+1))
		if code := fresh.signIn(t.Context(), "officer", password); code != http.StatusSeeOther {
			t.Errorf("a fresh address: %d", code)
		}
	}
	if n := end(); n < times {
		t.Errorf("only %d guesses were made: this was no attack", n)
	}
}

// checkOddRequests asks for what no page asks for, as an officer.
func (w *tidewatch) checkOddRequests(t *testing.T, password string) {
	v := w.visit("127.9.9.9")
	if code := v.signIn(t.Context(), "officer", password); code != http.StatusSeeOther {
		t.Fatalf("sign in: %d", code)
	}
	for _, path := range []string{
		"/?before=0001-01-01T00:00:00Z", "/?before=9999-12-31T23:59:59.999999999Z", "/?before=-1", "/?state=%00", "/?a=%zz",
		"/cases/%00", "/cases/%ff%fe", "/cases/%E2%80%AE", "/cases/'%20OR%201=1", "/cases/" + strings.Repeat("a", 5000),
		"/cases/..%2f..%2fetc%2fpasswd", "/cases/a/files/..%2f..%2fofficers.json", "/assets/..%2fofficers.go",
		"/cameras/%00", "/cameras/street/picture?width=-1", "/cameras/street/picture?width=99999999999999999999", "/cameras?state=%F0%9F%98%80",
		"/sign-in?next=%00", "/system?x=%00", "/" + strings.Repeat("b", 8000),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead, http.MethodDelete, "BREW"} {
			r, err := http.NewRequestWithContext(t.Context(), method, v.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := v.client.Do(r)
			if err != nil {
				t.Errorf("%s %.60s: %v", method, path, err)
				continue
			}
			response.Body.Close()
			if response.StatusCode >= 500 {
				t.Errorf("%s %.60s: %d", method, path, response.StatusCode)
			}
		}
	}
}

// halfSend sends half of a form.
func (w *tidewatch) halfSend(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, err = fmt.Fprintf(conn, "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=offi")
	if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
	return conn
}

// checkHalfSent holds many half-sent forms, and wants all let go while officers
// are served.
func (w *tidewatch) checkHalfSent(t *testing.T, n int) {
	before := w.metric("process_resident_memory_bytes", "")
	var held []net.Conn
	for range n {
		held = append(held, w.halfSend(t))
	}
	if code := w.visit("127.0.0.1").signIn(t.Context(), "officer", "wrong"); code != http.StatusUnprocessableEntity && code != http.StatusTooManyRequests {
		t.Errorf("an officer beside them is answered %d", code)
	}
	if grown := w.metric("process_resident_memory_bytes", "") - before; grown > 200<<20 {
		t.Errorf("they cost %v MB", grown/(1<<20))
	}
	deadline := time.Now().Add(patience)
	for _, conn := range held {
		_ = conn.SetReadDeadline(deadline)
		_, err := io.Copy(io.Discard, conn)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("one is held for ever")
		}
	}
}

// checkRecord reads what the guesses left behind.
func (w *tidewatch) checkRecord(t *testing.T) {
	path := filepath.Join(w.street.Data, "sign-ins.jsonl")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o, want 600", info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var entry struct {
			Time                           time.Time
			Name, Address, Device, Outcome string
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time.IsZero() || entry.Address == "" {
			t.Fatalf("%s: %v", line, err)
		}
		seen[strings.Join([]string{entry.Name, entry.Address, entry.Device, entry.Outcome}, " ")] = true
	}
	for _, want := range []string{
		"officer 127.0.0.1 unknown signed_in", "officer 127.0.0.66 known signed_in", "officer 127.101.7.1 unknown signed_in",
		"officer 127.0.0.66 unknown wrong", "officer 127.0.0.66 unknown too_soon", "officer 127.66.0.60 unknown wrong",
	} {
		if !seen[want] {
			t.Errorf("the record lacks %q", want)
		}
	}
	if !strings.Contains(w.out.String(), "sign-in") {
		t.Error("the log says nothing of sign-ins")
	}
}
