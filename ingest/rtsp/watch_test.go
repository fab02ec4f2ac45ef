package rtsp

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"tidewatch/ingest"
)

func TestWatchTellsSilenceFromAMissingKeyFrame(t *testing.T) {
	const never = 24 * time.Hour
	for _, test := range []struct {
		name               string
		first, last, until time.Duration // key unit, one each second; last picture
		want               error
		text               string
		after              time.Duration
	}{
		{"silent from the start", never, never, 0, ErrStalled, "stalled for=10s", 10 * time.Second},
		{"silent later", 0, never, 15 * time.Second, ErrStalled, "stalled for=10s", 25 * time.Second},
		{"pictures but no key frame", never, never, never, ErrNoKey, "no key for=1m0s", time.Minute},
		{"key frames that stop coming", 0, 30 * time.Second, never, ErrNoKey, "no key for=1m0s", 90 * time.Second},
		{"a picture refreshed bit by bit", never, never, never, ErrRefresh, "intra refresh for=15s", 16 * time.Second},
		{"key frames from the last moment on", 59 * time.Second, never, time.Hour, ErrStalled, "stalled for=10s", time.Hour + 10*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := DefaultConfig()
				watch := newWatch(cfg.UnitTimeout, cfg.KeyTimeout)
				over := make(chan struct{})
				defer close(over)
				go func() {
					for at := time.Duration(0); at <= test.until; at += time.Second {
						if at > 0 {
							watch.alive()
						}
						if errors.Is(test.want, ErrRefresh) && at > 0 {
							watch.refresh()
						}
						if at >= test.first && at <= test.last {
							watch.useful()
						}
						select {
						case <-over:
							return
						case <-time.After(time.Second):
						}
					}
				}()
				began := time.Now()
				err := watch.wait(func() error { <-over; return nil })
				if !errors.Is(err, test.want) || err.Error() != test.text || time.Since(began) != test.after {
					t.Errorf("got %v after %s, want %q after %s", err, time.Since(began), test.text, test.after)
				}
			})
		})
	}
}

// TestSourceWatchesPicturesThatAreOfNoUse checks that a long wait for a key
// unit is not taken for silence.
func TestSourceWatchesPicturesThatAreOfNoUse(t *testing.T) {
	track, err := findTrack(&description.Session{Medias: []*description.Media{{
		Type: description.MediaTypeVideo, Formats: []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	watch := newWatch(time.Hour, time.Hour)
	emitted := 0
	units := newSource(t, "").senders(track, offer{}, watch, func(*ingest.Unit) { emitted++ })
	for i, sent := range packets(t, "pK") {
		for _, pkt := range sent {
			if err := units.packet(pkt, ingest.Stamp{}); err != nil {
				t.Fatal(err)
			}
		}
		if i == 0 {
			continue // a unit is over when the next one begins
		}
		select {
		case <-watch.units:
		default:
			t.Errorf("unit %d is no sign of life", i-1)
		}
		keyed := false
		select {
		case <-watch.keys:
			keyed = true
		default:
		}
		if keyed != (i == 2) || emitted != i-1 {
			t.Errorf("after unit %d: key unit seen %v, %d units emitted", i-1, keyed, emitted)
		}
	}
}
