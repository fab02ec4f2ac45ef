package simcam

import (
	"net"
	"sync"
	"time"
)

// conn writes the packets of a frame at once. A server that plays a hundred
// cameras would else spend its time in tens of thousands of system calls a
// second.
type conn struct {
	*net.TCPConn

	mu      sync.Mutex
	pending []byte
	late    *time.Timer
	err     error // of a write that nobody waited for
}

const (
	largestWrite = 64 << 10

	// longestWait is for the rest of a frame, whose last packet may have got
	// lost.
	longestWait = 2 * time.Millisecond
)

func newConn(tcp *net.TCPConn) *conn {
	c := &conn{TCPConn: tcp}
	c.late = time.AfterFunc(longestWait, c.flushLate)
	return c
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.pending = append(c.pending, p...)
	if !moreFollows(p) || len(c.pending) >= largestWrite {
		return len(p), c.flush()
	}
	if len(c.pending) == len(p) {
		c.late.Reset(longestWait)
	}
	return len(p), nil
}

// moreFollows reports whether p is an RTP packet within RTSP and not the last
// of its frame. What TLS has made of one never looks like it.
func moreFollows(p []byte) bool {
	return len(p) > 5 && p[0] == '$' && p[1]%2 == 0 && p[5]&0x80 == 0
}

func (c *conn) flush() error {
	_, err := c.TCPConn.Write(c.pending)
	c.pending = c.pending[:0]
	return err
}

func (c *conn) flushLate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.pending) > 0 {
		c.err = c.flush()
	}
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.late.Stop()
	return c.TCPConn.Close()
}
