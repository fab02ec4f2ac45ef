package simcam

import (
	"errors"
	"net"
	"sync"
)

// listener can refuse connections for a while, and then take them again at the
// same address, without its server's knowledge.
type listener struct {
	network string
	addr    net.Addr

	mu      sync.Mutex
	open    net.Listener // nil while connections are refused
	changed chan struct{}
	closed  bool
}

func listen(network, address string) (*listener, error) {
	open, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &listener{network: network, addr: open.Addr(), open: open, changed: make(chan struct{})}, nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return l.addr }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		open, changed, closed := l.state()
		if closed {
			return nil, net.ErrClosed
		}
		if open == nil {
			<-changed
			continue
		}
		accepted, err := open.Accept()
		if errors.Is(err, net.ErrClosed) {
			continue // for a while or for good, as the state says
		}
		if err != nil {
			return nil, err
		}
		return newConn(accepted.(*net.TCPConn)), nil
	}
}

func (l *listener) state() (open net.Listener, changed <-chan struct{}, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, l.changed, l.closed
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		l.change()
	}
	return l.stop()
}

// refuse makes the machine refuse further connections.
func (l *listener) refuse() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop()
}

// accept ends refuse.
func (l *listener) accept() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open != nil || l.closed {
		return nil
	}
	open, err := net.Listen(l.network, l.addr.String())
	if err != nil {
		return err
	}
	l.open = open
	l.change()
	return nil
}

func (l *listener) stop() error {
	if l.open == nil {
		return nil
	}
	err := l.open.Close()
	l.open = nil
	return err
}

func (l *listener) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}
