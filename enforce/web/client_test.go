package web

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestClient(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for name, each := range map[string]struct {
		peer    string
		headers []string
		want    string
	}{
		"nobody between":          {"192.0.2.1:999", nil, "192.0.2.1"},
		"a stranger's word":       {"192.0.2.1:999", []string{"198.51.100.1"}, "192.0.2.1"},
		"a proxy's":               {"127.0.0.1:999", []string{"198.51.100.1"}, "198.51.100.1"},
		"what a client put there": {"127.0.0.1:999", []string{"203.0.113.1, 198.51.100.1"}, "198.51.100.1"},
		"two proxies":             {"127.0.0.1:999", []string{"203.0.113.1, 198.51.100.1, 10.1.1.1"}, "198.51.100.1"},
		"several headers":         {"127.0.0.1:999", []string{"203.0.113.1", "198.51.100.1", "10.1.1.1"}, "198.51.100.1"},
		"proxies alone":           {"127.0.0.1:999", []string{"10.1.1.1"}, "10.1.1.1"},
		"no header":               {"127.0.0.1:999", nil, "127.0.0.1"},
		"nonsense":                {"127.0.0.1:999", []string{"198.51.100.1, unknown"}, "127.0.0.1"},
		"empty":                   {"127.0.0.1:999", []string{""}, "127.0.0.1"},
		"with a port":             {"127.0.0.1:999", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		"IPv6":                    {"[2001:db8:1::1]:999", []string{"2001:db8:2::1"}, "2001:db8:2::1"},
		"IPv6 with a port":        {"[2001:db8:1::1]:999", []string{"[2001:db8:2::1]:4711"}, "2001:db8:2::1"},
		"mapped":                  {"[::ffff:127.0.0.1]:999", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: each.peer, Header: http.Header{"X-Forwarded-For": each.headers}}
			if got := proxies.Client(r).String(); got != each.want {
				t.Errorf("it comes from %s, want %s", got, each.want)
			}
		})
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8::1:2:3:4": "2001:db8::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Network(netip.MustParseAddr(address)).String(); got != want {
			t.Errorf("%s is of %s, want %s", address, got, want)
		}
	}
	if Network(netip.Addr{}).IsValid() {
		t.Error("no address has a network")
	}
}

func FuzzAddressOf(f *testing.F) {
	for _, text := range []string{"192.0.2.1", "192.0.2.1:1", "[::1]:2", "::1", "[::1]", "fe80::1%eth0", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a := addressOf(text); a.IsValid() && (a.Is4In6() || a.Zone() != "") {
			t.Errorf("%q is %s", text, a)
		}
	})
}
