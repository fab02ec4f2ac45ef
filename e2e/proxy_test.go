package e2e

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestProxies has officers come through proxies of others with TLS: nginx as the
// deploy folder has it, once and twice in a row, and where they are installed
// HAProxy and Caddy.
func TestProxies(t *testing.T) {
	s := newStreet(t)
	s.Replace = [2]string{"\nlisten_ops:", "\nhosts: [" + calledBy + "]\nproxies: [127.0.0.1, 127.0.0.2]\nsecure_cookies: true\nlisten_ops:"}
	w := s.run()
	password := w.says(`password:\s+(\S+)`)
	evidence := w.clipOfVan()
	fronts := map[string]func(t *testing.T, pages string) *front{
		"nginx": func(t *testing.T, pages string) *front { return nginx(t, pages) }, "two nginx": twoNginx, "haproxy": haproxy, "caddy": caddy,
	}
	from := 0
	for name, raise := range fronts {
		from++
		t.Run(name, func(t *testing.T) {
			f := raise(t, w.url)
			w.checkFront(t, f, fmt.Sprintf("127.9.0.%d", from), password, evidence)
		})
	}
	t.Run("nginx keeps the slow away", func(t *testing.T) { w.checkSlow(t, nginx(t, w.url)) })
	t.Run("nginx keeps nothing", func(t *testing.T) { checkUnkept(t, nginx(t, w.url), password, evidence) })
	t.Run("nginx leads to TLS", func(t *testing.T) { checkLed(t, nginx(t, w.url)) })
	w.stop(syscall.SIGINT)

	s.Replace[1] = strings.Replace(s.Replace[1], "127.0.0.1, 127.0.0.2", "192.0.2.1", 1)
	w = s.run()
	f := nginx(t, w.url)
	if code := f.visit("127.9.1.1").signIn(t.Context(), "officer", password); code != http.StatusSeeOther {
		t.Errorf("sign-in through a proxy that is not configured: %d", code)
	}
	if !w.recorded(t, "127.0.0.1") || w.recorded(t, "127.9.1.1") || w.recorded(t, forged) {
		t.Error("a proxy that is not configured was believed who its clients are")
	}
	w.says(`a request came through a proxy that proxies does not name.* peer=(127.0.0.1)`)
	w.stop(syscall.SIGINT)
}

// clipOfVan is the path of a case's clip on the pages, and what is in it.
func (w *tidewatch) clipOfVan() clip {
	w.t.Helper()
	van, _ := w.twoCases()
	for _, f := range van.Violation.Evidence.Files {
		if f.MediaType == "video/mp4" {
			_, content := w.street.file(f.SHA256)
			return clip{"/cases/" + van.ID + "/files/" + f.SHA256, content}
		}
	}
	w.t.Fatal("the case has no clip")
	return clip{}
}

type clip struct {
	path    string
	content []byte
}

// recorded reports whether somebody signed in from an address.
func (w *tidewatch) recorded(t *testing.T, address string) bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.street.Data, "sign-ins.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(text, []byte(`"address":"`+address+`"`))
}

// checkFront does what an officer does, and what a stranger would.
func (w *tidewatch) checkFront(t *testing.T, f *front, from, password string, evidence clip) {
	v := f.visit(from)
	answer, _ := v.do(http.MethodGet, "/sign-in", nil)
	if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		t.Errorf("the sign-in page: %s in %s", answer.Status, answer.Proto)
	}
	if got := answer.Header.Values("Strict-Transport-Security"); len(got) != 1 || !strings.HasPrefix(got[0], "max-age=31536000") {
		t.Errorf("HSTS: %q", got)
	}
	form := url.Values{"name": {"officer"}, "password": {password}}
	answer, _ = v.do(http.MethodPost, "/sign-in", form, "Origin", "https://evil.example")
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another site: %s", answer.Status)
	}
	answer, _ = v.do(http.MethodPost, "/sign-in", form, "Origin", v.url) // of a browser that sends no Sec-Fetch-Site
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/" {
		t.Fatalf("sign-in: %s to %q", answer.Status, answer.Header.Get("Location"))
	}
	cookies := answer.Cookies()
	if !slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == "__Host-tidewatch_session" }) {
		t.Errorf("no session of this host: %v", cookies)
	}
	for _, c := range cookies {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Domain != "" || c.Path != "/" {
			t.Errorf("cookie %v", c)
		}
	}
	if !w.recorded(t, from) || w.recorded(t, forged) {
		t.Errorf("the record does not say that %s signed in", from)
	}
	v.checkEvidence(t, evidence)
	v.checkRefusals(t)
	answer, _ = v.do(http.MethodPost, "/sign-out", url.Values{}, "Origin", v.url)
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Clear-Site-Data") != `"cache"` {
		t.Errorf("sign-out: %s, Clear-Site-Data %q", answer.Status, answer.Header.Get("Clear-Site-Data"))
	}
	if answer, _ = v.do(http.MethodGet, evidence.path, nil); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("the clip after signing out: %s", answer.Status)
	}
}

// checkEvidence takes a clip, whole and in part.
func (v *visitor) checkEvidence(t *testing.T, evidence clip) {
	t.Helper()
	answer, content := v.do(http.MethodGet, evidence.path, nil)
	if answer.StatusCode != http.StatusOK || !bytes.Equal(content, evidence.content) {
		t.Errorf("the clip: %s, %d bytes of %d", answer.Status, len(content), len(evidence.content))
	}
	if answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the clip may be kept: %q", answer.Header.Get("Cache-Control"))
	}
	answer, content = v.do(http.MethodGet, evidence.path, nil, "Range", "bytes=1000-1999")
	if answer.StatusCode != http.StatusPartialContent || !bytes.Equal(content, evidence.content[1000:2000]) {
		t.Errorf("a part of the clip: %s, %d bytes", answer.Status, len(content))
	}
}

// checkRefusals sends what no page sends.
func (v *visitor) checkRefusals(t *testing.T) {
	t.Helper()
	for what, each := range map[string]struct {
		method, path string
		form         url.Values
		host         string
		want         int // or 400, of the proxy itself
	}{
		"a large form":      {http.MethodPost, "/sign-in", url.Values{"name": {strings.Repeat("x", 200_000)}}, "", http.StatusRequestEntityTooLarge},
		"a form of 4 MB":    {http.MethodPost, "/sign-in", url.Values{"name": {strings.Repeat("x", 4<<20)}}, "", http.StatusRequestEntityTooLarge},
		"another method":    {http.MethodDelete, "/", nil, "", http.StatusMethodNotAllowed},
		"a page's address":  {http.MethodPost, "/", url.Values{}, "", http.StatusMethodNotAllowed},
		"no such page":      {http.MethodGet, "/metrics", nil, "", http.StatusNotFound},
		"a path that leads": {http.MethodGet, "/assets/..%2f..%2fofficers.json", nil, "", http.StatusNotFound},
		"another name":      {http.MethodGet, "/sign-in", nil, "evil.example", http.StatusMisdirectedRequest},
	} {
		answer, _ := v.do(each.method, each.path, each.form, "Host", each.host)
		if answer.StatusCode != each.want && answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s, want %d", what, answer.Status, each.want)
		}
	}
}

// do sends one request, with headers given as pairs, and reads the answer.
func (v *visitor) do(method, path string, form url.Values, headers ...string) (*http.Response, []byte) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		v.t.Errorf("%s %s: %v", method, path, err)
	}
	return response, body
}

// checkSlow holds half-sent forms at a proxy: they do not reach Tidewatch, and
// are let go.
func (w *tidewatch) checkSlow(t *testing.T, f *front) {
	const many = 50
	var held []net.Conn
	for range many {
		conn, err := tls.Dial("tcp", f.address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /sign-in HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=offi", calledBy)
		held = append(held, conn)
	}
	if answer, _ := f.visit("127.9.2.1").do(http.MethodGet, "/sign-in", nil); answer.StatusCode != http.StatusOK {
		t.Errorf("an officer beside them: %s", answer.Status)
	}
	if n := w.metric("tidewatch_web_connections", `listener="pages"`); n >= many {
		t.Errorf("%v connections reached Tidewatch", n)
	}
	for _, conn := range held {
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, conn); os.IsTimeout(err) {
			t.Fatal("one is held for ever")
		}
	}
}

// checkUnkept sends as large a form as there may be, and leaves a clip on the way:
// nginx puts neither on its disk.
func checkUnkept(t *testing.T, f *front, password string, evidence clip) {
	v := f.visit("127.9.3.1")
	v.signIn(t.Context(), strings.Repeat("x", 60<<10), "guess")
	if code := v.signIn(t.Context(), "officer", password); code != http.StatusSeeOther {
		t.Fatalf("sign-in: %d", code)
	}
	conn, err := tls.Dial("tcp", f.address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.NetConn().(*net.TCPConn).SetReadBuffer(4096)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.url+evidence.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), r) // and no more than its beginning
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the clip: %v, %v", answer, err)
	}
	for range 5 { // in which the clip would be put aside
		v.do(http.MethodGet, "/", nil)
	}
	if said := f.out.String(); strings.Contains(said, "temporary file") {
		t.Errorf("nginx says:\n%s", said)
	}
}

// checkLed calls without TLS.
func checkLed(t *testing.T, f *front) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+f.plain+"/cases/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = calledBy
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if got := response.Header.Get("Location"); response.StatusCode != http.StatusMovedPermanently || got != "https://"+calledBy+"/cases/x" {
		t.Errorf("%s to %q", response.Status, got)
	}
}
