package ring

import (
	"errors"
	"fmt"
	"time"

	"tidewatch/ingest"
)

var (
	// ErrEmpty says that the ring holds nothing that can be shown of the time
	// asked for.
	ErrEmpty = errors.New("no video held")
	// ErrShort says that a clip covers less than was asked for; the clip that
	// comes with it is good for what it does cover.
	ErrShort = errors.New("clip is shorter than asked")
)

// Clip is a stretch of one camera's video that plays from its first unit to
// its last: one connection, one format, nothing damaged.
type Clip struct {
	Units   []*ingest.Unit // the first is a key unit; never empty
	From    time.Time      // arrival of the first unit
	Until   time.Time      // arrival of the last unit
	Damaged int            // damaged units of the time asked for, left out of the clip
}

// Cut returns the video that arrived from one moment to another, beginning
// with the key unit at or before from. Times are arrivals: ask with the
// Arrival of the units that matter.
//
// A clip never holds a damaged unit and never crosses a reconnect. Where the
// time asked for has a gap of that kind, or the ring does not reach back to
// from, the longest whole stretch is returned with ErrShort. The ring does not
// wait for a moment that has not come: see the clip's Until.
func (r *Ring) Cut(from, to time.Time) (Clip, error) {
	units := r.between(from, to)
	clip := Clip{Units: longest(units)}
	for _, u := range units {
		if u.Damaged {
			clip.Damaged++
		}
	}
	if len(clip.Units) == 0 {
		return Clip{Damaged: clip.Damaged}, fmt.Errorf("cut clip from %s to %s: %w",
			clock(from), clock(to), ErrEmpty)
	}
	last := clip.Units[len(clip.Units)-1]
	clip.From, clip.Until = clip.Units[0].Arrival, last.Arrival
	if clip.From.After(from) || last != units[len(units)-1] {
		return clip, fmt.Errorf("cut clip from %s to %s: %w: it covers %s to %s",
			clock(from), clock(to), ErrShort, clock(clip.From), clock(clip.Until))
	}
	return clip, nil
}

// longest is the longest run of units that plays without a break; of several,
// the newest.
func longest(units []*ingest.Unit) []*ingest.Unit {
	var best []*ingest.Unit
	for len(units) > 0 {
		n := playable(units)
		if n > 0 && span(units[:n]) >= span(best) {
			best = units[:n]
		}
		units = units[max(n, 1):]
	}
	return best
}

// playable is how many units, from the first on, play without a break.
func playable(units []*ingest.Unit) int {
	first := units[0]
	if !first.Key {
		return 0
	}
	for i, u := range units {
		if u.Damaged || u.Session != first.Session || u.Format != first.Format {
			return i
		}
	}
	return len(units)
}

func span(units []*ingest.Unit) time.Duration {
	if len(units) == 0 {
		return 0
	}
	return units[len(units)-1].Arrival.Sub(units[0].Arrival)
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
