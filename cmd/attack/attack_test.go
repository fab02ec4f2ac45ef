package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// openWorld is one in which everything is wrong: what listens takes anybody,
// answers everything, and what is secret lies about.
func openWorld(t *testing.T) *world {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.FormValue("name") == "officer" {
			time.Sleep(60 * time.Millisecond) // it checks the passwords of those it knows
			w.Header().Set("Retry-After", "1")
		}
		if r.Method == http.MethodPost && r.FormValue("password") == "password" {
			w.WriteHeader(http.StatusSeeOther)
		}
	}))
	t.Cleanup(server.Close)
	data := t.TempDir()
	key := filepath.Join(data, "signing.key")
	if err := os.WriteFile(key, []byte("PRIVATE+KEY+of+somebody"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{
		Pages: server.URL, Ops: server.URL, Data: data, Config: key, Loot: t.TempDir(), PIDs: []int{os.Getpid()}, Cases: make([]string, 10),
		Doors: []door{{Network: "tcp", Address: chatty(t)}},
	}
	w.addSecret("signing.key", key)
	return w
}

// chatty is the address of a server that greets everybody as a database, and
// names topics.
func chatty(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				part := make([]byte, 4096)
				if n, _ := conn.Read(part); n == 0 {
					return
				}
				answer := "\x00tidewatch-cases"
				if strings.HasPrefix(string(part), "GET") {
					answer = "HTTP/1.1 200 OK\r\n\r\n"
				}
				_, _ = conn.Write([]byte(answer))
			}()
		}
	}()
	return listener.Addr().String()
}

// TestOpenDoorsAreFound has every attempt that can be made here succeed: one
// that never could would prove nothing.
func TestOpenDoorsAreFound(t *testing.T) {
	w := openWorld(t)
	for name, attempts := range map[string][]attempt{"machine": machine(w), "doors": doors(w), "pages": pages(), "sign-in": signIns()} {
		for _, a := range attempts {
			if a.try == nil || a.during != nil || a.after != nil || needsMore(a.name) {
				continue
			}
			t.Run(name+"/"+a.name, func(t *testing.T) {
				if r := a.try(t.Context(), w); r.Got == "" {
					t.Errorf("it did not get in: %s", r.Why)
				}
			})
		}
	}
}

// needsMore are attempts that only a whole system can give way to.
func needsMore(name string) bool {
	for _, part := range []string{"command", "other users", "enter a network", "locked out"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func TestClosedDoorsAreNotTakenForOpen(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	w := &world{Pages: server.URL, Ops: server.URL, Cases: make([]string, 10)}
	for _, a := range pages() {
		if a.try == nil || a.after != nil || strings.Contains(a.name, "megabyte") || strings.Contains(a.name, "PUT") ||
			strings.Contains(a.name, "DELETE") || strings.Contains(a.name, "POST") {
			continue // these want an answer of their own
		}
		if r := a.try(t.Context(), w); r.Got != "" {
			t.Errorf("%s: %s", a.name, r.Got)
		}
	}
}

func TestResultsAreJoined(t *testing.T) {
	for name, test := range map[string]struct{ a, b, want result }{
		"both refused":      {refused("a"), refused("b"), result{Why: "a"}},
		"the second got in": {refused("a"), gotIn("b"), result{Got: "b"}},
		"both got in":       {gotIn("a"), gotIn("b"), result{Got: "a; b"}},
		"nothing, refused":  {result{}, refused("b"), result{Why: "b"}},
	} {
		if got := test.a.and(test.b); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestListeningSocketsAreFound(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	socket, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	found := listening(family(os.Getpid()))
	for _, want := range []string{"tcp " + listener.Addr().String(), "unix " + socket.Addr().String()} {
		seen := false
		for _, d := range found {
			seen = seen || d.String() == want
		}
		if !seen {
			t.Errorf("%s is not among %v", want, found)
		}
	}
}

func TestAddressesOfTheKernel(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:20E4":                         "127.0.0.1:8420",
		"00000000:0050":                         "127.0.0.1:80",
		"00000000000000000000000001000000:0050": "[::1]:80",
		"00000000000000000000000000000000:0050": "127.0.0.1:80",
	} {
		if got := tcpAddress(text); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
