package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// door is the only way to the engine, which listens in a network of its own:
// the engine's process connects to itself and hands the connection over. It is
// a pair of sockets without a name, which nobody else can find.
type door struct{ requests *net.UnixConn }

// requestsFile is the door's other end in the engine's process.
const requestsFile = 3

// newDoor returns a door and the end of it that the engine's process gets.
func newDoor() (*door, *os.File, error) {
	requests, theirs, err := socketPair()
	if err != nil {
		return nil, nil, fmt.Errorf("make a way to the engine: %w", err)
	}
	return &door{requests}, theirs, nil
}

func (d *door) close() { _ = d.requests.Close() }

// dialTimeout bounds how long the engine's process may take to connect to
// itself.
const dialTimeout = 5 * time.Second

// passage is a connection to the engine. It is never reset: the engine's process
// would end at one that breaks off while they greet each other.
type passage struct{ *net.TCPConn }

// Close leaves, and does not wait for the engine to notice.
func (p passage) Close() error {
	err := p.CloseWrite()
	go p.leave()
	return err
}

// leave says that nothing more is to come, and hears the engine out for a while.
func (p passage) leave() {
	_ = p.CloseWrite()
	_ = p.SetReadDeadline(time.Now().Add(leaveTimeout))
	_, _ = io.Copy(io.Discard, p.TCPConn)
	_ = p.TCPConn.Close()
}

// leaveTimeout bounds for how long the engine is heard out. It greets and gives
// up a query in far less.
const leaveTimeout = 10 * time.Second

// dial returns a new connection to the engine. Each request brings the socket
// on which its answer is awaited, so that none can be taken for another's.
func (d *door) dial(ctx context.Context) (passage, error) {
	answers, theirs, err := socketPair()
	if err != nil {
		return passage{}, err
	}
	defer answers.Close()
	_, _, err = d.requests.WriteMsgUnix([]byte{1}, unix.UnixRights(int(theirs.Fd())), nil)
	theirs.Close()
	if err != nil {
		return passage{}, fmt.Errorf("the engine's process is gone: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = answers.SetDeadline(time.Unix(0, 1)) })()
	conn, err := receive(answers)
	if err != nil {
		return passage{}, errors.Join(err, ctx.Err())
	}
	return passage{conn.(*net.TCPConn)}, nil
}

// serveDials answers the door's requests, in the engine's process, as long as
// that lives.
func serveDials(port int) error {
	requests, err := unixConn(os.NewFile(requestsFile, "requests"))
	if err != nil {
		return err
	}
	go func() {
		for {
			answers, err := receive(requests)
			if err != nil {
				return // whoever asks is gone
			}
			go answerDial(answers.(*net.UnixConn), port)
		}
	}()
	return nil
}

// answerDial sends a connection or, without one, why there is none.
func answerDial(answers *net.UnixConn, port int) {
	defer answers.Close()
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		err = send(answers, conn.(*net.TCPConn))
		conn.Close()
	}
	if err != nil {
		_, _ = answers.Write([]byte(err.Error()))
	}
}

func send(over *net.UnixConn, conn *net.TCPConn) error {
	file, err := conn.File()
	if err != nil {
		return err
	}
	defer file.Close()
	_, _, err = over.WriteMsgUnix([]byte{1}, unix.UnixRights(int(file.Fd())), nil)
	return err
}

// receive takes one message, which either brings a connection or says why not.
func receive(over *net.UnixConn) (net.Conn, error) {
	message, rights := make([]byte, 1024), make([]byte, unix.CmsgSpace(4))
	n, attached, _, _, err := over.ReadMsgUnix(message, rights)
	switch {
	case err != nil:
		return nil, err
	case attached == 0:
		return nil, fmt.Errorf("connect to the engine: %s", message[:n])
	}
	headers, err := unix.ParseSocketControlMessage(rights[:attached])
	if err != nil {
		return nil, err
	}
	files, err := unix.ParseUnixRights(&headers[0])
	if err != nil {
		return nil, err
	}
	return fileConn(os.NewFile(uintptr(files[0]), "connection"))
}

// socketPair returns both ends of a way for single messages.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	theirs = os.NewFile(uintptr(ends[1]), "theirs")
	if ours, err = unixConn(os.NewFile(uintptr(ends[0]), "ours")); err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

func unixConn(file *os.File) (*net.UnixConn, error) {
	conn, err := fileConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// fileConn makes a connection of a file, which it closes.
func fileConn(file *os.File) (net.Conn, error) {
	defer file.Close()
	return net.FileConn(file)
}
