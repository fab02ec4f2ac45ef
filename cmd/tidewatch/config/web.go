package config

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"tidewatch/enforce/web"
)

// Web says how officers and operators reach Tidewatch.
type Web struct {
	Listen string // host:port of the officers' pages
	Ops    string // host:port of metrics and probes; empty: there are none
	// Hosts are the names by which both are called, besides the address at which
	// they are reached and the names of loopback.
	Hosts web.Hosts
	// Proxies are those that are believed to say whom they speak for.
	Proxies web.Proxies
	// SecureCookies is set where browsers come over TLS, through a proxy.
	SecureCookies bool
	// SessionLifetime and SessionIdle end an officer's session.
	SessionLifetime, SessionIdle time.Duration
}

type webYAML struct {
	Listen   string   `yaml:"listen"`
	Ops      string   `yaml:"listen_ops"`
	Hosts    []string `yaml:"hosts,omitempty"`
	Proxies  []string `yaml:"proxies,omitempty"`
	Secure   bool     `yaml:"secure_cookies"`
	Sessions struct {
		Lifetime string `yaml:"lifetime"`
		Idle     string `yaml:"idle"`
	} `yaml:"sessions"`
}

func webDefaults() webYAML {
	y := webYAML{Listen: "127.0.0.1:8420", Ops: "127.0.0.1:8421"}
	y.Sessions.Lifetime, y.Sessions.Idle = "12h", "30m"
	return y
}

// longestSession is more than a day's work.
const longestSession = 7 * 24 * time.Hour

func (r *resolver) web(y webYAML) Web {
	w := Web{
		Listen: r.listen("listen", y.Listen), Hosts: r.hosts(y.Hosts), Proxies: r.proxies(y.Proxies), SecureCookies: y.Secure,
		SessionLifetime: r.duration("sessions.lifetime", y.Sessions.Lifetime, 0, time.Minute),
		SessionIdle:     r.duration("sessions.idle", y.Sessions.Idle, 0, time.Minute),
	}
	if y.Ops != "" {
		w.Ops = r.listen("listen_ops", y.Ops)
	}
	if _, port, _ := net.SplitHostPort(y.Listen); y.Ops == y.Listen && port != "0" {
		r.wrong("listen_ops", "%q: is where the officers' pages are; choose another port", y.Ops)
	}
	if w.SessionLifetime > longestSession {
		r.wrong("sessions.lifetime", "%s: must be at most %s", y.Sessions.Lifetime, longestSession)
	}
	if w.SessionIdle > w.SessionLifetime && w.SessionLifetime > 0 {
		r.wrong("sessions.idle", "%s: must be at most the lifetime, %s", y.Sessions.Idle, y.Sessions.Lifetime)
	}
	return w
}

func (r *resolver) listen(path, s string) string {
	if _, _, err := net.SplitHostPort(s); err != nil {
		r.wrong(path, "%q: want HOST:PORT, such as 127.0.0.1:8420", s)
	}
	return s
}

func (r *resolver) hosts(names []string) (hosts web.Hosts) {
	for i, name := range names {
		host := web.Hostname(name)
		if _, _, err := net.SplitHostPort(name); host == "" || err == nil {
			r.wrong(fmt.Sprintf("hosts[%d]", i), "%q: want a name as it stands in the address bar, without port, such as tidewatch.example.com", name)
		}
		hosts = append(hosts, host)
	}
	return hosts
}

func (r *resolver) proxies(networks []string) (proxies web.Proxies) {
	for i, text := range networks {
		path := fmt.Sprintf("proxies[%d]", i)
		network, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil {
			network, err = address.Prefix(address.BitLen())
		}
		switch {
		case err != nil:
			r.wrong(path, "%q: want an address or a network, such as 192.0.2.10 or 10.1.0.0/16", text)
		case network.Bits() == 0:
			r.wrong(path, "%s: everybody would be believed; name the proxies alone", text)
		}
		proxies = append(proxies, network.Masked())
	}
	return proxies
}

// warnings are what is likely forgotten about proxies.
func (w Web) warnings() []string {
	var warnings []string
	if w.SecureCookies && len(w.Proxies) == 0 {
		warnings = append(warnings, "secure_cookies says that a proxy stands before the pages, and proxies does not name it: "+
			"all sign-ins seem to come from one address, and one that guesses slows down all")
	}
	if w.SecureCookies && len(w.Hosts) == 0 {
		warnings = append(warnings, "secure_cookies says that a proxy stands before the pages, and hosts does not say "+
			"by which name browsers call it: they are refused, unless the proxy calls by the address")
	}
	return warnings
}
