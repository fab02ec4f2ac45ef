package onvif

import (
	"cmp"
	"encoding/xml"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// match is what a device answers a probe.
type match struct {
	endpoint string
	name     string
	hardware string
	xaddrs   []string // as written
}

// parseMatches reads an answer to a probe. What does not look like a camera is
// left out: some devices answer whatever the question.
func parseMatches(text []byte) []match {
	var answer struct {
		XMLName xml.Name `xml:"Envelope"`
		Matches []struct {
			Endpoint string `xml:"EndpointReference>Address"`
			Types    string
			Scopes   string
			XAddrs   string
		} `xml:"Body>ProbeMatches>ProbeMatch"`
	}
	if decode(text, &answer) != nil {
		return nil
	}
	var matches []match
	for _, told := range answer.Matches {
		m := match{endpoint: uuidOf(told.Endpoint), xaddrs: strings.Fields(told.XAddrs)}
		if !strings.Contains(told.Types, "NetworkVideoTransmitter") && !strings.Contains(told.Scopes, scopeRoot) {
			continue
		}
		m.name, m.hardware = scope(told.Scopes, "name/"), scope(told.Scopes, "hardware/")
		matches = append(matches, m)
	}
	return matches
}

// uuidOf is an endpoint's address without what makes it a URN.
func uuidOf(address string) string {
	address = strings.ToLower(clean(address))
	return strings.TrimPrefix(strings.TrimPrefix(address, "urn:"), "uuid:")
}

const scopeRoot = "onvif://www.onvif.org/"

// scope is the value of the first scope of a category.
func scope(scopes, category string) string {
	for s := range strings.FieldsSeq(scopes) {
		if value, ok := strings.CutPrefix(s, scopeRoot+category); ok {
			if plain, err := url.PathUnescape(value); err == nil {
				value = plain
			}
			return clean(value)
		}
	}
	return ""
}

// What a network may make us remember.
const (
	maxDevices = 4096
	maxURLs    = 8 // of one device
)

// gathering joins answers of the same devices: one may answer on several
// interfaces, and from several addresses.
type gathering struct {
	byEndpoint map[string]*gathered
}

type gathered struct {
	match
	urls []rated
}

type rated struct {
	url  *url.URL
	rank int
}

// add takes an answer and reports whether a camera gave it.
func (g *gathering) add(from netip.Addr, text []byte) bool {
	matches := parseMatches(text)
	for _, m := range matches {
		if g.byEndpoint == nil {
			g.byEndpoint = map[string]*gathered{}
		}
		// A device should tell its endpoint; another is known by its address.
		key := cmp.Or(m.endpoint, strings.Join(m.xaddrs, " "))
		d := g.byEndpoint[key]
		if d == nil && len(g.byEndpoint) >= maxDevices {
			continue
		}
		if d == nil {
			d = &gathered{match: m}
			g.byEndpoint[key] = d
		}
		d.name, d.hardware = cmp.Or(d.name, m.name), cmp.Or(d.hardware, m.hardware)
		d.know(from, m.xaddrs)
	}
	return len(matches) > 0
}

// know adds addresses of a device that answered from one.
func (d *gathered) know(from netip.Addr, xaddrs []string) {
	for _, xaddr := range xaddrs {
		r, ok := rate(from, xaddr)
		same := func(known rated) bool { return known.url.String() == r.url.String() }
		if ok && len(d.urls) < maxURLs && !slices.ContainsFunc(d.urls, same) {
			d.urls = append(d.urls, r)
		}
	}
}

// rate reads an address that a device told and says how promising it is, least
// being best: where the answer came from, then IPv4, which needs no zone. An
// address that holds only within a link gets the zone that the answer came by.
func rate(from netip.Addr, xaddr string) (rated, bool) {
	u, err := url.Parse(xaddr)
	if err != nil || !host.MatchString(u.Hostname()) || u.Scheme != "http" && u.Scheme != "https" {
		return rated{}, false
	}
	u = &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	ip, err := netip.ParseAddr(u.Hostname())
	if err == nil && ip.Is6() && ip.IsLinkLocalUnicast() && ip.Zone() == "" && from.Zone() != "" {
		ip = ip.WithZone(from.Zone())
		u.Host = joined(ip.String(), u.Port())
	}
	rank := 0
	switch {
	case err == nil && ip.Unmap() == from:
	case err == nil && ip.Is4():
		rank = 1
	case err == nil && !ip.IsLinkLocalUnicast():
		rank = 2
	case err != nil:
		rank = 3
	default:
		rank = 4
	}
	if u.Scheme == "https" {
		rank += 10 // most cameras' certificates are their own
	}
	return rated{u, rank}, true
}

// devices are those that told an address, in the order of their names.
func (g *gathering) devices() []found {
	var devices []found
	for _, endpoint := range slices.Sorted(maps.Keys(g.byEndpoint)) {
		d := g.byEndpoint[endpoint]
		if len(d.urls) == 0 {
			continue
		}
		slices.SortFunc(d.urls, func(a, b rated) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.url.String(), b.url.String()))
		})
		f := found{match: d.match}
		for _, r := range d.urls {
			f.urls = append(f.urls, r.url)
		}
		devices = append(devices, f)
	}
	return devices
}
