package config

import (
	"net/netip"
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
