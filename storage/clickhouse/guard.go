package clickhouse

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	greetingTimeout = 10 * time.Second
	mostWaiting     = 512 // connections that have not said who they are
	mostAnalysts    = 32  // of the engine's max_connections
	complainEvery   = time.Minute
)

// ClickHouse's own codes of the errors that the guard gives.
const (
	codeUnknownDatabase = 81
	codeTooMany         = 202
	codeNetwork         = 210
	codeWrongPassword   = 516
)

// guard lets analysts through to the engine, and nobody else: no byte reaches
// the engine before the password was right. The engine's process would end at
// a wrong one, at the name of a database that does not exist, and at whatever
// else is wrong with a greeting; so the guard does all of the greeting itself.
type guard struct {
	listener  net.Listener
	password  string
	databases []string // those that exist
	dial      func(context.Context) (passage, error)
	log       *slog.Logger
	came      *prometheus.CounterVec

	conns sync.WaitGroup
	seats chan struct{}

	mu       sync.Mutex
	waiting  []net.Conn // the oldest first
	refused  int        // since the last complaint
	complain time.Time  // when the next one is due
}

// analystUser is the one who may come in.
const analystUser = "analyst"

// run serves until ctx is done, and then ends every connection.
func (g *guard) run(ctx context.Context) {
	defer g.conns.Wait()
	defer g.listener.Close()
	defer context.AfterFunc(ctx, func() { _ = g.listener.Close() })()
	for ctx.Err() == nil {
		client, err := g.listener.Accept()
		if err != nil { // closed, or out of descriptors
			pause(ctx, 100*time.Millisecond)
			continue
		}
		g.await(client)
		g.conns.Go(func() { g.serve(ctx, client) })
	}
}

// serve is the whole of one connection.
func (g *guard) serve(ctx context.Context, client net.Conn) {
	defer client.Close()
	defer context.AfterFunc(ctx, func() { _ = client.Close() })()
	r := bufio.NewReader(client)
	h, err := g.greet(client, r)
	if err != nil {
		g.turnAway(client, err)
		return
	}
	select {
	case g.seats <- struct{}{}:
		defer func() { <-g.seats }()
	default:
		g.turnAway(client, &exception{codeTooMany, fmt.Sprintf("analysts have %d connections already, which is as many as they get", mostAnalysts)})
		return
	}
	engine, err := g.dial(ctx)
	if err != nil {
		g.turnAway(client, &exception{codeNetwork, "the database does not serve just now, try again in a moment"})
		return
	}
	defer engine.leave() // with the seat taken, for as long as the engine has it
	if err := introduce(client, r, engine, h); err != nil {
		g.turnAway(client, err)
		return
	}
	g.came.WithLabelValues("admitted").Inc()
	join(client, r, engine)
}

// greet reads who comes, and lets analysts in.
func (g *guard) greet(client net.Conn, r *bufio.Reader) (hello, error) {
	defer g.awaitNoMore(client)
	_ = client.SetDeadline(time.Now().Add(greetingTimeout))
	h, err := readHello(r)
	if err != nil {
		return h, err
	}
	return h, g.check(h)
}

// introduce has both greet each other. What the engine gets is whole and right
// whatever the client does meanwhile.
func introduce(client net.Conn, r *bufio.Reader, engine net.Conn, h hello) error {
	away := &exception{codeNetwork, "the database does not serve just now, try again in a moment"}
	h.revision = min(h.revision, newestRevision)
	_ = engine.SetDeadline(time.Now().Add(greetingTimeout))
	if _, err := engine.Write(h.encode()); err != nil {
		return away
	}
	answers := bufio.NewReader(engine)
	w, err := readWelcome(answers)
	if err != nil {
		return away
	}
	w.revision = min(w.revision, newestRevision)
	rest, err := answers.Peek(answers.Buffered())
	if err != nil {
		return err
	}
	if _, err := client.Write(append(w.encode(), rest...)); err != nil {
		return err
	}
	if min(h.revision, w.revision) >= quotaKeyRevision {
		if _, err := readText(r); err != nil { // of a quota; there are none
			return err
		}
	}
	return errors.Join(engine.SetDeadline(time.Time{}), client.SetDeadline(time.Time{}))
}

// check says why a client may not come in.
func (g *guard) check(h hello) error {
	if !same(h.user, analystUser) || !same(h.password, g.password) {
		return &exception{codeWrongPassword, "user or password is wrong: the file dsn says how to connect, anew after each start"}
	}
	if h.database != "" && !slices.Contains(g.databases, h.database) {
		return &exception{codeUnknownDatabase, "no such database: the one to ask is " + g.databases[0]}
	}
	return nil
}

// same compares in a time that tells nothing of either.
func same(a, b string) bool {
	sumA, sumB := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(sumA[:], sumB[:]) == 1
}

// await counts a connection among those that have not said who they are.
// Where there are too many, the oldest goes: an analyst's client says it at
// once, and is not kept out by those who say nothing.
func (g *guard) await(client net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, client)
	if len(g.waiting) > mostWaiting {
		_ = g.waiting[0].Close()
		g.waiting = g.waiting[1:]
	}
}

func (g *guard) awaitNoMore(client net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = slices.DeleteFunc(g.waiting, func(c net.Conn) bool { return c == client })
}

// turnAway ends a connection; a client of the protocol hears why.
func (g *guard) turnAway(client net.Conn, err error) {
	var told *exception
	if !errors.As(err, &told) {
		g.came.WithLabelValues("malformed").Inc()
		return
	}
	g.came.WithLabelValues("refused").Inc()
	if told.code == codeWrongPassword {
		g.complainOf(client.RemoteAddr())
	}
	_ = client.SetDeadline(time.Now().Add(greetingTimeout))
	_, _ = client.Write(told.encode())
}

// complainOf logs that somebody guesses, now and then.
func (g *guard) complainOf(guesser net.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused++
	if now := time.Now(); now.After(g.complain) {
		g.log.Warn("database refused wrong passwords", "count", g.refused, "last_from", guesser)
		g.refused, g.complain = 0, now.Add(complainEvery)
	}
}

// join carries bytes both ways until either side ends; r has what the client
// has said already.
func join(client net.Conn, r *bufio.Reader, engine passage) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = r.WriteTo(engine)
		_ = engine.CloseWrite() // the client hears the rest of its answer
	}()
	_, _ = io.Copy(client, engine)
	_ = client.Close()
	<-done
}
