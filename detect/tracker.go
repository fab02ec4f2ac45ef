package detect

import (
	"cmp"
	"maps"
	"math"
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
	last   time.Time // of the newest look
	clear  time.Time // of the newest look that could be brought together with those before
	asked  bool      // the detector was, about the look being worked on
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

func (p *Place) clone() *Place {
	c := *p
	c.Stop.Observations = slices.Clone(p.Stop.Observations)
	c.Boxes = slices.Clone(p.Boxes)
	c.Queue = slices.Clone(p.Queue)
	c.Votes = maps.Clone(p.Votes)
	return &c
}

// Look takes the next look: the moment to judge by, the vehicles found, the
// picture by which it can be shown, and how the one looked at compares with the
// one before. It returns all open stops and those that have just ended, in order
// of their start.
func (t *Tracker) Look(at time.Time, found []Detection, shot Shot, scene Scene) []Stop {
	return t.look(at, found, shot, scene, true)
}

// LookUnmoved takes a look in which nothing has moved since an earlier one: what
// was found then and its scene stand for it. Where things stand, it is as good as
// any other, but what the detector said once it has not said twice.
func (t *Tracker) LookUnmoved(at time.Time, found []Detection, shot Shot, scene Scene) []Stop {
	return t.look(at, found, shot, scene, false)
}

func (t *Tracker) look(at time.Time, found []Detection, shot Shot, scene Scene, asked bool) []Stop {
	t.asked = asked
	if t.Early(at) {
		return t.Open()
	}
	_, known := scene.Move(Box{W: 1, H: 1})
	t.keepView(at, scene)
	for _, p := range t.places {
		p.standsNow = false
		p.Away = p.Away || t.neglected(p, at)
		p.Stop.Ended = p.overdue(at, found, known, scene, t.cfg)
	}
	var parts []Stop
	if known {
		t.lost, t.clear = 0, at
		t.follow(at, found, shot, scene)
		found = t.inView(found)
		rest := t.support(at, found)
		if asked {
			parts = t.whole(at, found)
		}
		t.grow(at, rest, scene)
		t.settle()
		t.doubt(at, found, scene)
		t.begin(at, rest, shot, scene)
		t.promote(at, scene)
		t.queue(at)
	} else if t.lost++; t.lost > lostLooks {
		t.keep(func(p *Place) bool { return p.open() }) // the camera may look elsewhere
	}
	t.last = at
	ended := t.end(at)
	return inOrder(slices.Concat(parts, ended, t.stops()))
}

// swapped is how long nobody may have looked for no vehicle to have driven off and
// another one of its kind to have taken its place: cameras that send a key picture
// in ten seconds are not to be judged by it.
const swapped = 12 * time.Second

// neglected reports whether, before a look, none was made for so long that another
// vehicle may stand in the place. What a worker before has seen may be older than
// it seems: it wrote down where things stand only now and then.
func (t *Tracker) neglected(p *Place, at time.Time) bool {
	if t.clear.IsZero() {
		return at.Sub(p.Stop.End) > denseLooks
	}
	return at.Sub(t.clear) > swapped
}

// overdue reports whether the vehicle was not seen standing for so long that
// nobody can say whether it stood meanwhile. Where nothing could be seen at all,
// the first look after that may prove it.
func (p *Place) overdue(at time.Time, found []Detection, known bool, scene Scene, cfg Config) bool {
	away := at.Sub(p.Stop.End)
	switch {
	case away.Abs() <= cfg.ResumeWithin:
		return false
	case away < 0 || away > cfg.ProvenWithin || !p.open():
		return true
	}
	return known && !p.proven(found, scene, cfg)
}

// proven reports whether what stands in the place is what stood there before
// nothing was seen for long: to the pixel, and the detector finds it.
func (p *Place) proven(found []Detection, scene Scene, cfg Config) bool {
	box, known := scene.Move(p.Box)
	if !known || !slices.ContainsFunc(found, func(d Detection) bool { return d.Score >= cfg.SteadyScore && p.fit(d.Box) >= samePlace }) {
		return false
	}
	at, alike := scene.Match(p.Patch, nil, box)
	rolled := max(math.Abs(at.X-box.X)/box.W, math.Abs(at.Y-box.Y)/box.H)
	return alike >= returned && rolled <= cfg.Drift
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
	return slices.ContainsFunc(t.places, func(p *Place) bool { return p.undecided(t.cfg) && !p.Empty })
}

// Deciding reports whether a thing has come to stand that may become a stop, or a
// vehicle was not seen where it stood: what the detector says of it in each look
// counts.
func (t *Tracker) Deciding() bool {
	return slices.ContainsFunc(t.places, func(p *Place) bool { return p.undecided(t.cfg) })
}

func (p *Place) undecided(cfg Config) bool {
	if p.open() { // what hardly seems to have moved may be driving off
		return p.Missed > 0 || !p.standsNow && !p.Broken
	}
	return p.standsNow && p.Stop.Looks > 1 && p.Best >= cfg.SteadyScore && p.Stop.Dwell() < undecided
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
func (t *Tracker) follow(at time.Time, found []Detection, shot Shot, scene Scene) {
	for _, p := range t.places {
		p.follow(scene)
		p.standsNow = !p.Stop.Ended && p.stands(found, scene, t.cfg)
		if p.standsNow {
			p.stood(at, shot, t.asked, t.cfg)
		}
	}
	t.keep(func(p *Place) bool { return p.open() || p.standsNow || p.known(at, t.cfg) })
}

// knownLooks is in how many looks a thing must have stood to be remembered.
const knownLooks = 5

// known reports whether the place holds a thing that was looked at for a while
// and not believed to be a vehicle, like road paint. When something passes in
// front of it, it is remembered: else it would be judged anew each time, and
// some time be believed. One that has just come to stand is remembered as long as
// a stop is: headlights or somebody may pass.
func (p *Place) known(at time.Time, cfg Config) bool {
	away := at.Sub(p.Stop.End)
	return !p.open() && (p.Stop.Looks >= knownLooks && away <= cfg.ResumeWithin || p.Stop.Looks > 1 && away <= cfg.Patience)
}

// sameBox is the overlap from which a box backs a place.
const sameBox = 0.5

// support gives each place the box that fits it best, and returns the boxes
// that fit none.
func (t *Tracker) support(at time.Time, found []Detection) []Detection {
	type pair struct {
		place     *Place
		detection int
		overlap   float64
	}
	var pairs []pair
	for _, p := range t.places {
		for i, d := range found {
			if overlap := p.fit(d.Box); overlap >= sameBox {
				pairs = append(pairs, pair{p, i, overlap})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(b.overlap, a.overlap) })
	taken, backed := map[int]bool{}, map[*Place]bool{}
	for _, m := range pairs {
		if taken[m.detection] || backed[m.place] {
			continue
		}
		backed[m.place] = true
		if m.place.standsNow {
			taken[m.detection] = true
			t.back(m.place, at, found[m.detection])
		}
	}
	var rest []Detection
	for i, d := range found {
		if !taken[i] {
			rest = append(rest, d)
		}
	}
	return rest
}

// back notes a box that backs a place, unless that was noted before.
func (t *Tracker) back(p *Place, at time.Time, d Detection) {
	if t.asked {
		p.back(at, d, t.cfg)
	}
	p.BackedAt = at
}

// grow gives the open places that no box has backed for a while the box that
// holds them and more, unless it holds another vehicle too.
func (t *Tracker) grow(at time.Time, rest []Detection, scene Scene) {
	for _, p := range t.places {
		if !p.open() || !p.standsNow || p.BackedAt.Equal(at) {
			continue
		}
		for _, d := range rest {
			held := 0
			for _, other := range t.places {
				if other.open() && other.box().Covered(d.Box) >= partOf {
					held++
				}
			}
			if held == 1 && p.box().Covered(d.Box) >= partOf && d.Score >= t.cfg.SteadyScore {
				boxes := slices.Clone(p.Boxes)
				t.back(p, at, d)
				p.Boxes = boxes
				if t.asked {
					p.grow(d.Box, scene)
				}
				break
			}
		}
	}
}

// settle drops the candidates that came up while an open place was in doubt that
// stands again: they were the same thing.
func (t *Tracker) settle() {
	t.keep(func(c *Place) bool {
		return c.open() || !slices.ContainsFunc(t.places, func(p *Place) bool {
			return p.open() && p.standsNow && p.sameThing(c.box())
		})
	})
}

const (
	coveredShare = 0.3 // of a place under another vehicle's box hides it
	samePlace    = 0.7 // overlap of boxes with which a vehicle has not moved
	// denseLooks are close enough together that no vehicle can have driven off
	// and another taken its place without a look in between.
	denseLooks = 5 * time.Second
)

// doubt counts the looks in which an open place was not seen standing, though
// it was in view, nothing covered it, and no box was where the vehicle stood.
func (t *Tracker) doubt(at time.Time, found []Detection, scene Scene) {
	dense := at.Sub(t.last) <= denseLooks
	for _, p := range t.places {
		if p.standsNow {
			continue
		}
		unmoved := slices.ContainsFunc(found, func(d Detection) bool {
			return d.Score >= t.cfg.SteadyScore && p.box().IoU(d.Box) >= samePlace
		})
		about := slices.ContainsFunc(found, func(d Detection) bool { return p.fit(d.Box) >= sameBox })
		p.Broken, p.Away = p.Broken || !unmoved || !dense, p.Away || !about
		covered := p.Box.Covered(Box{W: 1, H: 1}) < coveredShare ||
			slices.ContainsFunc(p.hiding(found), func(b Box) bool { return p.Box.Covered(b) >= coveredShare }) ||
			slices.ContainsFunc(t.places, func(o *Place) bool { return o.open() && o.standsNow && p.behind(o) })
		if p.Broken && !covered && t.asked {
			p.Missed++
			p.missedAt = at
			if p.vanished(found, t.cfg) {
				p.empties(scene, t.cfg)
			}
		}
	}
}

// partOf is the share of a box inside another from which both are one vehicle.
const partOf = 0.8

// begin makes a candidate of each box that fits no place and is not part of a
// vehicle that stands.
func (t *Tracker) begin(at time.Time, rest []Detection, shot Shot, scene Scene) {
	for _, d := range rest {
		if d.Box.Area() <= 0 {
			continue
		}
		partOfOther := slices.ContainsFunc(t.places, func(p *Place) bool {
			return p.standsNow && p.sameThing(d.Box)
		})
		if partOfOther {
			continue
		}
		p := newPlace(t.camera, at, d, shot, scene, t.cfg)
		p.standsNow, p.Came = true, t.sawBefore(at)
		t.places = append(t.places, p)
	}
}

// sameThing reports whether a box shows the thing that stands in the place, or
// a part of it, or the thing and more.
func (p *Place) sameThing(b Box) bool {
	mine := p.box()
	return p.fit(b) >= sameBox || b.Covered(mine) >= partOf || mine.Covered(b) >= partOf
}

// end removes the places that nothing stands in any more and returns the stops
// among them.
func (t *Tracker) end(at time.Time) []Stop {
	var gone []*Place
	t.keep(func(p *Place) bool {
		away := at.Sub(p.Stop.End)
		left := p.Stop.Ended || p.open() && p.Missed > t.cfg.MissedLooks && away >= t.cfg.Patience
		if !left && p.backed(t.cfg) {
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

// stop is the place's stop as a value of its own.
func (p *Place) stop() Stop {
	if box := p.box(); box.Area() > 0 {
		p.Stop.Box = box
	}
	s := p.Stop
	s.Class, s.Queued = p.class(), p.queued()
	s.Observations = slices.Clone(s.Observations)
	return s
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
