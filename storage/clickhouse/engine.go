package clickhouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
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
	Port        int    // on loopback; 0: any free one
	MemoryLimit uint64 // bytes

	StartTimeout time.Duration // loading a cold library takes its time
	StopTimeout  time.Duration // then it is killed, which loses nothing stored
}

// DefaultEngineConfig leaves the directory and the library to be filled in.
func DefaultEngineConfig() EngineConfig {
	return EngineConfig{
		MemoryLimit:  1 << 30,
		StartTimeout: 2 * time.Minute,
		StopTimeout:  10 * time.Second,
	}
}

// Engine is a ClickHouse of our own: a child process that hosts libchdb and is
// started again whenever it ends. It dies with this process, however this
// process dies. While it serves, Dir/dsn says how an analyst connects, who may
// read and do nothing else; the account that may do more is known to this
// process alone.
//
// The library ends its process at a failed handshake (a wrong password, a
// database that does not exist), which any program on this machine can bring
// about. Nothing stored is lost by that, and it serves again seconds later.
type Engine struct {
	cfg     EngineConfig
	conn    Config // the owner's
	log     *slog.Logger
	metrics engineMetrics

	analystPassword string

	stop    context.CancelFunc
	stopped chan struct{}
	ending  error // how the child ended at Close; valid once stopped is closed

	mu   sync.Mutex
	down error // why it does not serve; nil while it does
}

// StartEngine starts the engine and returns once it serves. The caller closes
// it, after every pool of connections to it.
func StartEngine(ctx context.Context, cfg EngineConfig, log *slog.Logger, reg prometheus.Registerer) (*Engine, error) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	e := &Engine{
		cfg: cfg, log: log, metrics: newEngineMetrics(reg),
		conn:            Config{Database: "tidewatch", User: "tidewatch", Password: rand.Text()},
		analystPassword: rand.Text(),
		stop:            stop, stopped: make(chan struct{}), down: errors.New("not started yet"),
	}
	first := make(chan error, 1)
	go e.run(life, first)
	var err error
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

// Config is how to connect to the engine as the owner of the database.
func (e *Engine) Config() Config { return e.conn }

// analyst is how to connect to the engine as one who may only read.
func (e *Engine) analyst() Config {
	cfg := e.conn
	cfg.User, cfg.Password = "analyst", e.analystPassword
	return cfg
}

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

// run keeps a child alive until life ends. The outcome of the first start goes
// to first; a first start that fails is not repeated.
func (e *Engine) run(life context.Context, first chan<- error) {
	defer close(e.stopped)
	// The kernel kills the child when the thread that started it ends, so that
	// thread must be ours for as long as the child lives.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	served := false
	for attempt := 0; life.Err() == nil; attempt++ {
		if err := e.choosePort(served); err != nil {
			first <- err
			return
		}
		err := e.live(life, func() {
			attempt = 0
			if !served {
				served = true
				first <- nil
			}
		})
		switch {
		case life.Err() != nil:
		case served:
			e.setHealth(err)
			e.metrics.restarts.Inc()
			e.log.Warn("database engine ended and is started again", "error", err)
			pause(life, min(time.Second<<min(attempt, 5), 30*time.Second))
		case errors.Is(err, ErrPortTaken) && e.cfg.Port == 0 && attempt < 5:
		default:
			first <- err
			return
		}
	}
}

// choosePort settles the port until the engine has served on it once: pools of
// connections rely on it from then on.
func (e *Engine) choosePort(served bool) error {
	if served {
		return nil
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", e.cfg.Port))
	if err != nil {
		return fmt.Errorf("listen on port %d: %w: %w", e.cfg.Port, ErrPortTaken, err)
	}
	e.conn.Addresses = []string{listener.Addr().String()}
	return listener.Close()
}

// live is one child's life, from its start to its end.
func (e *Engine) live(life context.Context, serving func()) error {
	child, err := e.launch()
	if err != nil {
		return err
	}
	defer child.kill()
	if err := e.awaitService(life, child); err != nil {
		return err
	}
	if err := os.WriteFile(e.dsnFile(), []byte(e.analyst().DSN()+"\n"), 0o600); err != nil {
		return err
	}
	defer os.Remove(e.dsnFile())
	e.setHealth(nil)
	e.log.Info("database engine serves", "address", e.conn.Addresses[0])
	serving()
	select {
	case <-child.ended:
		return child.failure()
	case <-life.Done():
		e.setHealth(errors.New("closed"))
		e.endQueries()
		e.ending = child.end(e.cfg.StopTimeout)
		return e.ending
	}
}

// awaitService returns once the child answers and has its database.
func (e *Engine) awaitService(life context.Context, child *child) error {
	ctx, cancel := context.WithTimeout(life, e.cfg.StartTimeout)
	defer cancel()
	for {
		err := e.command(ctx, "CREATE DATABASE IF NOT EXISTS "+e.conn.Database)
		if err == nil {
			return nil
		}
		select {
		case <-child.ended:
			return child.failure()
		case <-ctx.Done():
			return fmt.Errorf("wait until it serves: %w", errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// endQueries asks the engine to give up what it still runs for us and for
// analysts; the query that holds the listener open is of neither.
func (e *Engine) endQueries() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := e.command(ctx, "KILL QUERY WHERE user IN (currentUser(), 'analyst') AND query_id != queryID() ASYNC FORMAT Null")
	if err != nil {
		e.log.Debug("running queries could not be ended", "error", err)
	}
}

// command runs a statement over a connection of its own.
func (e *Engine) command(ctx context.Context, statement string) error {
	cfg := e.conn
	cfg.Database = "system" // the one that exists from the start
	conn, err := Open(cfg)
	if err != nil {
		return err
	}
	return errors.Join(conn.Exec(ctx, statement), conn.Close())
}

// dsnFile tells other programs of this user how an analyst connects.
func (e *Engine) dsnFile() string { return filepath.Join(e.cfg.Dir, "dsn") }

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
