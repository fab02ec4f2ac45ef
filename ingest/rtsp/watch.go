package rtsp

import (
	"time"

	"tidewatch/ingest"
)

// watch notices that a playing stream has gone silent or wrong.
type watch struct {
	silence, keyless time.Duration
	units            chan struct{}
	keys             chan struct{}
	refreshes        chan struct{}
	failed           chan error
}

// refreshPatience is how long a key unit may stay away after the camera has begun
// to refresh its picture bit by bit.
const refreshPatience = 15 * time.Second

func newWatch(silence, keyless time.Duration) *watch {
	w := &watch{
		silence: silence, keyless: keyless,
		units: make(chan struct{}, 1), keys: make(chan struct{}, 1), refreshes: make(chan struct{}, 1), failed: make(chan error, 1),
	}
	return w
}

// alive says that a picture came, of use or not.
func (w *watch) alive() { signal(w.units) }

// useful says that a picture came that can be decoded.
func (w *watch) useful() { signal(w.keys) }

// refresh says that the camera refreshes its picture bit by bit: key units may
// never come.
func (w *watch) refresh() { signal(w.refreshes) }

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
	noKey, patience, keyed := ErrNoKey, w.keyless, false
	for {
		select {
		case <-w.units:
			silence.Reset(w.silence)
		case <-w.keys:
			noKey, patience, keyed = ErrNoKey, w.keyless, true
			keyless.Reset(patience)
		case <-w.refreshes:
			if noKey != ErrRefresh && !keyed { // to wait on is of no use
				patience = min(w.keyless, refreshPatience)
				keyless.Reset(patience)
			}
			noKey = ErrRefresh
		case <-silence.C:
			return ingest.NewFault(ErrStalled.Code, "for", w.silence)
		case <-keyless.C:
			return ingest.NewFault(noKey.Code, "for", patience)
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
