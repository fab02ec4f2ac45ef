package config

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewatch/enforce/web"
)

func TestWeb(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want Web
	}{
		"defaults": {"", Web{
			Listen: "127.0.0.1:8420", Ops: "127.0.0.1:8421", SessionLifetime: 12 * time.Hour, SessionIdle: 30 * time.Minute,
		}},
		"all": {
			"listen: 0.0.0.0:80\nlisten_ops: ''\nhosts: [Tidewatch.Example.com., 192.0.2.1, '2001:DB8::1']\nproxies: [192.0.2.10, 10.1.2.3/16, '2001:db8::/48']\n" +
				"secure_cookies: true\nsessions: {lifetime: 8h, idle: 10m}\n",
			Web{
				Listen: "0.0.0.0:80", Hosts: web.Hosts{"tidewatch.example.com", "192.0.2.1", "2001:db8::1"},
				Proxies: web.Proxies{
					netip.MustParsePrefix("192.0.2.10/32"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/48"),
				},
				SecureCookies: true, SessionLifetime: 8 * time.Hour, SessionIdle: 10 * time.Minute,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("t.yaml", []byte(small+test.text), noEnvironment)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.Web, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWebMistakes(t *testing.T) {
	text := small + `listen: 8420
listen_ops: ":"
hosts: ["https://a.example", "b.example:8420", "c d"]
proxies: [localhost, 0.0.0.0/0]
sessions:
  lifetime: 8d
  idle: 1s
`
	_, err := Parse("t.yaml", []byte(text), noEnvironment)
	if err == nil {
		t.Fatal("accepted")
	}
	want := `t.yaml:8: listen: "8420": want HOST:PORT, such as 127.0.0.1:8420
t.yaml:10: hosts[0]: "https://a.example": want a name as it stands in the address bar, without port, such as tidewatch.example.com
t.yaml:10: hosts[1]: "b.example:8420": want a name as it stands in the address bar, without port, such as tidewatch.example.com
t.yaml:10: hosts[2]: "c d": want a name as it stands in the address bar, without port, such as tidewatch.example.com
t.yaml:11: proxies[0]: "localhost": want an address or a network, such as 192.0.2.10 or 10.1.0.0/16
t.yaml:11: proxies[1]: 0.0.0.0/0: everybody would be believed; name the proxies alone
t.yaml:13: sessions.lifetime: "8d": want a duration such as 90s or 5m
t.yaml:14: sessions.idle: 1s: must be at least 1m0s`
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}

	_, err = Parse("t.yaml", []byte(small+"listen_ops: 127.0.0.1:8420\nsessions: {lifetime: 1h, idle: 2h}\n"), noEnvironment)
	want = `t.yaml:8: listen_ops: "127.0.0.1:8420": is where the officers' pages are; choose another port
t.yaml:9: sessions.idle: 2h: must be at most the lifetime, 1h`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestForgottenProxiesAreWarnedOf(t *testing.T) {
	c, err := Parse("t.yaml", []byte(small+"secure_cookies: true\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	warnings := strings.Join(c.Web.warnings(), "\n")
	if !strings.Contains(warnings, "proxies does not name it") || !strings.Contains(warnings, "hosts does not say") {
		t.Errorf("warned of %q", warnings)
	}
	c.Web.Proxies, c.Web.Hosts = web.Proxies{netip.MustParsePrefix("192.0.2.10/32")}, web.Hosts{"a.example"}
	if warnings := c.Web.warnings(); len(warnings) > 0 {
		t.Errorf("warned of %q", warnings)
	}
}
