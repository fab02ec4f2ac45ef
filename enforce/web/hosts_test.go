package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHosts(t *testing.T) {
	hosts := Hosts{"tidewatch.example.com", "192.0.2.9"}
	for name, each := range map[string]struct {
		host, local string
		meant       bool
	}{
		"localhost":                 {"localhost:8420", "127.0.0.1:8420", true},
		"loopback":                  {"127.0.0.1:8420", "127.0.0.1:8420", true},
		"other loopback":            {"127.8.8.8", "127.0.0.1:8420", true},
		"loopback in IPv6":          {"[::1]:8420", "[::1]:8420", true},
		"its address":               {"192.0.2.1:8420", "192.0.2.1:8420", true},
		"its address in IPv6":       {"[2001:db8::1]", "[2001:db8::1]:8420", true},
		"its address, another port": {"192.0.2.1", "192.0.2.1:8420", true},
		"mapped address":            {"192.0.2.1", "[::ffff:192.0.2.1]:8420", true},
		"a name that is configured": {"Tidewatch.Example.com.:443", "10.0.0.1:8420", true},
		"address that is":           {"192.0.2.9", "10.0.0.1:8420", true},
		"another name":              {"evil.example:8420", "127.0.0.1:8420", false},
		"a name below":              {"tidewatch.example.com.evil.example", "127.0.0.1:8420", false},
		"a name above":              {"x.tidewatch.example.com", "127.0.0.1:8420", false},
		"localhost below":           {"localhost.evil.example", "127.0.0.1:8420", false},
		"another address":           {"192.0.2.2", "192.0.2.1:8420", false},
		"none":                      {"", "127.0.0.1:8420", false},
		"a number":                  {"2130706433", "127.0.0.1:8420", false},
		"nonsense":                  {"a b", "127.0.0.1:8420", false},
		"two":                       {"localhost,evil.example", "127.0.0.1:8420", false},
		"account in it":             {"localhost@evil.example", "127.0.0.1:8420", false},
	} {
		t.Run(name, func(t *testing.T) {
			refused := 0
			handler := hosts.only(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), func(string) { refused++ })
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = each.host
			local, err := net.ResolveTCPAddr("tcp", each.local)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local))))
			if meant := w.Code == 200; meant != each.meant || (refused == 0) != each.meant {
				t.Errorf("answered %d, %d refused; want it taken: %v", w.Code, refused, each.meant)
			}
			if !each.meant && (w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "hosts")) {
				t.Errorf("answered %d: %s", w.Code, w.Body)
			}
		})
	}
}

func FuzzHostname(f *testing.F) {
	for _, host := range []string{"localhost:1", "[::1]:2", "::1", "a.b.", "127.0.0.1", ":", "[", "a:b"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if name, ok := hostname(host); ok {
			if again, ok := hostname(name); !ok || again != name {
				t.Errorf("%q is %q, which is %q", host, name, again)
			}
		}
	})
}
