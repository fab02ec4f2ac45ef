// Package rtsp pulls a camera's video over RTSP: access units stamped with the
// camera's clock and ours, each knowing whether packets of it were lost.
package rtsp

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/pion/rtp"

	"tidewatch/ingest"
)

// Config holds the patience of a connection.
type Config struct {
	AnswerTimeout time.Duration // for each answer of the camera
	UnitTimeout   time.Duration // for the next picture, of use or not
	KeyTimeout    time.Duration // for the first key unit, without which nothing is of use
}

// DefaultConfig suits cameras on a city's network, with a key frame a minute or
// more often.
func DefaultConfig() Config {
	return Config{AnswerTimeout: 10 * time.Second, UnitTimeout: 10 * time.Second, KeyTimeout: 60 * time.Second}
}

// Source is one camera's stream over RTSP with RTP in the same TCP connection.
// It implements ingest.Source.
type Source struct {
	camera  ingest.Camera
	cfg     Config
	metrics CameraMetrics
	now     func() time.Time
	session uint64
}

// New returns a source for a camera; it connects when it runs.
func New(camera ingest.Camera, cfg Config, metrics CameraMetrics, now func() time.Time) *Source {
	return &Source{camera: camera, cfg: cfg, metrics: metrics, now: now}
}

// Run connects once and emits the units of that session, from its first key
// unit on, until the connection ends, nothing comes for too long, or ctx is
// done. It must not run twice at once. Its errors name the camera, the host
// and what to do; they hold no credentials.
func (s *Source) Run(ctx context.Context, emit func(*ingest.Unit)) error {
	address, err := s.address()
	if err != nil {
		return explain(s.camera.ID, "its URL", err)
	}
	s.session++
	err = s.run(ctx, address, emit)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(s.camera.ID, address.Host, err)
}

// address is the camera's URL with the credentials in it. Errors of the parser
// repeat the URL, so they are not passed on.
func (s *Source) address() (*base.URL, error) {
	u, err := base.ParseURL(s.camera.URL)
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
	client := s.client(address)
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close() // returns when no callback runs any more
	defer context.AfterFunc(ctx, client.Close)()

	stream, _, err := client.Describe(address)
	if err != nil {
		return err
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
		return err
	}
	watch := newWatch(s.cfg.UnitTimeout, s.cfg.KeyTimeout)
	s.receive(client, track, s.assembler(track, watch, emit), watch)
	if _, err := client.Play(nil); err != nil {
		return err
	}
	return watch.wait(client.Wait)
}

// assembler makes the units of a track, watched.
func (s *Source) assembler(track *track, watch *watch, emit func(*ingest.Unit)) *assembler {
	return &assembler{
		session: s.session, format: &track.format, nalus: track.nalus, metrics: s.metrics,
		alive: watch.alive,
		emit:  func(u *ingest.Unit) { watch.useful(); emit(u) },
	}
}

// receive has the units of a track put together as packets come. They all come
// on one goroutine of the client's.
func (s *Source) receive(client *gortsplib.Client, track *track, units *assembler, watch *watch) {
	client.OnPacketRTP(track.media, track.rtp, func(pkt *rtp.Packet) {
		stamp := ingest.Stamp{Arrival: s.now()}
		// A sender report without a clock says 1900.
		if ntp, known := client.PacketNTP(track.media, pkt); known && ntp.Unix() > 0 {
			stamp.Camera = ntp
		}
		if err := units.packet(pkt, stamp); err != nil {
			watch.fail(err)
		}
	})
}

func (s *Source) client(address *base.URL) *gortsplib.Client {
	tcp := gortsplib.ProtocolTCP
	return &gortsplib.Client{
		Scheme: address.Scheme, Host: address.Host,
		Protocol:      &tcp,
		ReadTimeout:   s.cfg.AnswerTimeout,
		WriteTimeout:  s.cfg.AnswerTimeout,
		UserAgent:     "tidewatch",
		DialContext:   stayHome(),
		OnDecodeError: func(error) { s.metrics.Discarded.Inc() },
		OnPacketsLost: func(uint64) {}, // the assembler sees gaps itself
	}
}

// stayHome dials the first address asked for and no other. The client follows
// redirects, and would give the credentials to whoever a camera names.
func stayHome() func(ctx context.Context, network, address string) (net.Conn, error) {
	const enough = 3
	var home string
	dialed := 0
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if dialed++; dialed == 1 {
			home = address
		}
		if address != home || dialed > enough {
			return nil, ErrRedirected
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}
