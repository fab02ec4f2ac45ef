// Package ring keeps the last seconds of a camera as it sent them, so that the
// past is there when something turns out to matter, and cuts clips from it
// without encoding anything again.
package ring

import (
	"context"
	"slices"
	"sync"
	"time"

	"tidewatch/ingest"
)

// Config bounds a ring. Whichever bound is reached first counts.
type Config struct {
	Duration time.Duration // how far back a clip can begin at least
	Bytes    int           // of encoded video held
	// Tolerance is how far the camera's clock may be from ours and be believed:
	// clips are then cut by it.
	Tolerance time.Duration
}

// DefaultConfig holds half a minute of an 8 Mbit/s camera.
func DefaultConfig() Config {
	return Config{Duration: 30 * time.Second, Bytes: 32 << 20}
}

// Ring holds one camera's newest units in order of arrival. It is safe for
// concurrent use.
type Ring struct {
	cfg     Config
	metrics CameraMetrics

	mu    sync.RWMutex
	units []*ingest.Unit
	bytes int
	pins  []*Pin
	added chan struct{} // closed by the next Add; nil while nobody waits
}

// New returns an empty ring.
func New(cfg Config, metrics CameraMetrics) *Ring { return &Ring{cfg: cfg, metrics: metrics} }

// Add appends a unit and lets go of what is out of bounds.
func (r *Ring) Add(u *ingest.Unit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units = append(r.units, u)
	r.bytes += u.Size()
	for _, p := range r.pins {
		p.add(u)
	}
	r.expire(u.Arrival.Add(-r.cfg.Duration))
	r.shrink()
	r.metrics.Bytes.Set(float64(r.bytes))
	r.metrics.Seconds.Set(u.Arrival.Sub(r.units[0].Arrival).Seconds())
	if r.added != nil {
		close(r.added)
		r.added = nil
	}
}

// Span is how far back the held video reaches from its newest unit.
func (r *Ring) Span() time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.units) == 0 {
		return 0
	}
	return r.units[len(r.units)-1].Arrival.Sub(r.units[0].Arrival)
}

// Await waits until the newest unit was taken at or after a moment to judge by,
// and reports whether that came true. It gives up when ctx is done, and once
// patience has passed since the unit that is the newest at the call: a camera
// that is away is not waited for.
func (r *Ring) Await(ctx context.Context, until time.Time, patience time.Duration) bool {
	newest, added := r.newest()
	if newest == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, time.Until(newest.Arrival.Add(patience)))
	defer cancel()
	for r.time(newest).Before(until) {
		select {
		case <-added:
			newest, added = r.newest()
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// newest is the unit that came last, nil if there is none, and a channel that
// is closed when another one comes.
func (r *Ring) newest() (*ingest.Unit, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.added == nil {
		r.added = make(chan struct{})
	}
	if len(r.units) == 0 {
		return nil, r.added
	}
	return r.units[len(r.units)-1], r.added
}

// time is the moment to judge by of a unit.
func (r *Ring) time(u *ingest.Unit) time.Time { return u.Time(r.cfg.Tolerance) }

// expire drops whole groups of pictures that nobody can ask for any more: a
// clip that begins at the bound still needs the key unit before it, and may need
// the one before that which the camera announced, unless that is too far back.
func (r *Ring) expire(bound time.Time) {
	start := 0
	for i, u := range r.units {
		if u.Arrival.After(bound) {
			break
		}
		if u.Key {
			start = i
		}
	}
	if start == 0 {
		return
	}
	if before := r.announced(start); r.units[before].Arrival.After(bound.Add(-r.cfg.Duration)) {
		start = before
	}
	r.drop(start)
}

// announced is the place of the newest key unit, up to another one, that the
// camera announced; that of the other one where it announced none.
func (r *Ring) announced(key int) int {
	for i := key; i >= 0; i-- {
		if announcedKey(r.units[i]) {
			return i
		}
	}
	return key
}

// shrink drops the oldest groups of pictures while there are too many bytes.
// They are missed, so they are counted.
func (r *Ring) shrink() {
	for r.bytes > r.cfg.Bytes && len(r.units) > 1 {
		n := 1 + slices.IndexFunc(r.units[1:], func(u *ingest.Unit) bool { return u.Key })
		if n == 0 {
			n = 1 // a single group fills the ring
		}
		r.drop(n)
		r.metrics.Crowded.Add(float64(n))
	}
}

func (r *Ring) drop(n int) {
	for _, u := range r.units[:n] {
		r.bytes -= u.Size()
	}
	r.units = slices.Delete(r.units, 0, n)
}

// KeyUnit is the newest whole key unit that arrived at or before a moment, nil
// if there is none.
func (r *Ring) KeyUnit(at time.Time) *ingest.Unit {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, u := range slices.Backward(r.units) {
		if u.Key && !u.Damaged && !u.Arrival.After(at) {
			return u
		}
	}
	return nil
}

// KeyUnitsBefore are the whole key units that were taken before a moment by our
// clock, the newest first.
func (r *Ring) KeyUnitsBefore(at time.Time) []*ingest.Unit {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var keys []*ingest.Unit
	for _, u := range slices.Backward(r.units) {
		if u.Key && !u.Damaged && u.Moment().Before(at) {
			keys = append(keys, u)
		}
	}
	return keys
}
