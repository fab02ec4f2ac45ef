package ingest

import (
	"sync"
	"time"
)

// State is how a camera fares.
type State string

// The states of a camera.
const (
	Connecting State = "connecting" // no unit yet, nothing wrong yet
	Live       State = "live"       // units come
	Offline    State = "offline"    // the connection failed or ended; it is tried again
)

// Health is a camera's state, since when, and why.
type Health struct {
	State State     `json:"state"`
	Since time.Time `json:"since"`
	Why   string    `json:"why,omitempty"` // what went wrong last, for people; never a password
}

// healthBook holds a camera's health and notices changes of it.
type healthBook struct {
	mu  sync.Mutex
	now Health
}

func (b *healthBook) read() Health {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

// write enters a state and reports whether the state or its reason is new. A
// camera that fails again for another reason is offline since the first time.
func (b *healthBook) write(state State, why string, at time.Time) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now.State == state && b.now.Why == why {
		return false
	}
	if b.now.State == state {
		at = b.now.Since
	}
	b.now = Health{State: state, Since: at, Why: why}
	return true
}
