package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// socketScheme begins the address of the embedded broker.
	socketScheme = "unix:"
	// embeddedName is what the embedded broker calls itself. Nobody can dial it:
	// its clients go to the socket whatever address they are told.
	embeddedName = "embedded.invalid:9092"
	// longestSocketPath is what the kernel takes, without the zero at its end.
	longestSocketPath = 107
	// mostConnections bounds who is served at once; a Tidewatch and a few
	// commands beside it need two dozen.
	mostConnections = 128
)

// dialSocket connects to a Unix socket, however long its path is.
func dialSocket(ctx context.Context, path string) (conn net.Conn, err error) {
	err = byShortPath(path, func(short string) error {
		conn, err = (&net.Dialer{}).DialContext(ctx, "unix", short)
		return err
	})
	return conn, err
}

// Knock sees whether an embedded broker listens at a socket.
func Knock(ctx context.Context, socket string) error {
	conn, err := dialSocket(ctx, socket)
	if err != nil {
		return err
	}
	return conn.Close()
}

// byShortPath calls do with a name of the socket that the kernel takes: a long
// path is gone by way of its opened folder.
func byShortPath(path string, do func(short string) error) error {
	if len(path) <= longestSocketPath {
		return do(path)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return do(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)))
}

// door is where the embedded broker's clients come in: a Unix socket in a
// folder of our own, for processes of our user and of root.
type door struct {
	*net.UnixListener
	path string
	user uint32 // who may come in beside root
	log  *slog.Logger
	open atomic.Int32
}

// openDoor listens at path. Whoever calls it holds the folder's lock, so a
// socket that lies there was left behind.
func openDoor(path string, log *slog.Logger) (*door, error) {
	if err := ignoreMissing(os.Remove(path)); err != nil {
		return nil, fmt.Errorf("remove the socket of before: %w", err)
	}
	d := &door{path: path, user: uint32(os.Geteuid()), log: log}
	err := byShortPath(path, func(short string) (err error) {
		d.UnixListener, err = net.ListenUnix("unix", &net.UnixAddr{Name: short, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("make the socket %s: %w; the data folder must be on a file system that can hold sockets", path, err)
	}
	d.SetUnlinkOnClose(false) // the short name means nothing by then
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("make the socket: %w", err), d.Close())
	}
	return d, nil
}

// Accept implements net.Listener. The broker stops listening at the first
// error, so nothing but the end of the listener is one.
func (d *door) Accept() (net.Conn, error) {
	for {
		conn, err := d.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil, err
		case err != nil: // too many open files, for one
			d.log.Warn("embedded broker cannot take a connection", "error", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if err := d.admit(conn); err != nil {
			d.log.Warn("connection to the embedded broker refused", "error", err)
			_ = conn.Close()
			continue
		}
		return d.enter(conn), nil
	}
}

// admit says why a connection is not served.
func (d *door) admit(conn *net.UnixConn) error {
	user, err := peer(conn)
	switch {
	case err != nil:
		return err
	case user != d.user && user != 0:
		return fmt.Errorf("user %d is not ours", user)
	case d.open.Load() >= mostConnections:
		return fmt.Errorf("%d are open already", mostConnections)
	}
	return nil
}

func (d *door) enter(conn *net.UnixConn) net.Conn {
	d.open.Add(1)
	return &guest{UnixConn: conn, frames: frames{from: conn, until: conn.SetReadDeadline}, left: sync.OnceFunc(func() { d.open.Add(-1) })}
}

// Addr implements net.Listener: it is what the broker tells its clients.
func (d *door) Addr() net.Addr { return name(embeddedName) }

// Close implements net.Listener.
func (d *door) Close() error {
	return errors.Join(d.UnixListener.Close(), ignoreMissing(os.Remove(d.path)))
}

// peer is the user at the other end.
func peer(conn *net.UnixConn) (user uint32, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("ask who connects: %w", err)
	}
	var credentials *unix.Ucred
	if controlled := raw.Control(func(fd uintptr) {
		credentials, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); controlled != nil {
		err = controlled
	}
	if err != nil {
		return 0, fmt.Errorf("ask who connects: %w", err)
	}
	return credentials.Uid, nil
}

// name is an address that cannot be dialled.
type name string

// Network implements net.Addr.
func (name) Network() string { return "tcp" }

// String implements net.Addr.
func (n name) String() string { return string(n) }
