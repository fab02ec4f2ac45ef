package rtsp

import (
	"fmt"
	"sync"
	"time"
)

// watch notices that a playing stream has gone silent or wrong.
type watch struct {
	silence, keyless time.Duration
	units            chan struct{}
	keyed            chan struct{} // closed when the first key unit has come
	useful           func()        // closes it; a key unit or one after it came
	failed           chan error
}

func newWatch(silence, keyless time.Duration) *watch {
	w := &watch{
		silence: silence, keyless: keyless,
		units: make(chan struct{}, 1), keyed: make(chan struct{}), failed: make(chan error, 1),
	}
	w.useful = sync.OnceFunc(func() { close(w.keyed) })
	return w
}

// alive says that a picture came, of use or not.
func (w *watch) alive() {
	select {
	case w.units <- struct{}{}:
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
	keyed := w.keyed
	for {
		select {
		case <-w.units:
			silence.Reset(w.silence)
		case <-keyed:
			keyless.Stop()
			keyed = nil
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
			return fmt.Errorf("%w: %w", ErrEnded, classify(err))
		}
	}
}
