package rtsp

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tidewatch/ingest"
)

const (
	// mostDials bounds redirects in a circle.
	mostDials = 3
	// readAhead is what is read from a connection at once: more than the
	// client asks for, since each call of the system costs as much as a packet.
	readAhead = 32 << 10
)

// line is the way to one address. It tells what answers there, where that is no
// RTSP.
type line struct {
	patience time.Duration
	home     string
	secure   bool
	dialed   int
	heard    atomic.Bool // something was answered
}

// dial dials the first address asked for and no other. The client follows
// redirects, and would give the credentials to whoever a camera names.
func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := l.call(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return l.ahead(conn), nil
}

// dialTLS is dial, with a handshake. That has an end here: a port without TLS
// may take what it is sent for the beginning of a request, and wait for the
// rest.
func (l *line) dialTLS(ctx context.Context, network, address string, security *tls.Config) (net.Conn, error) {
	l.secure = true
	conn, err := l.call(ctx, network, address)
	if err != nil {
		return nil, err
	}
	security = security.Clone()
	security.ServerName, _, _ = net.SplitHostPort(address) // it was dialed
	secured := tls.Client(conn, security)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(classifyHandshake(err), ignoreClosed(conn.Close()))
	}
	return l.ahead(secured), nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (l *line) call(ctx context.Context, network, address string) (net.Conn, error) {
	if l.dialed++; l.dialed == 1 {
		l.home = address
	}
	if address != l.home || l.dialed > mostDials {
		return nil, ErrRedirected
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// classifyHandshake tells a port that does not speak TLS from one whose
// certificate or kind of TLS will not do.
func classifyHandshake(err error) error {
	var record tls.RecordHeaderError
	var network net.Error
	switch {
	case isUntrusted(err):
		return ErrUntrusted
	case errors.As(err, &record), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return ErrNoTLS
	case errors.Is(err, context.Canceled):
		return err
	}
	return ErrOldTLS
}

// explain finds out why a connection ended before anything was answered.
func (l *line) explain(ctx context.Context, err error) error {
	if fault := classify(err); l.heard.Load() || !errors.Is(fault, ErrEnded) && !errors.Is(fault, ErrReset) {
		return err
	}
	if !l.secure && l.speaksTLS(ctx) {
		return ErrTLS
	}
	return ErrUnheard
}

// speaksTLS asks with a handshake, which holds nothing of ours.
func (l *line) speaksTLS(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, l.patience)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.home)
	if err != nil {
		return false
	}
	defer conn.Close()
	err = tls.Client(conn, &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}).HandshakeContext(ctx) //nolint:gosec // nothing is sent
	return err == nil || errors.Is(classifyHandshake(err), ErrOldTLS)
}

// ahead reads a connection in large pieces, and looks at its first.
func (l *line) ahead(conn net.Conn) net.Conn {
	return &ahead{conn, bufio.NewReaderSize(conn, readAhead), l, false}
}

type ahead struct {
	net.Conn
	reader *bufio.Reader
	line   *line
	looked bool
}

func (a *ahead) Read(p []byte) (int, error) {
	if !a.looked {
		a.looked = true
		if err := a.look(); err != nil {
			return 0, err
		}
	}
	return a.reader.Read(p)
}

// look tells by the first bytes who answers. A request of the camera's own
// begins like nothing here.
func (a *ahead) look() error {
	first, err := a.reader.Peek(len("HTTP/"))
	if len(first) > 0 {
		a.line.heard.Store(true)
	}
	if fault := strange(first); fault != nil {
		return fault
	}
	if len(first) == 0 {
		return err
	}
	return nil
}

// strange is what answers with such bytes, nil for what may be RTSP.
func strange(first []byte) *ingest.Fault {
	text := strings.ToLower(string(first))
	switch {
	case bytes.HasPrefix(first, []byte{21, 3}), bytes.HasPrefix(first, []byte{22, 3}): // an alert, a handshake
		return ErrTLS
	case text == "http/", strings.HasPrefix(text, "<htm"), strings.HasPrefix(text, "<!doc"), strings.HasPrefix(text, "<?xml"):
		return ErrHTTP
	case strings.HasPrefix(text, "ssh-"), strings.HasPrefix(text, "220"): // as mail and FTP greet
		return ErrProtocol
	}
	return nil
}
