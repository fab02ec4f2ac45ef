package accounts

import (
	"context"
	"sync"
)

// room is how many may wait for their turn.
const room = 256

// turns lets one in at a time: of those who wait the one with the fewest
// failures, and of these the one who came first. When the room is full whoever
// has failed most leaves it, so that there is always a place for somebody who
// has not.
type turns struct {
	mu      sync.Mutex
	taken   bool
	waiting []*visitor // in order of arrival
}

type visitor struct {
	failures int
	turn     chan bool // true: it is theirs, false: they have to leave
}

func newTurns() *turns { return &turns{} }

// take waits for a turn, to be released after use. The error says that it will
// not come.
func (t *turns) take(ctx context.Context, failures int) error {
	v, waits := t.enter(failures)
	if !waits {
		return nil
	}
	select {
	case mine := <-v.turn:
		if !mine {
			return ErrBusy
		}
		return nil
	case <-ctx.Done():
		t.leave(v)
		return ctx.Err()
	}
}

// enter takes the turn if nobody has it, else a place in the room.
func (t *turns) enter(failures int) (*visitor, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.taken {
		t.taken = true
		return nil, false
	}
	v := &visitor{failures, make(chan bool, 1)}
	t.waiting = append(t.waiting, v)
	if len(t.waiting) > room {
		t.remove(t.pick(func(a, b int) bool { return a >= b })).turn <- false
	}
	return v, true
}

// release gives the turn to the next.
func (t *turns) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	t.remove(t.pick(func(a, b int) bool { return a < b })).turn <- true
}

// leave gives a place up, and the turn if it has just come.
func (t *turns) leave(v *visitor) {
	t.mu.Lock()
	for i, w := range t.waiting {
		if w == v {
			t.remove(i)
			t.mu.Unlock()
			return
		}
	}
	t.mu.Unlock()
	if <-v.turn {
		t.release()
	}
}

// pick finds the place of the first whose failures are better than those of all
// before.
func (t *turns) pick(better func(a, b int) bool) int {
	best := 0
	for i, v := range t.waiting {
		if i > 0 && better(v.failures, t.waiting[best].failures) {
			best = i
		}
	}
	return best
}

func (t *turns) remove(i int) *visitor {
	v := t.waiting[i]
	t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
	return v
}
