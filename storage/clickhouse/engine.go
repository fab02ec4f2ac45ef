package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// What a start of the engine may meet.
var (
	ErrInUse     = errors.New("data directory is in use by another process")
	ErrPortTaken = errors.New("port is in use by another process")
	ErrEnded     = errors.New("the engine's process ended") // such as for files that it cannot read
)

// EngineConfig says where the embedded engine lives and what it may take.
type EngineConfig struct {
	Dir         string // its own directory, created if missing
	Library     string // path of libchdb.so
	Port        int    // of the analysts, on loopback; 0: any free one
	MemoryLimit uint64 // bytes

	// AllowUnconfined starts the engine also where the system cannot keep
	// others of this machine from it, or this machine's files from its queries.
	AllowUnconfined bool

	StartTimeout time.Duration // loading a cold library takes its time
	StopTimeout  time.Duration // then it is killed, which loses nothing stored
	Patience     time.Duration // one that has not answered for so long is started again
}

// DefaultEngineConfig leaves the directory and the library to be filled in.
func DefaultEngineConfig() EngineConfig {
	return EngineConfig{
		MemoryLimit:  1 << 30,
		StartTimeout: 2 * time.Minute,
		StopTimeout:  10 * time.Second,
		Patience:     30 * time.Second,
	}
}

// Engine is a ClickHouse of our own: a child process that hosts libchdb and is
// started again whenever it ends or does not answer. It dies with this process,
// however this process dies.
//
// The child is in a network of its own, which only this process has a door to,
// and has given up every file but its own before the library is loaded. While
// it serves, Dir/dsn says how an analyst connects, who may read and do nothing
// else; the account that may do more is known to this process alone.
type Engine struct {
	cfg     EngineConfig
	conn    Config // the owner's
	guard   *guard
	log     *slog.Logger
	metrics engineMetrics

	// What the child must do without; changed before it serves alone.
	reachable bool // a network of its own
	loose     bool // the jail
	lacking   error

	stop    context.CancelFunc
	stopped chan struct{}
	ending  error // how the child ended at Close; valid once stopped is closed

	mu   sync.Mutex
	door *door // of the child that lives
	down error // why it does not serve; nil while it does
}

// StartEngine starts the engine and returns once it serves. The caller closes
// it, after every pool of connections to it.
func StartEngine(ctx context.Context, cfg EngineConfig, log *slog.Logger, reg prometheus.Registerer) (*Engine, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", cfg.Port))
	if err != nil {
		return nil, fmt.Errorf("start clickhouse in %s: listen on port %d: %w: %w", cfg.Dir, cfg.Port, ErrPortTaken, err)
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	e := newEngine(cfg, listener, log, reg)
	e.stop = stop
	first := make(chan error, 1)
	go e.run(life, first)
	select {
	case err = <-first:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start clickhouse in %s: %w", cfg.Dir, err), e.Close())
	}
	return e, nil
}

func newEngine(cfg EngineConfig, listener net.Listener, log *slog.Logger, reg prometheus.Registerer) *Engine {
	e := &Engine{
		cfg: cfg, log: log, metrics: newEngineMetrics(reg),
		stopped: make(chan struct{}), down: errors.New("not started yet"),
	}
	e.conn = Config{
		Addresses: []string{listener.Addr().String()},
		Dial:      func(ctx context.Context) (net.Conn, error) { return e.dial(ctx) },

		Database: "tidewatch", User: "tidewatch", Password: rand.Text(),
	}
	e.guard = &guard{
		listener: listener, password: rand.Text(), dial: e.dial, log: log, came: e.metrics.analysts,
		databases: []string{e.conn.Database, "default", "system", "information_schema", "INFORMATION_SCHEMA"},
		seats:     make(chan struct{}, mostAnalysts),
	}
	return e
}

// Config is how this process connects to the engine as the owner of the
// database.
func (e *Engine) Config() Config { return e.conn }

// analyst is how to connect to the engine as one who may only read.
func (e *Engine) analyst() Config {
	cfg := e.conn
	cfg.User, cfg.Password, cfg.Dial = analystUser, e.guard.password, nil
	return cfg
}

// Unconfined says what the system cannot keep from the engine, or the engine
// from; nil where all is as it should be.
func (e *Engine) Unconfined() error { return e.lacking }

// Health says why the engine does not serve; nil while it does.
func (e *Engine) Health() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.down
}

func (e *Engine) setHealth(down error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
	e.metrics.setUp(down == nil)
}

// Close ends the queries still running and stops the engine. It fails where
// the engine had to be killed.
func (e *Engine) Close() error {
	e.stop()
	<-e.stopped
	return e.ending
}

// dsnFile tells other programs of this user how an analyst connects.
func (e *Engine) dsnFile() string { return filepath.Join(e.cfg.Dir, "dsn") }
