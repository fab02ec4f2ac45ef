// Package simcam is cameras made of video files: an RTSP server that plays
// prepared H.264 and H.265 for ever, each path a camera, with digest
// authentication and sender reports that tell the true wall-clock time, unless
// the camera is told to misbehave. It serves the demo, the benchmarks and the
// tests of everything behind a camera.
package simcam

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"golang.org/x/sync/errgroup"
)

// Camera is one path of the server and the prepared video that it shows. All
// cameras of a server keep step: a sub-stream is another path with the same
// scene, and both paths' sender reports agree.
type Camera struct {
	Path  string // without the leading slash
	Video string // file made by Prepare

	// Stream is shown instead of a Video, where there is one.
	Stream *Stream

	// Phase is how much later than the server the video begins. Cameras in a
	// street do not all send their key frames in the same instant. Below zero the
	// video has begun before, and is in its midst as the server starts.
	Phase time.Duration

	// From is the frame with which the video begins, each time anew: those before
	// are never sent, as of a camera that was on before anybody watched.
	From int
}

// Config says what to play, where, and for whom.
type Config struct {
	Listen   string // host:port; port 0 picks a free one
	Cameras  []Camera
	Username string // both are required: cameras have credentials
	Password string
	TLS      *tls.Config // if there is one, the server speaks RTSP over TLS alone
	UDP      bool        // clients may choose UDP; not with TLS
	// IdleTimeout is after how long a session without keepalives ends; clients
	// are told a little less. 0 is a minute.
	IdleTimeout time.Duration
}

// Server plays cameras to any number of clients.
type Server struct {
	cfg     Config
	log     *slog.Logger
	rtsp    *gortsplib.Server
	door    *listener
	clock   clock
	library library

	mu    sync.RWMutex
	feeds map[string]*Feed // by path; fixed once started
}

// New returns a server that does nothing yet.
func New(cfg Config, log *slog.Logger) *Server { return &Server{cfg: cfg, log: log} }

// Start loads the videos and listens. The cameras are on once Run runs.
func (s *Server) Start() error {
	videos, err := s.load()
	if err != nil {
		return fmt.Errorf("start simulated cameras: %w", err)
	}
	s.mu.Lock() // requests wait until the feeds are there
	defer s.mu.Unlock()
	if err := s.listen(); err != nil {
		return fmt.Errorf("start simulated cameras: %w", err)
	}
	s.feeds = make(map[string]*Feed)
	for _, camera := range s.cfg.Cameras {
		feed, err := newFeed(s.rtsp, &s.clock, &s.library, camera, videos[camera.Path])
		if err != nil {
			s.rtsp.Close()
			return fmt.Errorf("start simulated camera %q: %w", camera.Path, err)
		}
		s.feeds[camera.Path] = feed
	}
	return nil
}

// load reads the videos, one by path.
func (s *Server) load() (map[string]*video, error) {
	if s.cfg.Username == "" || s.cfg.Password == "" {
		return nil, errors.New("user name and password are required, as on a camera")
	}
	if s.cfg.TLS != nil && s.cfg.UDP {
		return nil, errors.New("UDP would not be encrypted: choose it or TLS")
	}
	videos := make(map[string]*video)
	for _, camera := range s.cfg.Cameras {
		if camera.Path == "" || videos[camera.Path] != nil {
			return nil, fmt.Errorf("path %q is empty or used twice", camera.Path)
		}
		v, err := s.video(camera)
		if err != nil {
			return nil, err
		}
		videos[camera.Path] = v
	}
	return videos, nil
}

// video is what a camera shows.
func (s *Server) video(camera Camera) (*video, error) {
	if camera.Stream == nil {
		return s.library.load(camera.Video)
	}
	v, err := camera.Stream.video()
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", camera.Path, err)
	}
	return v, nil
}

// listen starts the RTSP server.
func (s *Server) listen() error {
	s.rtsp = &gortsplib.Server{
		Handler:                  s,
		RTSPAddress:              s.cfg.Listen,
		TLSConfig:                s.cfg.TLS,
		Listen:                   s.openDoor,
		IdleTimeout:              s.cfg.IdleTimeout,
		WriteQueueSize:           4096, // packets: a large key frame is sent in one go
		DisableRTCPSenderReports: true, // feeds send their own
	}
	if s.cfg.UDP {
		host, _, err := net.SplitHostPort(s.cfg.Listen)
		if err != nil {
			return err
		}
		opened, rtp, rtcp, err := openPorts(host)
		if err != nil {
			return err
		}
		defer opened.close()
		s.rtsp.UDPRTPAddress, s.rtsp.UDPRTCPAddress, s.rtsp.ListenPacket = rtp, rtcp, opened.take
	}
	return s.rtsp.Start()
}

func (s *Server) openDoor(network, address string) (net.Listener, error) {
	door, err := listen(network, address)
	s.door = door
	if err != nil {
		return nil, err
	}
	return door, nil
}

// Refuse makes the server refuse connections until Accept is called. Sessions
// that there are go on.
func (s *Server) Refuse() error { return s.door.refuse() }

// Accept takes connections again, at the same address.
func (s *Server) Accept() error { return s.door.accept() }

// Feed is the camera with a path, once the server is started. It panics if
// there is none.
func (s *Server) Feed(path string) *Feed {
	f := s.find(path)
	if f == nil {
		panic(fmt.Sprintf("simcam: no camera has the path %q", path))
	}
	return f
}

// Addr is the host and port on which the server listens, once started.
func (s *Server) Addr() string { return s.door.Addr().String() }

// URL is the address of a camera, without credentials.
func (s *Server) URL(path string) string {
	scheme := "rtsp"
	if s.cfg.TLS != nil {
		scheme = "rtsps"
	}
	return scheme + "://" + s.Addr() + "/" + path
}

// Run plays all cameras until ctx is done, then closes everything and returns
// nil, or returns what ended it before. Start must have succeeded.
func (s *Server) Run(ctx context.Context) error {
	s.clock.begin()
	group, playing := errgroup.WithContext(ctx)
	for path, feed := range s.feeds {
		group.Go(func() error {
			if err := feed.play(playing); err != nil && playing.Err() == nil {
				return fmt.Errorf("play simulated camera %q: %w", path, err)
			}
			return nil
		})
	}
	group.Go(func() error {
		defer context.AfterFunc(playing, s.rtsp.Close)()
		if err := s.rtsp.Wait(); err != nil && playing.Err() == nil {
			return fmt.Errorf("serve simulated cameras: %w", err)
		}
		return nil
	})
	return group.Wait()
}
