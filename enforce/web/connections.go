package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// connections are those of one listener. When there are too many, the one that
// has been without a whole request for longest gives its place to a new one;
// where all are being answered, the new one is refused.
type connections struct {
	cfg     Config
	metrics *Metrics

	mu      sync.Mutex
	open    map[*connection]struct{}
	of      map[netip.Prefix]int
	closing bool
}

// connection is one of them.
type connection struct {
	net.Conn
	all     *connections
	address netip.Prefix // invalid for a proxy's, which are not counted by address

	// Guarded by the mutex of all.
	served bool      // its request has arrived whole and is being answered
	idle   bool      // it has been answered, and nothing came since
	since  time.Time // for how long it has been without a whole request
}

func newConnections(cfg Config, m *Metrics) *connections {
	return &connections{cfg: cfg, metrics: m, open: map[*connection]struct{}{}, of: map[netip.Prefix]int{}}
}

// listen counts the connections of a listener.
func (c *connections) listen(l net.Listener) net.Listener { return counted{l, c} }

type counted struct {
	net.Listener
	all *connections
}

// Accept returns the next connection that there is room for.
func (l counted) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if conn := l.all.add(accepted); conn != nil {
			return conn, nil
		}
		_ = accepted.Close() // nobody is told: that would cost more than it is worth
	}
}

// add makes room for a connection; nil if there is none.
func (c *connections) add(accepted net.Conn) *connection {
	peer := addressOf(accepted.RemoteAddr().String())
	conn := &connection{Conn: accepted, all: c, since: time.Now()}
	if !c.cfg.Proxies.Trust(peer) {
		conn.address = Network(peer)
	}
	c.mu.Lock()
	victim, room := c.room(conn.address)
	if room {
		c.open[conn] = struct{}{}
		c.of[conn.address]++
		c.metrics.connections.WithLabelValues(c.cfg.Name).Set(float64(len(c.open)))
	}
	c.mu.Unlock()
	if victim != nil || !room {
		c.metrics.refused(c.cfg.Name)("connections")
	}
	if victim != nil {
		_ = victim.Close()
	}
	if !room {
		return nil
	}
	return conn
}

// room reports whether there is room for a connection of an address, and whose
// place it takes, if any. The mutex must be held.
func (c *connections) room(address netip.Prefix) (victim *connection, room bool) {
	if c.closing {
		return nil, false
	}
	crowded := address
	full := address.IsValid() && c.of[address] >= c.cfg.PerAddress
	if !full && len(c.open) < c.cfg.Connections {
		return nil, true
	}
	if !full {
		crowded = c.largest()
	}
	victim = c.idlest(crowded)
	return victim, victim != nil
}

// largest is the address with the most connections.
func (c *connections) largest() (address netip.Prefix) {
	most := 0
	for a, n := range c.of {
		if n > most {
			address, most = a, n
		}
	}
	return address
}

// idlest is the connection of an address that has been without a whole request
// for longest; nil if all are being answered.
func (c *connections) idlest(address netip.Prefix) (found *connection) {
	for conn := range c.open {
		if conn.address == address && !conn.served && (found == nil || conn.since.Before(found.since)) {
			found = conn
		}
	}
	return found
}

// Close closes the connection and gives its place up.
func (c *connection) Close() error {
	c.all.mu.Lock()
	if _, open := c.all.open[c]; open {
		delete(c.all.open, c)
		if c.all.of[c.address]--; c.all.of[c.address] == 0 {
			delete(c.all.of, c.address)
		}
		c.all.metrics.connections.WithLabelValues(c.all.cfg.Name).Set(float64(len(c.all.open)))
	}
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// changed follows what the HTTP server does with a connection.
func (c *connections) changed(conn net.Conn, state http.ConnState) {
	one, ok := conn.(*connection)
	if !ok || state != http.StateIdle && state != http.StateActive {
		return
	}
	c.mu.Lock()
	late := c.closing && state == http.StateActive
	if one.idle || state == http.StateIdle { // a request begins, or has been answered
		one.since = time.Now()
	}
	one.served, one.idle = false, state == http.StateIdle
	c.mu.Unlock()
	if late {
		_ = one.Close()
	}
}

type connectionKey struct{}

func (c *connections) context(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// serve notes that the request of a context has arrived whole.
func serve(ctx context.Context) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return // another server's, in a test
	}
	conn.all.mu.Lock()
	defer conn.all.mu.Unlock()
	conn.served = true
}

// dismiss closes the connections that are not being answered, and those that
// still come.
func (c *connections) dismiss() {
	c.mu.Lock()
	c.closing = true
	var waiting []*connection
	for conn := range c.open {
		if !conn.served {
			waiting = append(waiting, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range waiting {
		_ = conn.Close() // it has asked for nothing yet
	}
}
