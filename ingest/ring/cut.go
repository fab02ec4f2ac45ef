package ring

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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
// its last: one connection, one format, one clock, nothing damaged. Its times
// are moments to judge by.
type Clip struct {
	Units   []*ingest.Unit // the first is a key unit; never empty
	From    time.Time      // moment of the first unit
	Until   time.Time      // moment of the latest unit
	Clock   Clock          // that From is told by
	Damaged int            // damaged units of the time asked for, left out of the clip
}

// Clock names whose clock tells a moment.
type Clock string

// The clocks. A camera's time that is not believed is brought to the server's.
const (
	CameraClock Clock = "camera"
	ServerClock Clock = "server"
)

// Duration is how long the clip plays: its last picture stands as long as the
// others do on average.
func (c Clip) Duration() time.Duration {
	if len(c.Units) == 0 {
		return 0
	}
	shown := shownTimes(c.Units)
	return time.Duration(end(shown)-shown[0]) * time.Second / timeScale
}

// Pictures is how many pictures the clip shows.
func (c Clip) Pictures() int {
	n := 0
	for _, u := range c.Units {
		if !u.Lone {
			n++
		}
	}
	return n
}

// Doubtful reports whether the clip begins where the camera does not announce that
// decoding can begin, and goes on with pictures that may build on what was before.
func (c Clip) Doubtful() bool {
	return !c.Units[0].Announced() && slices.ContainsFunc(c.Units, func(u *ingest.Unit) bool { return !u.Key })
}

// Cut returns the video from one moment to judge by to another, beginning with
// the key unit at or before from: one that the camera announced, where that is
// held, since after others pictures may build on what was before them.
//
// A clip never holds a damaged unit, never crosses a reconnect, and never one
// of the jumps after which its pictures' times would not be what its beginning
// and its pace tell. Where the time asked for has a gap of that kind, or the
// ring does not reach back to from or on to to, the longest whole stretch is
// returned with ErrShort. The ring does not wait for a moment that has not
// come: see Await.
func (r *Ring) Cut(from, to time.Time) (Clip, error) {
	r.mu.RLock()
	held := slices.Clone(r.units)
	r.mu.RUnlock()
	return r.cut(held, from, to, anyKey)
}

func anyKey(u *ingest.Unit) bool { return u.Key }

// announcedKey is a key unit that the camera itself says decoding can begin with.
// After others pictures may come that build on what was before.
func announcedKey(u *ingest.Unit) bool { return u.Key && u.Announced() }

// cut cuts what is held. A clip begins with a unit of a kind.
func (r *Ring) cut(held []*ingest.Unit, from, to time.Time, begins func(*ingest.Unit) bool) (Clip, error) {
	var clip Clip
	whole := false
	for rest := held; len(rest) > 0; {
		n := r.stretch(rest)
		// Of several as long, the newest.
		if part, all := r.part(rest[:n], from, to, begins); len(part.Units) > 0 && part.Duration() >= clip.Duration() {
			clip, whole = part, all
		}
		rest = rest[max(n, 1):]
	}
	clip.Damaged = r.damaged(held, from, to)
	switch {
	case len(clip.Units) == 0:
		return clip, fmt.Errorf("cut clip from %s to %s: %w", clock(from), clock(to), ErrEmpty)
	case !whole:
		return clip, fmt.Errorf("cut clip from %s to %s: %w: it covers %s to %s: %s",
			clock(from), clock(to), ErrShort, clock(clip.From), clock(clip.Until), r.why(held, clip, from, to))
	}
	return clip, nil
}

// why says why a clip of what is held covers less than was asked for.
func (r *Ring) why(held []*ingest.Unit, clip Clip, from, to time.Time) string {
	var reasons []string
	if clip.From.After(from) {
		reason := "nothing older was held"
		if i := slices.Index(held, clip.Units[0]); i > 0 {
			reason = "before it " + r.gap(held[i-1], held[i])
		}
		reasons = append(reasons, reason)
	}
	if clip.From.Add(clip.Duration()).Before(to) {
		reason := "nothing newer came"
		if i := slices.Index(held, clip.Units[len(clip.Units)-1]); i+1 < len(held) {
			reason = "after it " + r.gap(held[i], held[i+1])
		}
		reasons = append(reasons, reason)
	}
	return strings.Join(reasons, ", and ")
}

// gap says what ended a stretch between two units.
func (r *Ring) gap(a, b *ingest.Unit) string {
	switch {
	case a.Damaged || b.Damaged:
		return "packets were lost"
	case a.Session != b.Session:
		return "the connection was made anew"
	case a.Format.Codec != b.Format.Codec || a.Format.SizeOf(a.NALUs) != b.Format.SizeOf(b.NALUs):
		return "the camera's coding changed"
	case r.jumped(a, b):
		return "a clock was set"
	}
	return "no picture came with which decoding can begin"
}

// stretch is how many units, from the first on, play without a break and tell
// their time by one clock.
func (r *Ring) stretch(units []*ingest.Unit) int {
	n := playable(units)
	for i := 1; i < n; i++ {
		if r.jumped(units[i-1], units[i]) {
			return i
		}
	}
	return n
}

// playable is how many units, from the first on, play without a break. Parameter
// sets may change on the way, the size of the picture may not, and no key picture
// is shown before the key picture that came before it.
func playable(units []*ingest.Unit) int {
	first := units[0]
	if !first.Key {
		return 0
	}
	key := first
	for i, u := range units {
		if u.Key {
			if u.Shown() < key.Shown() {
				return i
			}
			key = u
		}
		if u.Damaged || u.Session != first.Session || u.Format.Codec != first.Format.Codec {
			return i
		}
		if i > 0 && u.Format != units[i-1].Format && u.Format.SizeOf(u.NALUs) != first.Format.SizeOf(first.NALUs) {
			return i
		}
	}
	return len(units)
}

// jump is the difference between the time that passed by the moments of two
// units and by their presentation times from which a clock was set, not slewed.
// Sender reports are off by up to a tenth of a second in some cameras.
const jump = 500 * time.Millisecond

// jumped reports whether a clock was set between a unit and the next one.
func (r *Ring) jumped(a, b *ingest.Unit) bool {
	from, to := r.time(a), r.time(b)
	told := to.Sub(from)
	if (told - (b.Shown() - a.Shown())).Abs() <= jump {
		return false
	}
	// Arrivals wait for the network, yet only a clock that was set goes back.
	byArrival := from.Equal(a.Arrival) && to.Equal(b.Arrival)
	return !byArrival || told < 0
}

// part is what one stretch has of the time asked for, and whether that is all
// of it. A stretch that was over before has nothing.
func (r *Ring) part(units []*ingest.Unit, from, to time.Time, begins func(*ingest.Unit) bool) (clip Clip, whole bool) {
	start, end := -1, 0
	for i, u := range units {
		at := r.time(u)
		if at.After(to) {
			continue // the units after one that is shown late may be in time
		}
		if begins(u) && (start < 0 || !at.After(from) && (announcedKey(u) || !announcedKey(units[start]))) {
			start = i
		}
		end = i + 1
	}
	if start < 0 || end <= start {
		return Clip{}, false
	}
	clip = r.clip(units[start:end])
	over := clip.From.Add(clip.Duration())
	if clip.Until.After(over) { // by its moments, whatever the media clock says
		over = clip.Until
	}
	if over.Before(from) {
		return Clip{}, false
	}
	return clip, !clip.From.After(from) && (end < len(units) || !over.Before(to))
}

// clip is of units that begin with a key unit. The pictures that are decoded
// after that one and shown before it may build on what came before: they are
// left out. Where the media clock does not tell, they tell themselves.
func (r *Ring) clip(units []*ingest.Unit) Clip {
	first := units[0]
	leading := !first.Refreshes()
	units = slices.DeleteFunc(slices.Clone(units), func(u *ingest.Unit) bool {
		if u == first {
			return false
		}
		leading = leading && u.Leading()
		return u.Shown() < first.Shown() || leading
	})
	clip := Clip{Units: units, From: r.time(first), Clock: ServerClock}
	if clip.From.Equal(first.Resolved().Camera) {
		clip.Clock = CameraClock
	}
	for _, u := range units {
		if at := r.time(u); at.After(clip.Until) {
			clip.Until = at
		}
	}
	return clip
}

// damaged counts the damaged units of the time asked for.
func (r *Ring) damaged(units []*ingest.Unit, from, to time.Time) int {
	n := 0
	for _, u := range units {
		if at := r.time(u); u.Damaged && !at.Before(from) && !at.After(to) {
			n++
		}
	}
	return n
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05.000") }
