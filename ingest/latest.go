package ingest

import (
	"context"
	"sync"
)

// Latest is a mailbox with room for one unit: a new one takes the place of one
// that nobody has taken yet, so that whoever is slow always gets the newest
// picture and never a queue of old ones. It is safe for concurrent use.
type Latest struct {
	mu   sync.Mutex // makes replacing one step for several that put
	slot chan *Unit
}

// NewLatest returns an empty mailbox.
func NewLatest() *Latest { return &Latest{slot: make(chan *Unit, 1)} }

// Put leaves a unit and never waits. It reports whether an older one that
// nobody had taken was superseded; count it.
func (l *Latest) Put(u *Unit) (superseded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.slot:
		superseded = true
	default:
	}
	l.slot <- u // free: only the holder of mu fills it
	return superseded
}

// Take waits for a unit and removes it.
func (l *Latest) Take(ctx context.Context) (*Unit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case u := <-l.slot:
		return u, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
