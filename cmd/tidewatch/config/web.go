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

// longestSession is how long nobody stays signed in without a break.
const longestSession = 7 * 24 * time.Hour

func (r *resolver) web(y webYAML) Web {
	w := Web{
		Listen: r.listen("listen", y.Listen), Hosts: r.hosts(y.Hosts), Proxies: r.proxies(y.Proxies), SecureCookies: y.Secure,
		SessionLifetime: r.duration("sessions.lifetime", y.Sessions.Lifetime, time.Minute, longestSession, "it is more than a week's work"),
		SessionIdle:     r.duration("sessions.idle", y.Sessions.Idle, time.Minute, 0, ""),
	}
	if y.Ops != "" {
		w.Ops = r.listen("listen_ops", y.Ops)
	}
	if _, port, _ := net.SplitHostPort(y.Listen); y.Ops == y.Listen && port != "0" {
		r.wrong("listen_ops", "%q: is where the officers' pages are; choose another port", y.Ops)
	}
	if w.SessionIdle > w.SessionLifetime && w.SessionLifetime > 0 {
		r.wrong("sessions.idle", "%s: must be at most the lifetime, %s", y.Sessions.Idle, y.Sessions.Lifetime)
	}
	r.exposed(w)
	return w
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

// exposed doubts what others could reach, and what is likely forgotten about
// proxies.
func (r *resolver) exposed(w Web) {
	if isOpen(w.Listen) && !w.SecureCookies {
		r.doubt("listen", "%s can be reached by others, and passwords would go over the network in the clear: listen on 127.0.0.1 behind a proxy with TLS, and set secure_cookies", w.Listen)
	}
	if w.Ops != "" && isOpen(w.Ops) {
		r.doubt("listen_ops", "%s can be reached by others, and nobody signs in there: listen on 127.0.0.1, or in a network of your own", w.Ops)
	}
	if w.SecureCookies && len(w.Proxies) == 0 {
		r.doubt("secure_cookies", "a proxy stands before the pages, and proxies does not name it: "+
			"all officers seem to sit at one address, and one who guesses slows all of them down")
	}
	if w.SecureCookies && len(w.Hosts) == 0 {
		r.doubt("secure_cookies", "a proxy stands before the pages, and hosts does not say by which name browsers call it: "+
			"they are refused, unless the proxy calls by the address")
	}
}
