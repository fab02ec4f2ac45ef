package simcam

import (
	"crypto/tls"
	"maps"
	"net"
	"slices"

	"github.com/bluenviron/gortsplib/v5"
)

// Watchers is how many sessions play the camera.
func (f *Feed) Watchers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, plays := range f.sessions {
		if plays {
			n++
		}
	}
	return n
}

// HangUp ends all sessions and their connections, with a FIN.
func (f *Feed) HangUp() {
	for _, session := range f.open() {
		session.Close()
	}
}

// Reset ends all sessions and their connections, with an RST.
func (f *Feed) Reset() {
	for _, session := range f.open() {
		for _, conn := range session.Conns() {
			// An error says that it is closed already.
			_ = plain(conn.NetConn()).SetLinger(0)
		}
		session.Close()
	}
}

// Write puts bytes that no camera should send between two messages of all
// control connections, and returns to how many.
func (f *Feed) Write(junk []byte) (written int) {
	for _, conn := range f.conns() {
		// An error says that the client has gone.
		if _, err := conn.NetConn().Write(junk); err == nil {
			written++
		}
	}
	return written
}

// ExpireNonces makes the camera answer the next request of each session that
// needs credentials with a 401, "stale" and a new nonce.
func (f *Feed) ExpireNonces() {
	for _, conn := range f.conns() {
		conn.UserData().(*challenge).stale.Store(true)
	}
}

func (f *Feed) open() []*gortsplib.ServerSession {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.sessions))
}

// watching are the connections that carry packets.
func (f *Feed) watching() (conns []*gortsplib.ServerConn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for session, plays := range f.sessions {
		if transport := session.Transport(); plays && transport != nil && transport.Protocol == gortsplib.ProtocolTCP {
			conns = append(conns, session.Conns()...)
		}
	}
	return conns
}

func (f *Feed) conns() []*gortsplib.ServerConn {
	var conns []*gortsplib.ServerConn
	for _, session := range f.open() {
		conns = append(conns, session.Conns()...)
	}
	return conns
}

// plain is the TCP connection under a TLS one, or under none.
func plain(nc net.Conn) *conn {
	if encrypted, ok := nc.(*tls.Conn); ok {
		nc = encrypted.NetConn()
	}
	return nc.(*conn)
}
