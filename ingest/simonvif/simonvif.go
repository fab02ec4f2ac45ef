// Package simonvif is an ONVIF device that exists only in the network: it
// answers WS-Discovery probes and, over HTTP, the device service and both media
// services. Like a real one it wants a fresh UsernameToken made by its own
// clock, which can be wrong, and takes no nonce twice. It serves the tests of
// everything that asks cameras, and can be made to misbehave.
package simonvif

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sync/errgroup"
)

// Profile is one stream of the device. H.265 is told by the second media
// service alone, as the standard has it.
type Profile struct {
	Token, Name   string
	Encoding      string // H264, H265, JPEG
	Width, Height int
	FPS, GOP      int
	URI           string
}

// Config says what the device is.
type Config struct {
	Listen    string // host:port of its services; port 0 picks a free one
	Discovery string // host:port that answers probes; empty: none does
	Interface string // on which the device also hears probes by multicast; empty: on none

	Endpoint     string // as told, such as urn:uuid:...
	Name         string
	Hardware     string
	Manufacturer string
	Model        string
	Firmware     string
	XAddrs       []string // told before the device's own

	ClockOffset time.Duration // its clock minus the true one
	TimeZone    string        // a POSIX rule; empty: it tells none
	Manual      bool          // its clock is set by hand, not by NTP
	HideUTC     bool          // it tells local time alone, as old devices do

	Username string // both are required: cameras have credentials
	Password string
	Window   time.Duration // how far a token's time may be from its clock; 0: five seconds

	Profiles []Profile
	NoMedia2 bool // it has the first media service alone
	NoMedia  bool // it has none

	// Instead are answers that take the place of true ones, by the question's
	// name, such as GetProfiles.
	Instead map[string]http.HandlerFunc
}

// Device is a simulated device.
type Device struct {
	cfg   Config
	log   *slog.Logger
	http  net.Listener
	probe *net.UDPConn // nil: silent

	mu     sync.Mutex
	nonces map[string]bool // that were used
	asked  map[string]int  // how often each question was answered or refused
}

// New returns a device that does nothing yet.
func New(cfg Config, log *slog.Logger) *Device {
	if cfg.Window == 0 {
		cfg.Window = 5 * time.Second
	}
	return &Device{cfg: cfg, log: log, nonces: map[string]bool{}, asked: map[string]int{}}
}

// Start listens. The device is on once Run runs.
func (d *Device) Start() error {
	if d.cfg.Username == "" || d.cfg.Password == "" {
		return errors.New("start simulated device: user name and password are required, as on a camera")
	}
	var err error
	if d.http, err = net.Listen("tcp", d.cfg.Listen); err != nil {
		return fmt.Errorf("start simulated device: %w", err)
	}
	if d.cfg.Discovery == "" {
		return nil
	}
	if err := d.listenForProbes(); err != nil {
		d.http.Close()
		return fmt.Errorf("start simulated device: %w", err)
	}
	return nil
}

func (d *Device) listenForProbes() error {
	address, err := netip.ParseAddrPort(d.cfg.Discovery)
	if err != nil {
		return fmt.Errorf("listen for probes on %q: %w", d.cfg.Discovery, err)
	}
	if d.probe, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(address)); err != nil || d.cfg.Interface == "" {
		return err
	}
	i, err := net.InterfaceByName(d.cfg.Interface)
	if err == nil {
		err = ipv4.NewPacketConn(d.probe).JoinGroup(i, &net.UDPAddr{IP: net.IPv4(239, 255, 255, 250)})
	}
	if err != nil {
		d.probe.Close()
	}
	return err
}

// Addr is the host and port of the services, once started.
func (d *Device) Addr() string { return d.http.Addr().String() }

// Discovery is the host and port that answers probes, once started.
func (d *Device) Discovery() netip.AddrPort {
	return d.probe.LocalAddr().(*net.UDPAddr).AddrPort()
}

// Asked is how often a question came, be it answered or refused.
func (d *Device) Asked(question string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.asked[question]
}

// Run answers until ctx is done and returns nil, or returns what ended it
// before. Start must have succeeded.
func (d *Device) Run(ctx context.Context) error {
	group, serving := errgroup.WithContext(ctx)
	server := &http.Server{Handler: d, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return serving }}
	group.Go(func() error {
		defer context.AfterFunc(serving, func() { server.Close() })()
		if err := server.Serve(d.http); serving.Err() == nil {
			return fmt.Errorf("serve simulated device: %w", err)
		}
		return nil
	})
	if d.probe != nil {
		group.Go(func() error {
			defer d.probe.Close()
			defer context.AfterFunc(serving, func() { d.probe.Close() })()
			if err := d.answerProbes(); serving.Err() == nil {
				return fmt.Errorf("answer probes: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// now is the time by the device's clock.
func (d *Device) now() time.Time { return time.Now().Add(d.cfg.ClockOffset) }
