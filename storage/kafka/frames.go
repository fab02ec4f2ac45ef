package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// largestFrame is more than any request of ours: a batch of events has a
	// mebibyte at most.
	largestFrame = 4 << 20
	// leastFrame is a request's key, version and number.
	leastFrame = 8

	greetingWait = 10 * time.Second // for the first request
	idleWait     = 10 * time.Minute // for every other one
	frameWait    = 30 * time.Second // for the rest of a request that has begun, and for an answer to be taken
)

// frames hands on Kafka requests whole. The embedded broker allocates what a
// request announces and has no answer to kinds that it does not know; here
// memory grows with what has arrived, up to a bound.
type frames struct {
	from    io.Reader
	until   func(time.Time) error // bounds the next reads
	greeted bool                  // the first request has come
	whole   bytes.Buffer          // what is left of the newest request, its size included
}

// Read implements io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	if f.whole.Len() == 0 {
		if err := f.next(); err != nil {
			f.whole.Reset()
			return 0, err
		}
	}
	return f.whole.Read(p)
}

// next waits for a request and reads it.
func (f *frames) next() error {
	size, err := f.announced()
	if err != nil {
		return err
	}
	if err := f.until(time.Now().Add(frameWait)); err != nil {
		return err
	}
	if _, err := io.CopyN(&f.whole, f.from, size); err != nil {
		return err
	}
	key := int16(binary.BigEndian.Uint16(f.whole.Bytes()[4:6])) //nolint:gosec // the protocol's keys are signed
	if kmsg.RequestForKey(key) == nil {
		return fmt.Errorf("a request has the unknown key %d", key)
	}
	f.greeted = true
	return nil
}

// announced is the size of the next request, by itself.
func (f *frames) announced() (size int64, err error) {
	wait := greetingWait
	if f.greeted {
		wait = idleWait
	}
	if err := f.until(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	var header [4]byte
	if _, err := io.ReadFull(f.from, header[:]); err != nil {
		return 0, err
	}
	size = int64(binary.BigEndian.Uint32(header[:]))
	if size < leastFrame || size > largestFrame {
		return 0, fmt.Errorf("a request announces %d bytes", size)
	}
	f.whole = bytes.Buffer{} // a large one is not kept for the next
	f.whole.Write(header[:])
	return size, nil
}

// guest is a connection to the embedded broker, with bounds on its requests
// and on the time that they take.
type guest struct {
	*net.UnixConn
	frames frames
	left   func()
}

// Read implements net.Conn.
func (g *guest) Read(p []byte) (int, error) { return g.frames.Read(p) }

// Write implements net.Conn.
func (g *guest) Write(p []byte) (int, error) {
	if err := g.SetWriteDeadline(time.Now().Add(frameWait)); err != nil {
		return 0, err
	}
	return g.UnixConn.Write(p)
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.left()
	return g.UnixConn.Close()
}
