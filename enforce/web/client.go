package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of our own proxies. Only what comes from one of them
// is believed to say whom it speaks for.
type Proxies []netip.Prefix

// Trust reports whether an address is a proxy of ours.
func (p Proxies) Trust(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// Client is the address that a request comes from: the peer's, or where that is
// a proxy of ours the last in X-Forwarded-For that is none. What stands before
// it anybody could have written.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client := addressOf(r.RemoteAddr)
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, named := range slices.Backward(chain) {
		if !p.Trust(client) {
			break
		}
		address := addressOf(strings.TrimSpace(named))
		if !address.IsValid() {
			break
		}
		client = address
	}
	return client
}

// addressOf reads an address with or without a port; it is invalid if there is
// none.
func addressOf(text string) netip.Addr {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap().WithZone("")
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

// Network is whom an address stands for: itself, or the /64 of an IPv6 address,
// which is what one subscriber has. It is invalid for an address that is none.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	network, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return network
}
