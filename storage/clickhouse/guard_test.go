package clickhouse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// What a stranger says at the analysts' port does not reach the engine, whose
// process would end at most of it.
func TestGuardKeepsStrangersOut(t *testing.T) {
	t.Parallel()
	cfg := testEngineConfig(t)
	e := startEngine(t, cfg)
	pid := enginePID(t, cfg.Dir)
	right := e.analyst()
	tests := []struct {
		name string
		with func(*Config)
		want int32
	}{
		{"wrong password", func(c *Config) { c.Password = "wrong" }, codeWrongPassword},
		{"no password", func(c *Config) { c.Password = "" }, codeWrongPassword},
		{"the user without one", func(c *Config) { c.User, c.Password = "default", "" }, codeWrongPassword},
		{"the user without one, and the analyst's", func(c *Config) { c.User = "default" }, codeWrongPassword},
		{"the owner", func(c *Config) { c.User, c.Password = "tidewatch", e.conn.Password }, codeWrongPassword},
		{"another server", func(c *Config) { c.User = " INTERSERVER SECRET " }, codeWrongPassword},
		{"by a key", func(c *Config) { c.User = " SSH KEY AUTHENTICATION analyst" }, codeWrongPassword},
		{"a database that does not exist", func(c *Config) { c.Database = "tidwatch" }, codeUnknownDatabase},
		{"as it should be", func(*Config) {}, 0},
	}
	for _, test := range tests {
		cfg := right
		test.with(&cfg)
		if err := openConn(t, cfg).Ping(t.Context()); refusal(err) != test.want || (err == nil) != (test.want == 0) {
			t.Errorf("%s: %v, want code %d", test.name, err, test.want)
		}
	}
	for _, noise := range []string{"", "\x00", "GET / HTTP/1.1\r\n\r\n", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f", strings.Repeat("\xff", 1<<20)} {
		shout(t, right.Addresses[0], noise)
	}
	if err := openConn(t, right).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if n := testutil.ToFloat64(e.metrics.analysts.WithLabelValues("refused")); n != 8 {
		t.Errorf("%v refusals counted, want 8", n)
	}
	if enginePID(t, cfg.Dir) != pid || testutil.ToFloat64(e.metrics.restarts) != 0 || e.Health() != nil {
		t.Errorf("the engine was disturbed: %v", e.Health())
	}
}

// shout sends noise, and returns once it was hung up on.
func shout(t *testing.T, address, noise string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(noise))
	_ = conn.(*net.TCPConn).CloseWrite()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if answer, err := io.ReadAll(conn); len(answer) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%.20q: answered %q, %v; want it hung up", noise, answer, err)
	}
}

// Whoever connects and says nothing keeps no analyst out.
func TestGuardServesBesideTheSilent(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	for range 2 * mostWaiting {
		conn, err := net.Dial("tcp", e.analyst().Addresses[0])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	analyst := openConn(t, e.analyst())
	if err := analyst.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	eventually(t, "the silent are few", func() bool {
		e.guard.mu.Lock()
		defer e.guard.mu.Unlock()
		return len(e.guard.waiting) <= mostWaiting
	})
	// Nor do analysts that take every seat keep the system from its database.
	var last error
	for range mostAnalysts {
		last = openConn(t, e.analyst()).Ping(t.Context())
	}
	if refusal(last) != codeTooMany {
		t.Errorf("one connection too many: %v", last)
	}
	if err := openConn(t, e.Config()).Ping(t.Context()); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

func TestGuardSaysWhenTheEngineIsAway(t *testing.T) {
	t.Parallel()
	e := startEngine(t, testEngineConfig(t))
	analyst := openConn(t, e.analyst())
	if err := e.ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	door := e.door
	e.setDoor(nil)
	if err := analyst.Ping(t.Context()); refusal(err) != codeNetwork {
		t.Errorf("error %v, want code %d", err, codeNetwork)
	}
	e.setDoor(door)
	if err := analyst.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func FuzzReadHello(f *testing.F) {
	f.Add(hello{"clickhouse-go", 2, 50, 54460, "tidewatch", "analyst", "password"}.encode())
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, packet []byte) {
		h, err := readHello(bufio.NewReader(bytes.NewReader(packet)))
		if err != nil {
			return
		}
		for _, text := range []string{h.client, h.database, h.user, h.password} {
			if len(text) > longestText {
				t.Errorf("a text of %d bytes was taken", len(text))
			}
		}
		again, err := readHello(bufio.NewReader(bytes.NewReader(h.encode())))
		if diff := cmp.Diff(h, again, cmp.AllowUnexported(hello{})); diff != "" || err != nil {
			t.Errorf("it is not read as it was written: %v (-want +got):\n%s", err, diff)
		}
	})
}
