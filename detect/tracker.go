package detect

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Tracker turns the looks of one camera into stops. It is not safe for
// concurrent use.
type Tracker struct {
	cfg    Config
	camera string
	places []*Place
	moving []*Place  // what moved between the look before and this one, where it was then
	last   time.Time // of the newest look
	clear  time.Time // of the newest look that could be brought together with those before
	lost   int       // looks in a row that could not be brought together with those before

	inSight time.Time // since when the street has been in view without a break
	frame   Box       // the view of then, in the newest look's coordinates
}

// lostLooks is how many looks in a row may be lost before things that had only
// come to stand are forgotten.
const lostLooks = 3

// NewTracker makes the tracker of one camera. Places of an earlier tracker's
// Snapshot are taken up again, with their stops' IDs, starts and observations.
func NewTracker(cfg Config, camera string, places ...Place) *Tracker {
	t := &Tracker{cfg: cfg, camera: camera}
	for _, p := range places {
		t.places = append(t.places, p.clone())
	}
	return t
}

// Snapshot is what a later tracker needs to take up the open stops.
func (t *Tracker) Snapshot() []Place {
	var open []Place
	for _, p := range t.places {
		if p.open() {
			open = append(open, *p.clone())
		}
	}
	return open
}

// Early reports whether a look comes before the newest one: the clock was set
// back a little, and nothing is looked at until it has caught up.
func (t *Tracker) Early(at time.Time) bool {
	back := t.last.Sub(at)
	return back > 0 && back <= t.cfg.ResumeWithin
}

// undecided is how long a thing may stand without becoming a stop before it is
// taken for something that never will: paint on the road, a railing.
const undecided = 30 * time.Second

// Forming reports whether many looks tell more than rare ones: a thing may be
// about to become a stop, or a vehicle may be about to leave. One whose place
// has stayed empty has left, whenever that is certain.
func (t *Tracker) Forming() bool {
	return slices.ContainsFunc(t.places, func(p *Place) bool { return p.undecided(t.cfg) && p.Doubt.Level < Empty })
}

// Deciding reports whether a thing has come to stand that may become a stop, or a
// vehicle was not seen where it stood: what the detector says of it in each look
// counts.
func (t *Tracker) Deciding() bool {
	return slices.ContainsFunc(t.places, func(p *Place) bool { return p.undecided(t.cfg) })
}

func (p *Place) undecided(cfg Config) bool {
	if p.open() { // what hardly seems to have moved may be driving off
		return p.Doubt.Missed > 0 || !p.standsNow && p.Doubt.Level < Broken
	}
	return p.standsNow && p.Stop.Looks > 1 && p.Backing.Best >= cfg.SteadyScore && p.Stop.Dwell() < undecided
}

// Open returns the open stops, in order of their start.
func (t *Tracker) Open() []Stop { return inOrder(t.stops()) }

// stops are the open ones.
func (t *Tracker) stops() []Stop {
	var open []Stop
	for _, p := range t.places {
		if p.open() {
			open = append(open, p.stop())
		}
	}
	return open
}

func inOrder(stops []Stop) []Stop {
	slices.SortStableFunc(stops, func(a, b Stop) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.ID, b.ID))
	})
	return stops
}

// follow brings all places into the new look and sees which still stand.
func (t *Tracker) follow(l *look) {
	for _, p := range t.places {
		p.follow(l.Scene)
		p.standsNow = !p.Stop.Ended && p.stands(l)
		if p.standsNow {
			p.stood(l)
		}
	}
	t.moving = t.moved(l)
	t.keep(func(p *Place) bool { return p.open() || p.standsNow || p.known(l) })
}

// knownLooks is in how many looks a thing must have stood to be remembered.
const knownLooks = 5

// known reports whether the place holds a thing that was looked at for a while
// and not believed to be a vehicle, like road paint. When something passes in
// front of it, it is remembered: else it would be judged anew each time, and
// some time be believed. One that has just come to stand is remembered as long as
// a stop is: headlights or somebody may pass.
func (p *Place) known(l *look) bool {
	away := l.At.Sub(p.Stop.End)
	return !p.open() && (p.Stop.Looks >= knownLooks && away <= l.cfg.ResumeWithin || p.Stop.Looks > 1 && away <= l.cfg.Patience)
}

// end removes the places that nothing stands in any more and returns the stops
// among them.
func (t *Tracker) end(at time.Time) []Stop {
	var gone []*Place
	t.keep(func(p *Place) bool {
		away := at.Sub(p.Stop.End)
		left := p.Stop.Ended || p.open() && p.Doubt.Missed > t.cfg.MissedLooks && away >= t.cfg.Patience
		if !left && p.Backing.enough(t.cfg) {
			return true
		}
		if p.open() {
			gone = append(gone, p)
		}
		return false
	})
	t.free(at, gone)
	var ended []Stop
	for _, p := range gone {
		p.Stop.Ended = true
		ended = append(ended, p.stop())
	}
	return ended
}

func (t *Tracker) keep(wanted func(*Place) bool) {
	var kept []*Place
	for _, p := range t.places {
		if wanted(p) {
			kept = append(kept, p)
		}
	}
	t.places = kept
}
