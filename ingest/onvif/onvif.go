// Package onvif finds cameras and asks them what they are. It sends a
// WS-Discovery probe, and asks each device that answers for its clock, its
// make and its streams.
//
// Nothing is changed on a device. A password leaves only as a digest, and only
// to the host that a device was reached at. Once a device has refused the
// account it is not asked again, since many lock an account after a few
// failures. What a device says is bounded, cleaned of control characters and,
// where it is an address, of credentials; of its own words only the names of
// profiles enter an error.
package onvif

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says where to look and as whom.
type Config struct {
	// Interfaces are the names of the interfaces that are probed by multicast.
	// Without any, all are that are up and can. Addresses rule them out.
	Interfaces []string
	// Addresses are the hosts that are probed instead, each HOST or HOST:PORT.
	// The port is that of the device service, for a device that does not
	// answer the probe.
	Addresses []string
	Port      uint16 // of WS-Discovery

	Wait    time.Duration // for answers to the probe
	Timeout time.Duration // of one question to a device

	Username string // empty: ask without an account
	Password string // never logged, never in an error
}

// DefaultConfig probes all interfaces without an account.
func DefaultConfig() Config {
	return Config{Port: 3702, Wait: 3 * time.Second, Timeout: 5 * time.Second}
}

// Finder finds cameras.
type Finder struct {
	cfg Config
	log *slog.Logger
	now func() time.Time
}

// New returns a finder; now is the clock that cameras are compared with.
func New(cfg Config, log *slog.Logger, now func() time.Time) *Finder {
	return &Finder{cfg: cfg, log: log, now: now}
}

// Most devices that are asked at the same time: enough for a street to take
// seconds, too few to trouble a network.
const parallel = 16

// Discover returns the cameras in the order of their addresses, each once. The
// error tells of named interfaces that cannot be used and of addresses where
// nothing answers; the cameras that were found come with it.
func (f *Finder) Discover(ctx context.Context) ([]Camera, error) {
	devices, problems := f.probe(ctx)
	asked := make([]Camera, len(devices))
	missing := make([]error, len(devices))
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, d := range devices {
		group.Go(func() error {
			asked[i], missing[i] = f.ask(ctx, d)
			return nil
		})
	}
	_ = group.Wait() // what went wrong is in missing
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var cameras []Camera
	for i, c := range asked {
		if missing[i] == nil {
			cameras = append(cameras, c)
		}
	}
	slices.SortFunc(cameras, byAddress)
	same := func(a, b Camera) bool { return a.Address == b.Address && a.Endpoint == b.Endpoint }
	return slices.CompactFunc(cameras, same), errors.Join(problems, errors.Join(missing...))
}

// byAddress orders addresses as numbers, before names.
func byAddress(a, b Camera) int {
	key := func(c Camera) (rank int, ip netip.AddrPort) {
		if ip, err := netip.ParseAddrPort(c.Address); err == nil {
			return 0, ip
		}
		if ip, err := netip.ParseAddr(unbracketed(c.Address)); err == nil {
			return 0, netip.AddrPortFrom(ip, 0)
		}
		return 1, netip.AddrPort{}
	}
	rankA, ipA := key(a)
	rankB, ipB := key(b)
	return cmp.Or(cmp.Compare(rankA, rankB), ipA.Compare(ipB),
		cmp.Compare(a.Address, b.Address), cmp.Compare(a.Endpoint, b.Endpoint))
}
