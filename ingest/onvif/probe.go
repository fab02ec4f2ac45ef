package onvif

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sync/errgroup"
)

// found is a device that answered the probe, or an address to try without.
type found struct {
	match
	urls  []*url.URL // of the device service, the most promising first; never empty
	named bool       // nothing but somebody's word speaks for it
}

// probe looks for devices. They come with the problems of others.
func (f *Finder) probe(ctx context.Context) ([]found, error) {
	if len(f.cfg.Addresses) > 0 {
		return f.probeAddresses(ctx)
	}
	return f.probeInterfaces(ctx)
}

// group is where devices listen for probes.
var group = netip.AddrFrom4([4]byte{239, 255, 255, 250})

// probeInterfaces probes by multicast on each interface at the same time.
func (f *Finder) probeInterfaces(ctx context.Context) ([]found, error) {
	interfaces, missing := f.interfaces()
	var mu sync.Mutex
	var answers gathering
	failures := make([]error, len(interfaces))
	var probing errgroup.Group
	for n, i := range interfaces {
		probing.Go(func() error {
			f.log.Info("probing", "interface", i.Name)
			err := f.probeInterface(ctx, i, func(from netip.Addr, text []byte) bool {
				mu.Lock()
				defer mu.Unlock()
				answers.add(from, text)
				return false
			})
			if err != nil {
				failures[n] = fmt.Errorf("probe on interface %s: %w", i.Name, err)
			}
			return nil
		})
	}
	_ = probing.Wait() // what went wrong is in failures
	if len(f.cfg.Interfaces) == 0 && slices.Contains(failures, nil) {
		f.forgive(failures)
		failures = nil
	}
	return answers.devices(), errors.Join(missing, errors.Join(failures...))
}

// forgive tells of interfaces that nobody named and that are not the only ones.
func (f *Finder) forgive(failures []error) {
	for _, err := range failures {
		if err != nil {
			f.log.Warn("interface not probed", "error", err)
		}
	}
}

// interfaces are the named ones or all that are up and can do multicast.
func (f *Finder) interfaces() ([]net.Interface, error) {
	if len(f.cfg.Interfaces) == 0 {
		return usable()
	}
	var chosen []net.Interface
	var problems []error
	for _, name := range slices.Compact(slices.Sorted(slices.Values(f.cfg.Interfaces))) {
		i, err := net.InterfaceByName(name)
		if err != nil {
			problems = append(problems, fmt.Errorf("find interface %q: %w", name, err))
			continue
		}
		chosen = append(chosen, *i)
	}
	return chosen, errors.Join(problems...)
}

func usable() ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	const wanted = net.FlagUp | net.FlagMulticast
	chosen := slices.DeleteFunc(all, func(i net.Interface) bool {
		_, err := addressOf(i)
		return i.Flags&wanted != wanted || i.Flags&net.FlagLoopback != 0 || err != nil
	})
	if len(chosen) == 0 {
		return nil, errors.New("find interfaces: none is up, can do multicast and has an IPv4 address; name the cameras' addresses instead")
	}
	return chosen, nil
}

// addressOf is an IPv4 address of an interface.
func addressOf(i net.Interface) (netip.Addr, error) {
	addresses, err := i.Addrs()
	if err != nil {
		return netip.Addr{}, err
	}
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() {
			return prefix.Addr(), nil
		}
	}
	return netip.Addr{}, errors.New("it has no IPv4 address")
}

// heardFunc takes an answer to a probe and reports whether it was the last that
// is wanted.
type heardFunc func(from netip.Addr, text []byte) (enough bool)

// probeInterface probes on one interface. Its socket is bound to an address of
// the interface, so that no other network sees the probe.
func (f *Finder) probeInterface(ctx context.Context, i net.Interface, heard heardFunc) error {
	own, err := addressOf(i)
	if err != nil {
		return err
	}
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(own, 0)))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := ipv4.NewPacketConn(conn).SetMulticastInterface(&i); err != nil {
		return err
	}
	return f.converse(ctx, conn, []netip.AddrPort{netip.AddrPortFrom(group, f.cfg.Port)}, heard)
}

// repeatAfter is when a probe is sent again, since datagrams get lost. Devices
// know it by its ID and answer once.
const repeatAfter = 200 * time.Millisecond

// converse sends a probe and hears answers until the wait is over or one was
// the last. A target that cannot be sent to gives no answer.
func (f *Finder) converse(ctx context.Context, conn *net.UDPConn, targets []netip.AddrPort, heard heardFunc) error {
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })()
	text := probeMessage()
	begin := time.Now()
	for _, until := range []time.Duration{min(repeatAfter, f.cfg.Wait), f.cfg.Wait} {
		var unsent error
		for _, target := range targets {
			if _, err := conn.WriteToUDPAddrPort(text, target); err != nil {
				unsent = err
				f.log.Debug("probe not sent", "to", target, "error", err)
			}
		}
		if unsent != nil && len(targets) == 1 {
			return unsent
		}
		if enough, err := listen(ctx, conn, begin.Add(until), heard); enough || err != nil {
			return err
		}
	}
	return nil
}

// listen hears answers until a moment.
func listen(ctx context.Context, conn *net.UDPConn, until time.Time, heard heardFunc) (enough bool, err error) {
	if err := conn.SetReadDeadline(until); err != nil {
		return false, err
	}
	datagram := make([]byte, 64<<10)
	for ctx.Err() == nil { // the deadline may have been set after the context's
		n, from, err := conn.ReadFromUDPAddrPort(datagram)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, ctx.Err()
		case err != nil:
			return false, err
		case heard(from.Addr().Unmap(), datagram[:n]):
			return true, nil
		}
	}
	return false, ctx.Err()
}

// probeMessage asks for cameras.
func probeMessage() []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` +
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"` +
		` xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">` +
		`<s:Header><a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>` +
		`<a:MessageID>urn:uuid:` + newUUID() + `</a:MessageID>` +
		`<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header>` +
		`<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>`)
}

// newUUID is a random one (RFC 9562, version 4).
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // it never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// place is a named address.
type place struct {
	url     *url.URL // of its device service, if it is where the standard wants it
	ips     []netip.Addr
	answers bool
}

// probeAddresses probes the named addresses. Those that stay silent are
// returned too, to be asked without.
func (f *Finder) probeAddresses(ctx context.Context) ([]found, error) {
	places, problems := f.places(ctx)
	var targets []netip.AddrPort
	for _, p := range places {
		for _, ip := range p.ips {
			targets = append(targets, netip.AddrPortFrom(ip, f.cfg.Port))
		}
	}
	var answers gathering
	if len(targets) > 0 {
		f.log.Info("probing", "addresses", len(places))
		problems = errors.Join(problems, f.probeTargets(ctx, targets, func(from netip.Addr, text []byte) bool {
			return answers.add(from, text) && allAnswer(places, from)
		}))
	}
	devices := answers.devices()
	for _, p := range places {
		if !p.answers {
			devices = append(devices, found{urls: []*url.URL{p.url}, named: true})
		}
	}
	return devices, problems
}

func (f *Finder) probeTargets(ctx context.Context, targets []netip.AddrPort, heard heardFunc) error {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		return fmt.Errorf("probe addresses: %w", err)
	}
	defer conn.Close()
	if err := f.converse(ctx, conn, targets, heard); err != nil && ctx.Err() == nil {
		f.log.Info("probe not sent", "error", err) // the device is asked all the same
	}
	return nil
}

// allAnswer notes who answered and reports whether nobody is missing.
func allAnswer(places []*place, from netip.Addr) bool {
	all := true
	for _, p := range places {
		p.answers = p.answers || slices.Contains(p.ips, from)
		all = all && p.answers
	}
	return all
}

// places reads and looks up the named addresses, each once.
func (f *Finder) places(ctx context.Context) ([]*place, error) {
	var places []*place
	var problems []error
	for _, address := range slices.Compact(slices.Sorted(slices.Values(f.cfg.Addresses))) {
		p, err := locate(ctx, address)
		if err != nil {
			// What stands before an @ is a password, misplaced.
			problems = append(problems, fmt.Errorf("find %q: %w", address[strings.LastIndexByte(address, '@')+1:], err))
			continue
		}
		places = append(places, p)
	}
	return places, errors.Join(problems...)
}

var errAddress = errors.New("want HOST or HOST:PORT, without anything before or after")

func locate(ctx context.Context, address string) (*place, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		host, port = unbracketed(address), ""
	}
	if number, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || number == 0) {
		return nil, errAddress
	}
	u := &url.URL{Scheme: "http", Host: joined(host, port), Path: usualPath}
	if _, err := url.Parse(u.String()); err != nil || host == "" || strings.ContainsAny(host, "@/") {
		return nil, errAddress
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("%w; check the name, or give the IP address", classify(ctx, err))
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return &place{url: u, ips: ips}, nil
}

// joined is the host of a URL.
func joined(host, port string) string {
	switch {
	case port != "":
		return net.JoinHostPort(host, port)
	case isIPv6(host):
		return "[" + host + "]"
	}
	return host
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6()
}
