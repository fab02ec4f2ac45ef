package rtsp

import (
	"fmt"
	"time"
)

// watch notices that a playing stream has gone silent or wrong.
type watch struct {
	silence, keyless time.Duration
	units            chan struct{}
	keys             chan struct{}
	failed           chan error
}

func newWatch(silence, keyless time.Duration) *watch {
	w := &watch{
		silence: silence, keyless: keyless,
		units: make(chan struct{}, 1), keys: make(chan struct{}, 1), failed: make(chan error, 1),
	}
	return w
}

// alive says that a picture came, of use or not.
func (w *watch) alive() { signal(w.units) }

// useful says that a whole key unit came.
func (w *watch) useful() { signal(w.keys) }

// signal leaves word in a channel with room for one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *watch) fail(err error) {
	select {
	case w.failed <- err:
	default: // the first reason is enough
	}
}

// wait returns why the stream is over; ended blocks until its connection is.
func (w *watch) wait(ended func() error) error {
	closed := make(chan error, 1)
	go func() { closed <- ended() }()
	silence, keyless := time.NewTimer(w.silence), time.NewTimer(w.keyless)
	defer silence.Stop()
	defer keyless.Stop()
	for {
		select {
		case <-w.units:
			silence.Reset(w.silence)
		case <-w.keys:
			keyless.Reset(w.keyless)
		case <-silence.C:
			return fmt.Errorf("%w for %gs", ErrStalled, w.silence.Seconds())
		case <-keyless.C:
			return fmt.Errorf("%w for %gs", ErrNoKey, w.keyless.Seconds())
		case err := <-w.failed:
			return err
		case err := <-closed:
			if err == nil {
				return ErrEnded
			}
			return err
		}
	}
}
