package ring

import (
	"context"
	"slices"
	"time"

	"tidewatch/ingest"
)

// Pin holds on to the video of a stretch of time, some of which may have yet to
// come, whatever the ring lets go of meanwhile: whoever is slow to ask for the
// clip gets it all the same. It must be released.
type Pin struct {
	ring        *Ring
	from, until time.Time

	// These are guarded by the ring's lock.
	units []*ingest.Unit
	over  bool // a unit after the stretch has come
}

// Pin holds on to the video from one moment to judge by to another.
func (r *Ring) Pin(from, until time.Time) *Pin {
	p := &Pin{ring: r, from: from, until: until}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range r.units[r.start(from):] {
		p.add(u)
	}
	r.pins = append(r.pins, p)
	return p
}

// start is the place of the newest key unit that is not after a moment, by any
// of the clocks that may tell it, or of the announced one before it; 0 without
// one.
func (r *Ring) start(from time.Time) int {
	start := 0
	for i, u := range r.units {
		if u.Key && !u.Arrival.After(from) && !r.time(u).After(from) {
			start = i
		}
	}
	if len(r.units) == 0 {
		return 0
	}
	return r.announced(start)
}

// lateness is how long after the stretch the pictures of it may still come: those
// that are shown before others are decoded after them.
const lateness = 2 * time.Second

// add takes a unit that comes, until the stretch is over.
func (p *Pin) add(u *ingest.Unit) {
	if p.over {
		return
	}
	p.units = append(p.units, u)
	p.over = p.ring.time(u).After(p.until.Add(lateness))
}

// Await waits for the stretch's end: see Ring.Await.
func (p *Pin) Await(ctx context.Context, patience time.Duration) bool {
	return p.ring.Await(ctx, p.until, patience)
}

// Cut returns the video of the stretch, as far as it has come: see Ring.Cut.
func (p *Pin) Cut() (Clip, error) { return p.cut(anyKey) }

// CutAnnounced is Cut for a clip that begins with a key unit that the camera
// announced as one.
func (p *Pin) CutAnnounced() (Clip, error) { return p.cut(announcedKey) }

func (p *Pin) cut(begins func(*ingest.Unit) bool) (Clip, error) {
	p.ring.mu.RLock()
	held := slices.Clone(p.units)
	p.ring.mu.RUnlock()
	return p.ring.cut(held, p.from, p.until, begins)
}

// Release lets go of the video.
func (p *Pin) Release() {
	p.ring.mu.Lock()
	defer p.ring.mu.Unlock()
	p.ring.pins = slices.DeleteFunc(p.ring.pins, func(other *Pin) bool { return other == p })
	p.units, p.over = nil, true
}
