// Package simcam is a camera made of a video file: an RTSP server that plays
// prepared H.264 for ever, each path a camera, with digest authentication and
// sender reports that tell the true wall-clock time. It serves the demo and
// the tests of everything behind a camera.
package simcam

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/auth"
	"golang.org/x/sync/errgroup"
)

// Camera is one path of the server and the prepared video that it shows.
type Camera struct {
	Path  string // without the leading slash
	Video string // file made by Prepare
}

// Config says what to play, where, and for whom.
type Config struct {
	Listen   string // host:port; port 0 picks a free one
	Cameras  []Camera
	Username string // both are required: cameras have credentials
	Password string
}

// Server plays cameras to any number of clients.
type Server struct {
	cfg  Config
	log  *slog.Logger
	rtsp *gortsplib.Server

	mu      sync.RWMutex
	players map[string]*player // by path; fixed once started
}

// New returns a server that does nothing yet.
func New(cfg Config, log *slog.Logger) *Server { return &Server{cfg: cfg, log: log} }

// Start loads the videos and listens. The cameras are on once Run runs.
func (s *Server) Start() error {
	videos, err := s.load()
	if err != nil {
		return fmt.Errorf("start simulated cameras: %w", err)
	}
	s.rtsp = &gortsplib.Server{
		Handler:        s,
		RTSPAddress:    s.cfg.Listen,
		AuthMethods:    []auth.VerifyMethod{auth.VerifyMethodDigestMD5},
		WriteQueueSize: 4096, // packets: a large key frame is sent in one go
	}
	s.mu.Lock() // requests wait until the streams are there
	defer s.mu.Unlock()
	if err := s.rtsp.Start(); err != nil {
		return fmt.Errorf("start simulated cameras: %w", err)
	}
	s.players = make(map[string]*player)
	for path, v := range videos {
		if s.players[path], err = newPlayer(s.rtsp, v); err != nil {
			s.rtsp.Close()
			return fmt.Errorf("start simulated camera %q: %w", path, err)
		}
	}
	return nil
}

// load reads the videos, one by path.
func (s *Server) load() (map[string]*video, error) {
	if s.cfg.Username == "" || s.cfg.Password == "" {
		return nil, errors.New("user name and password are required, as on a camera")
	}
	videos := make(map[string]*video)
	for _, camera := range s.cfg.Cameras {
		if camera.Path == "" || videos[camera.Path] != nil {
			return nil, fmt.Errorf("path %q is empty or used twice", camera.Path)
		}
		v, err := load(camera.Video)
		if err != nil {
			return nil, err
		}
		videos[camera.Path] = v
	}
	return videos, nil
}

// Addr is the host and port on which the server listens, once started.
func (s *Server) Addr() string { return s.rtsp.NetListener().Addr().String() }

// URL is the address of a camera, without credentials.
func (s *Server) URL(path string) string { return "rtsp://" + s.Addr() + "/" + path }

// Run plays all cameras until ctx is done, then closes everything and returns
// nil, or returns what ended it before. Start must have succeeded.
func (s *Server) Run(ctx context.Context) error {
	group, playing := errgroup.WithContext(ctx)
	for path, p := range s.players {
		group.Go(func() error {
			if err := p.play(playing); err != nil && playing.Err() == nil {
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
