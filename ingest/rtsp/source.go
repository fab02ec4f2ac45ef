// Package rtsp pulls a camera's video over RTSP: access units stamped with the
// camera's clock and ours, each knowing whether packets of it were lost.
package rtsp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"tidewatch/ingest"
	"tidewatch/rescue"
)

// Config holds the patience of a connection.
type Config struct {
	AnswerTimeout time.Duration // for each answer of the camera
	UnitTimeout   time.Duration // for the next picture, of use or not
	KeyTimeout    time.Duration // for the next picture that can be decoded: most cameras give a key unit to whoever connects
}

// DefaultConfig suits cameras on a city's network.
func DefaultConfig() Config {
	return Config{AnswerTimeout: 10 * time.Second, UnitTimeout: 10 * time.Second, KeyTimeout: 60 * time.Second}
}

// Source is one stream of a camera over RTSP, with RTP in the same TCP
// connection or over UDP. It implements ingest.Source.
type Source struct {
	camera  ingest.Camera
	stream  ingest.Stream
	url     string
	cfg     Config
	metrics StreamMetrics
	now     func() time.Time
	session uint64
	udp     bool // the camera has refused TCP
}

// New returns a source for a stream of a camera; it connects when it runs.
func New(camera ingest.Camera, stream ingest.Stream, cfg Config, metrics StreamMetrics, now func() time.Time) *Source {
	s := &Source{camera: camera, stream: stream, url: camera.URL, cfg: cfg, metrics: metrics, now: now}
	if stream == ingest.Sub {
		s.url = camera.SubURL
	}
	s.udp = camera.Transport == ingest.TransportUDP
	return s
}

// Run connects once and emits the units of that session, from its first key
// unit on, until the connection ends, nothing comes for too long, or ctx is
// done. It must not run twice at once. Its errors name the camera, and
// are an ingest.Fault with the host, unless they are a panic; they hold no
// credentials.
func (s *Source) Run(ctx context.Context, emit func(*ingest.Unit)) error {
	address, err := s.address()
	if err != nil {
		return explain(s.camera.ID, "its URL", err)
	}
	s.session++
	err = s.run(ctx, address, emit)
	if s.camera.Transport == ingest.TransportAuto && !s.udp && errors.Is(classify(err), ErrTransport) {
		s.udp = true
		err = s.run(ctx, address, emit)
	}
	if ctx.Err() != nil && rescue.From(err) == nil {
		return ctx.Err()
	}
	if s.camera.Transport == ingest.TransportAuto {
		s.udp = false // it may be set otherwise by the next time
	}
	return explain(s.camera.ID, address.Host, err)
}

// address is the stream's URL with the credentials in it. Errors of the parser
// repeat the URL, so they are not passed on.
func (s *Source) address() (*base.URL, error) {
	u, err := base.ParseURL(s.url)
	if err != nil || u.Host == "" {
		return nil, ErrURL
	}
	if u.User != nil {
		return nil, fmt.Errorf("%w: it holds credentials", ErrURL)
	}
	if s.camera.Username != "" {
		u.User = url.UserPassword(s.camera.Username, s.camera.Password)
	}
	return u, nil
}

func (s *Source) run(ctx context.Context, address *base.URL, emit func(*ingest.Unit)) error {
	watch := newWatch(s.cfg.UnitTimeout, s.cfg.KeyTimeout)
	access := access{basic: s.camera.AllowBasic || address.Scheme == "rtsps", fail: watch.fail}
	line := &line{patience: s.cfg.AnswerTimeout}
	client, err := s.client(address, &access, line)
	if err != nil {
		return err
	}
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close() // returns when no callback runs any more
	defer context.AfterFunc(ctx, client.Close)()

	stream, _, err := client.Describe(address)
	if err != nil {
		return line.explain(ctx, access.explain(err))
	}
	track, err := findTrack(stream)
	if err != nil {
		return err
	}
	// The client would fail to see this, and dereference the nil for digests.
	if u, err := track.media.URL(stream.BaseURL); err != nil || u == nil {
		return ErrTrack
	}
	if _, err := client.Setup(stream.BaseURL, track.media, 0, 0); err != nil {
		return access.explain(err)
	}
	s.receive(client, track, s.senders(track, access.offer, watch, emit), watch)
	if _, err := client.Play(nil); err != nil {
		return access.explain(err)
	}
	return watch.wait(client.Wait)
}

// senders makes units of what comes for a track, watched.
func (s *Source) senders(track *track, announced offer, watch *watch, emit func(*ingest.Unit)) *senders {
	return &senders{
		foreign: s.metrics.Foreign,
		open: func(emit func(*ingest.Unit)) (*assembler, error) {
			nalus, err := track.nalus()
			return &assembler{
				session: s.session, format: ingest.NewFormat(track.codec, announced.sets...), nalus: nalus,
				metrics: s.metrics, alive: watch.alive, refreshed: watch.refresh, emit: emit,
			}, err
		},
		emit: func(u *ingest.Unit) {
			if u.Whole() {
				watch.useful()
			}
			u.Stream = s.stream
			emit(u)
		},
	}
}

// receive has the units of a track put together as packets come. They all come
// on one goroutine of the client's, whose panics nobody else can catch. After
// one, what takes the units may be half changed, and no more of them follow.
func (s *Source) receive(client *gortsplib.Client, track *track, units *senders, watch *watch) {
	broken := false
	var clocks reports
	client.OnPacketRTCP(track.media, func(pkt rtcp.Packet) {
		if err := rescue.Do(func() error { clocks.learn(pkt); return nil }); err != nil {
			watch.fail(err)
		}
	})
	client.OnPacketRTP(track.media, track.rtp, func(pkt *rtp.Packet) {
		if broken {
			return
		}
		err := rescue.Do(func() error {
			return units.packet(pkt, ingest.Stamp{Arrival: s.now(), Camera: clocks.at(pkt.SSRC, pkt.Timestamp)})
		})
		if err != nil {
			broken = rescue.From(err) != nil
			watch.fail(err)
		}
	})
}

func (s *Source) client(address *base.URL, access *access, line *line) (*gortsplib.Client, error) {
	protocol := gortsplib.ProtocolTCP
	if s.udp {
		protocol = gortsplib.ProtocolUDP
	}
	security, err := s.security()
	if err != nil {
		return nil, err
	}
	return &gortsplib.Client{
		Scheme: address.Scheme, Host: address.Host,
		Protocol:     &protocol,
		ReadTimeout:  s.cfg.AnswerTimeout,
		WriteTimeout: s.cfg.AnswerTimeout,
		UserAgent:    "tidewatch",
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = rescue.Do(func() (err error) { conn, err = line.dial(ctx, network, address); return err })
			return conn, err
		},
		DialTLSContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = rescue.Do(func() (err error) { conn, err = line.dialTLS(ctx, network, address, security); return err })
			return conn, err
		},
		OnRequest:     access.asked,
		OnResponse:    access.answered,
		OnDecodeError: func(error) { s.metrics.Discarded.Inc() },
		OnPacketsLost: func(uint64) {}, // the assembler sees gaps itself
	}, nil
}

// security is how a camera's certificate is checked.
func (s *Source) security() (*tls.Config, error) {
	security := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(s.camera.Authority) == 0 {
		return security, nil
	}
	security.RootCAs = x509.NewCertPool()
	if !security.RootCAs.AppendCertsFromPEM(s.camera.Authority) {
		return nil, ErrAuthority
	}
	return security, nil
}

// access watches how we authenticate: it keeps the password from being sent in
// the clear, and tells one that is wrong from a challenge that has run out. It
// also takes what the camera says of its stream before the library does. It is
// used by the client's goroutine, and by ours while that waits for nothing.
type access struct {
	fail     func(error) // ends the session
	offer    offer       // of the stream, as described
	basic    bool        // the password may be sent as it is
	withheld bool        // it was asked for so, and was not sent
	opened   bool        // the camera asks for credentials at all
	accepted bool        // a request with them was let in
	refused  bool        // the newest answer is a 401
	stale    bool        // and says that the challenge has run out
}

// asked looks at a request before it is sent. Whoever answers at a camera's
// address could ask for the password as it is, instead of a digest of it.
func (a *access) asked(req *base.Request) {
	if !a.rescued(func() { a.withhold(req) }) {
		delete(req.Header, "Authorization") // nobody has looked at it
	}
}

func (a *access) withhold(req *base.Request) {
	credentials := req.Header["Authorization"]
	if !a.basic && len(credentials) > 0 && strings.HasPrefix(credentials[0], "Basic ") {
		delete(req.Header, "Authorization")
		a.withheld = true
	}
}

func (a *access) answered(res *base.Response) { a.rescued(func() { a.learn(res) }) }

// rescued does what the client asks for on its goroutine, and ends the session
// if that panics.
func (a *access) rescued(do func()) (ok bool) {
	err := rescue.Do(func() error { do(); return nil })
	if err != nil {
		a.fail(err)
	}
	return err == nil
}

// learn takes what an answer says about our credentials.
func (a *access) learn(res *base.Response) {
	a.refused = res.StatusCode == base.StatusUnauthorized
	switch {
	case a.refused:
		a.opened = true
		a.stale = slices.ContainsFunc(res.Header["WWW-Authenticate"], func(challenge string) bool {
			return staleForm.MatchString(challenge)
		})
	case res.StatusCode == base.StatusOK:
		a.accepted = a.opened
	}
	if said, usable := describe(res.Body); usable {
		a.offer, res.Body = said, said.text
	}
}

// staleForm finds the flag of a digest challenge (RFC 2617, section 3.2.1).
var staleForm = regexp.MustCompile(`(?i)\bstale\s*=\s*"?true\b`)

// explain turns the refusal of a request into ErrStaleNonce where the password
// is known to be right: the camera says so, or has just taken it.
func (a *access) explain(err error) error {
	if a.withheld && a.refused {
		return ErrBasic
	}
	if a.refused && (a.stale || a.accepted) && errors.Is(classify(err), ingest.ErrUnauthorized) {
		return ErrStaleNonce
	}
	return err
}
