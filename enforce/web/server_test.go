package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long anything may take on a slow, busy machine.
const patience = time.Minute

// served is a running server.
type served struct {
	t       *testing.T
	address string
	reg     *prometheus.Registry
	stop    context.CancelFunc
	ended   chan error
}

// serveFor runs a server of short times for a test.
func serveFor(t *testing.T, handler http.Handler, change ...func(*Config)) *served {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := DefaultConfig()
	cfg.Name, cfg.Request = "test", 200*time.Millisecond
	for _, c := range change {
		c(&cfg)
	}
	ctx, stop := context.WithCancel(t.Context())
	s := &served{t: t, address: listener.Addr().String(), reg: prometheus.NewRegistry(), stop: stop, ended: make(chan error, 1)}
	whole := Whole(handler, 1<<10, func(w http.ResponseWriter, _ *http.Request, status int) { w.WriteHeader(status) })
	server := NewServer(cfg, listener, whole, slog.New(slog.DiscardHandler), NewMetrics(s.reg))
	go func() { s.ended <- server.Run(ctx) }()
	t.Cleanup(func() { s.finish() })
	return s
}

// finish stops the server and waits for its end.
func (s *served) finish() {
	s.stop()
	select {
	case err := <-s.ended:
		s.ended <- nil
		if err != nil {
			s.t.Errorf("end: %v", err)
		}
	case <-time.After(patience):
		s.t.Fatal("the server does not end")
	}
}

// dial opens a connection and says something on it.
func (s *served) dial(format string, args ...any) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, format, args...); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// answers is the status of the next answer on a connection, 0 if it ends
// without one.
func (s *served) answers(conn net.Conn) int {
	s.t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			s.t.Fatal("the connection is held")
		}
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	response.Body.Close()
	return response.StatusCode
}

// value is that of a metric with a label.
func (s *served) value(metric, label string) float64 {
	s.t.Helper()
	families, err := s.reg.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			named := slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetValue() == label })
			if f.GetName() == metric && named {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// holds waits until the server has so many connections.
func (s *served) holds(n float64) {
	s.t.Helper()
	for begin := time.Now(); s.value("tidewatch_web_connections", "test") != n; time.Sleep(20 * time.Millisecond) {
		if time.Since(begin) > patience {
			s.t.Fatalf("it holds %v connections, want %v", s.value("tidewatch_web_connections", "test"), n)
		}
	}
}

const half = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=offi"

func echo(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.FormValue("name")) }

// Whatever does not arrive in time is let go.
func TestSlowRequestsAreLetGo(t *testing.T) {
	handled := make(chan string, 9)
	s := serveFor(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { handled <- r.Method }))
	for name, each := range map[string]struct {
		said string
		code int
	}{
		"nothing":       {"", 0},
		"half a line":   {"GET / HT", 400},
		"half a header": {"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: b", 0},
		"half a form":   {half, 408},
		"half a chunk":  {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nname=", 408},
		"half of what no page needs": {
			"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx", 408,
		},
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial("%s", each.said)
			if code := s.answers(conn); code != each.code {
				t.Errorf("answered %d, want %d", code, each.code)
			}
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("the connection stays")
			}
		})
	}
	if len(handled) > 0 {
		t.Errorf("%d were handled", len(handled))
	}
}

// A client that sends byte by byte is let go too.
func TestDrippingRequestIsLetGo(t *testing.T) {
	s := serveFor(t, http.HandlerFunc(echo))
	conn := s.dial("%s", half)
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(20 * time.Millisecond) {
		if _, err := conn.Write([]byte("c")); err != nil {
			return
		}
	}
	t.Error("it may send for ever")
}

func TestWholeRequests(t *testing.T) {
	s := serveFor(t, http.HandlerFunc(echo))
	form := func(body string) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
	conn := s.dial("%s", form("name=officer"))
	if code := s.answers(conn); code != 200 {
		t.Errorf("a form: %d", code)
	}
	fmt.Fprint(conn, "GET /?name=x HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if code := s.answers(conn); code != 200 {
		t.Errorf("the next request on the connection: %d", code)
	}
	for name, each := range map[string]struct {
		said string
		code int
	}{
		"too large":           {form("name=" + strings.Repeat("x", 2<<10)), 413},
		"announced too large": {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n", 413},
		"too large in chunks": {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" + strings.Repeat("x", 2<<10) + "\r\n0\r\n\r\n", 413},
		"no form":             {form("name=%zz"), 400},
		"header too large":    {"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431},
	} {
		t.Run(name, func(t *testing.T) {
			if code := s.answers(s.dial("%s", each.said)); code != each.code {
				t.Errorf("answered %d, want %d", code, each.code)
			}
		})
	}
}

// A stop waits for answers, not for requests.
func TestStopLetsHalfSentRequestsGo(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	end := sync.OnceFunc(func() { close(finish) })
	defer end()
	s := serveFor(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		echo(w, r)
	}), func(c *Config) { c.Request, c.Stop = time.Hour, time.Hour })
	var waiting []net.Conn
	for range 20 {
		waiting = append(waiting, s.dial("%s", half), s.dial(""), s.dial("GET / HT"))
	}
	asked := s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-begun
	s.stop()
	for _, conn := range waiting {
		if code := s.answers(conn); code != 0 {
			t.Errorf("one that has not asked is answered %d", code)
		}
	}
	end()
	if code := s.answers(asked); code != 200 {
		t.Errorf("one that has asked is answered %d", code)
	}
	s.finish()
}

// Whoever has waited longest without asking makes room for a new connection.
func TestConnectionsAreBounded(t *testing.T) {
	finish := make(chan struct{})
	end := sync.OnceFunc(func() { close(finish) })
	defer end()
	begun := make(chan struct{}, 9)
	s := serveFor(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			begun <- struct{}{}
			<-finish
		}
	}), func(c *Config) { c.Request, c.PerAddress = time.Hour, 4 })
	asked := s.dial("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-begun
	first := s.dial("%s", half)
	for range 20 {
		s.dial("%s", half)
	}
	if code := s.answers(first); code != 0 {
		t.Errorf("the first that waits is answered %d", code)
	}
	if code := s.answers(s.dial("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")); code != 200 {
		t.Errorf("one that asks among those that wait: %d", code)
	}
	s.holds(3)
	if n := s.value("tidewatch_web_refused_total", "connections"); n < 17 {
		t.Errorf("%v are counted", n)
	}
	for range 3 {
		s.dial("GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
		<-begun
	}
	if code := s.answers(s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")); code != 0 {
		t.Errorf("one too many, while all are answered: %d", code)
	}
	end()
	if code := s.answers(asked); code != 200 {
		t.Errorf("one that has asked long ago: %d", code)
	}
}

// Those behind a proxy share its address and are bounded together with all
// others.
func TestAllConnectionsAreBounded(t *testing.T) {
	s := serveFor(t, http.HandlerFunc(echo), func(c *Config) {
		c.Request, c.PerAddress, c.Connections = time.Hour, 2, 8
		c.Proxies = Proxies{netip.MustParsePrefix("127.0.0.1/32")}
	})
	var waiting []net.Conn
	for range 8 {
		waiting = append(waiting, s.dial("%s", half))
	}
	if code := s.answers(s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")); code != 200 {
		t.Errorf("one more: %d", code)
	}
	if code := s.answers(waiting[0]); code != 0 {
		t.Errorf("the one that has waited longest: %d", code)
	}
}

// A client that takes nothing of its answer is let go.
func TestDeafClientIsLetGo(t *testing.T) {
	s := serveFor(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "clip.mp4", time.Time{}, strings.NewReader(strings.Repeat("x", 24<<20)))
	}), func(c *Config) { c.Write = 200 * time.Millisecond })
	conn := s.dial("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	s.holds(0)
}
