package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// run keeps a child alive until life ends. The outcome of the first start goes
// to first; a first start that fails is not repeated.
func (e *Engine) run(life context.Context, first chan<- error) {
	defer close(e.stopped)
	// The kernel kills the child when the thread that started it ends, so that
	// thread must be ours for as long as the child lives.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	// Analysts hear how their queries end, so the guard closes after the child.
	var guard sync.WaitGroup
	defer guard.Wait()
	open, shut := context.WithCancel(context.WithoutCancel(life))
	defer shut()
	guard.Go(func() { e.guard.run(open) })

	served := false
	for attempt := 0; life.Err() == nil; attempt++ {
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
		case errors.Is(err, ErrPortTaken) && attempt < 5:
		case e.concede(err):
		default:
			first <- withRemedy(err)
			return
		}
	}
}

// concede goes without a confinement that cannot be had, where that is allowed.
func (e *Engine) concede(err error) bool {
	if !e.cfg.AllowUnconfined {
		return false
	}
	switch {
	case errors.Is(err, ErrNoNetwork) && !e.reachable:
		e.reachable = true
	case errors.Is(err, ErrNoJail) && !e.loose:
		e.loose = true
	default:
		return false
	}
	e.lacking = errors.Join(e.lacking, err)
	e.log.Warn("database engine is less confined than it should be", "error", err)
	return true
}

// withRemedy adds what can be done.
func withRemedy(err error) error {
	const otherwise = "or keep the database in a ClickHouse server of yours (clickhouse.address), or, where every user and program of this machine may read it, set clickhouse.allow_unconfined: true"
	switch {
	case errors.Is(err, ErrNoNetwork):
		return fmt.Errorf("%w: allow this user to make user and network namespaces (sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns, the container's seccomp profile), %s", err, otherwise)
	case errors.Is(err, ErrNoJail):
		return fmt.Errorf("%w: use Linux 5.19 or newer with landlock among the security modules (lsm=landlock,... on the kernel's command line), %s", err, otherwise)
	}
	return err
}

// live is one child's life, from its start to its end.
func (e *Engine) live(life context.Context, serving func()) error {
	child, err := e.launch()
	if err != nil {
		return err
	}
	defer child.kill()
	e.setDoor(child.door)
	defer e.setDoor(nil)
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
	watch, unwatch := context.WithCancel(context.WithoutCancel(life)) // to the end of this child
	silence := e.silence(watch)
	defer func() {
		unwatch()
		for range silence { // until nobody listens for it any more
		}
	}()
	select {
	case err := <-silence:
		return err
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

// silence reports when the engine has not answered for as long as patience
// lasts, as when somebody told it to listen no more. It listens until ctx is
// done.
func (e *Engine) silence(ctx context.Context) <-chan error {
	silence := make(chan error, 1)
	go func() {
		defer close(silence)
		heard := time.Now()
		for ctx.Err() == nil {
			err := e.ask(ctx)
			if err == nil {
				heard = time.Now()
			} else if time.Since(heard) >= e.cfg.Patience {
				silence <- fmt.Errorf("no answer for %v: %w", e.cfg.Patience, err)
				return
			}
			pause(ctx, e.cfg.Patience/6)
		}
	}()
	return silence
}

// ask sees whether the engine takes a new connection and answers on it, be it
// that it has no memory left.
func (e *Engine) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Patience)
	defer cancel()
	err := e.command(ctx, "SELECT 1")
	var answer *clickhouse.Exception
	if errors.As(err, &answer) {
		return nil
	}
	return err
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

// dial connects to the child that lives.
func (e *Engine) dial(ctx context.Context) (passage, error) {
	e.mu.Lock()
	door := e.door
	e.mu.Unlock()
	if door == nil {
		return passage{}, errors.New("the database engine does not run")
	}
	return door.dial(ctx)
}

func (e *Engine) setDoor(door *door) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.door = door
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
