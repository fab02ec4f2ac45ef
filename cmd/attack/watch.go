package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tidewatch/cmd/trialrig"
)

// watch looks all the time whether the system is ready.
type watch struct {
	mu     sync.Mutex
	looks  int
	bad    int
	why    error
	ended  func() bool
	paused bool
}

const (
	lookEvery = 200 * time.Millisecond
	// tolerated is for how many looks a system may be unready during an attempt:
	// on a busy machine an answer may come too late.
	tolerated = 4
)

func watchOver(ctx context.Context, s *trialrig.System) *watch {
	w := &watch{ended: s.Ended}
	go func() {
		for ctx.Err() == nil && !s.Ended() {
			w.look(s.Ready())
			time.Sleep(lookEvery)
		}
	}()
	return w
}

func (w *watch) look(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks++
	if err != nil && !w.paused {
		w.bad++
		w.why = err
	}
}

// begin forgets what was seen before.
func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looks, w.bad, w.why = 0, 0, nil
}

// pause is called before the system is stopped on purpose.
func (w *watch) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paused = true
}

func (w *watch) isPaused() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.paused
}

// end tells whether the system stood an attempt. It looks a moment longer:
// what was broken may take a while to show.
func (w *watch) end() result {
	time.Sleep(3 * lookEvery)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.paused:
		return result{}
	case w.ended():
		return result{Got: "the system has ended"}
	case w.bad > tolerated:
		return result{Got: fmt.Sprintf("the system was not ready in %d of %d looks: %v", w.bad, w.looks, w.why)}
	}
	return result{}
}
