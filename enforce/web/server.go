// Package web is how HTTP is served to whoever comes: with limits for every
// header, body and answer in time and size, for the connections of one address
// and of all, and for the names by which the server is called. A client that is
// slow and lives is served; one that holds on to what it does not use is let go,
// at once when the server stops.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config sets the limits of one listener.
type Config struct {
	Name        string        // in metrics
	Request     time.Duration // for a whole request to arrive
	Write       time.Duration // for each part of an answer to be taken
	Idle        time.Duration // between requests
	Stop        time.Duration // for answers under way when the server stops
	Header      int           // bytes
	Connections int           // at once
	PerAddress  int           // at once, of each address that is no proxy of ours
	Proxies     Proxies
	Hosts       Hosts
}

// DefaultConfig is what a bureau needs, with room for all of it behind one
// address.
func DefaultConfig() Config {
	return Config{
		Request: 10 * time.Second, Write: 30 * time.Second, Idle: 2 * time.Minute, Stop: 15 * time.Second,
		Header: 16 << 10, Connections: 2048, PerAddress: 512,
	}
}

// Server serves one listener.
type Server struct {
	cfg      Config
	listener net.Listener
	http     *http.Server
	conns    *connections
}

// NewServer prepares a server; it takes the listener over. The handler must read
// bodies through Whole.
func NewServer(cfg Config, listener net.Listener, handler http.Handler, log *slog.Logger, m *Metrics) *Server {
	s := &Server{cfg: cfg, conns: newConnections(cfg, m)}
	s.listener = s.conns.listen(listener)
	s.http = &http.Server{
		Handler:           paced(cfg.Write, cfg.Hosts.only(noticeProxies(handler, cfg.Proxies, log, time.Now), m.refused(cfg.Name))),
		ReadHeaderTimeout: cfg.Request, ReadTimeout: cfg.Request, WriteTimeout: cfg.Write, IdleTimeout: cfg.Idle,
		MaxHeaderBytes: cfg.Header,
		ConnState:      s.conns.changed,
		ConnContext:    s.conns.context,
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// Run serves until ctx is done, and then finishes the answers under way.
// Requests that have not arrived whole are let go.
func (s *Server) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		s.conns.dismiss()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Stop)
		defer cancel()
		if s.http.Shutdown(grace) != nil { // a browser that holds on is let go
			return s.http.Close()
		}
		return nil
	})
	return group.Wait()
}
