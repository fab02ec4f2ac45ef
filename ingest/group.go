package ingest

import (
	"slices"
	"sync"
	"time"
)

// GroupConfig bounds a group. Whichever bound is reached first counts.
type GroupConfig struct {
	Span  time.Duration // from its key unit to its newest
	Bytes int           // of encoded video
}

// DefaultGroupConfig holds two minutes of a street at rest, as smart codecs send
// it.
func DefaultGroupConfig() GroupConfig {
	return GroupConfig{Span: 2 * time.Minute, Bytes: 16 << 20}
}

// Group is what a stream has sent since its newest key unit, as long as all of it
// came: what shows a picture between two key units. It is safe for concurrent use.
type Group struct {
	cfg GroupConfig

	mu       sync.Mutex
	units    []*Unit // empty while nothing can be decoded
	bytes    int
	shown    *Unit // newest with its lead that was asked for; nil before any
	interval Interval
	at       time.Time // arrival of the newest unit, of use or not
}

// NewGroup returns an empty group.
func NewGroup(cfg GroupConfig) *Group { return &Group{cfg: cfg} }

// Add takes the stream's next unit and reports whether it can be shown.
func (g *Group) Add(u *Unit) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.interval.Add(u)
	g.at = u.Arrival
	switch {
	case !u.Whole():
		g.clear()
	case u.Key && (len(g.units) == 0 || u.Announced()):
		g.clear() // what follows may build on more than a key unit that nobody announced
		g.add(u)
	case len(g.units) > 0 && u.Shown() < g.units[0].Shown():
		// It is decoded after the key unit, and may build on what was before that.
	case len(g.units) > 0:
		g.add(u)
	}
	return len(g.units) > 0 || u.Key && !u.Damaged
}

// add adds a unit, if there is room.
func (g *Group) add(u *Unit) {
	g.units = append(g.units, u)
	g.bytes += u.Size()
	if g.bytes > g.cfg.Bytes || u.Arrival.Sub(g.units[0].Arrival) > g.cfg.Span {
		g.clear()
	}
}

// clear lets go of the units; whoever has got a run of them keeps it.
func (g *Group) clear() { g.units, g.bytes, g.shown = nil, 0, nil }

// Apart is how far apart the stream's key units are, as far as it has come.
func (g *Group) Apart() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.interval.Apart(g.at)
}

// Run is the newest unit that arrived at or before a moment, with those that lead
// to it; nil if there is none. Its picture is the last that a decoder shows of them:
// those that are decoded after others, and shown before, are passed over. Whoever
// asks twice for one picture gets the same unit.
func (g *Group) Run(at time.Time) *Unit {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := len(g.units) - 1; i > 0; i-- {
		u := g.units[i]
		if u.Arrival.After(at) || !last(g.units[:i], u) {
			continue
		}
		if g.shown == nil || len(g.shown.Lead) != i {
			shown := *u
			shown.Lead = g.units[:i]
			g.shown = &shown
		}
		return g.shown
	}
	return nil
}

// last reports whether a unit is shown after all that were decoded before it.
func last(lead []*Unit, u *Unit) bool {
	return !slices.ContainsFunc(lead, func(before *Unit) bool { return before.Shown() >= u.Shown() })
}

// Interval follows how far apart a stream's key units are.
type Interval struct {
	session uint64
	at      time.Time     // arrival of the newest of the session; zero before any
	before  time.Duration // between the newest two of one session; zero before that
}

// Add takes the stream's next unit.
func (i *Interval) Add(u *Unit) {
	if u.Session != i.session {
		i.session, i.at = u.Session, time.Time{}
	}
	if !u.Key {
		return
	}
	if !i.at.IsZero() {
		i.before = u.Arrival.Sub(i.at)
	}
	i.at = u.Arrival
}

// Known is the time between the newest two key units of one session; zero before
// there were any.
func (i *Interval) Known() time.Duration { return i.before }

// Apart is the longer of the interval before the newest key unit and the time since
// it.
func (i *Interval) Apart(now time.Time) time.Duration {
	if i.at.IsZero() {
		return i.before
	}
	return max(i.before, now.Sub(i.at))
}
