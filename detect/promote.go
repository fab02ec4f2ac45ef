package detect

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"
)

// begin makes a candidate of each box that fits no place and is not part of a
// vehicle that stands.
func (t *Tracker) begin(l *look) {
	for _, d := range l.rest {
		if d.Box.Area() <= 0 {
			continue
		}
		partOfOther := slices.ContainsFunc(t.places, func(p *Place) bool {
			return p.standsNow && p.sameThing(d.Box)
		})
		if partOfOther {
			continue
		}
		p := newPlace(t.camera, d, l)
		p.standsNow, p.Line.Came = true, t.sawBefore(l.At)
		p.Course = t.course(p, l)
		t.places = append(t.places, p)
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

// promote opens the candidates that have stood long enough and are believed,
// the surest first, so that one vehicle gets one stop. It must be found in this
// look: of what has driven by, the ground alone may still look the same.
func (t *Tracker) promote(l *look) {
	ready := slices.DeleteFunc(slices.Clone(t.places), func(p *Place) bool {
		return p.open() || p.Stop.Looks < 2 || p.Stop.Dwell() < t.cfg.MinStand ||
			!p.Backing.BackedAt.Equal(l.At) || !p.Backing.believed(t.cfg)
	})
	slices.SortStableFunc(ready, func(a, b *Place) int {
		return cmp.Compare(b.Backing.belief(), a.Backing.belief())
	})
	dropped := map[*Place]bool{}
	for _, candidate := range ready {
		for _, p := range t.places {
			if !p.open() || dropped[p] || !p.sameThing(candidate.box()) {
				continue
			}
			switch {
			case p.standsNow:
				dropped[candidate] = true
			case p.behind(candidate): // it may still be there
			case !p.Stop.Ended && p.sameVehicle(candidate, l):
				p.resume(candidate, l.At)
				dropped[candidate] = true
			default: // another vehicle stands where it stood
				p.Stop.Ended = true
			}
		}
		if !dropped[candidate] {
			candidate.Box = candidate.box()
			candidate.Patch, candidate.Clear = l.Scene.Patch(candidate.Box), nil
			candidate.Stop.ID = stopID(t.camera, candidate.Stop.Start, candidate.Box)
		}
	}
	t.keep(func(p *Place) bool { return !dropped[p] })
}

// resume lets the place go on with what a candidate has seen since.
func (p *Place) resume(candidate *Place, at time.Time) {
	p.Box, p.Patch, p.Clear = candidate.Box, candidate.Patch, candidate.Clear
	p.Stop.End, p.standsNow = at, true
	p.Stop.Looks += candidate.Stop.Looks
	p.Backing.add(candidate.Backing)
	p.Doubt = Doubt{}
	p.Drift.X, p.Drift.Y = 0, 0
	p.Stop.Observations = slices.Concat(p.Stop.Observations, candidate.since(p.Stop.Observations))
}

// since are the place's observations that are newer than some others.
func (p *Place) since(others []Observation) []Observation {
	if len(others) == 0 {
		return p.Stop.Observations
	}
	newest := others[len(others)-1].At
	return slices.DeleteFunc(slices.Clone(p.Stop.Observations), func(o Observation) bool { return !o.At.After(newest) })
}

// stopID names a stop by camera, start and place.
func stopID(camera string, start time.Time, box Box) string {
	text := fmt.Sprintf("%s|%d|%.3f %.3f %.3f %.3f", camera, start.UnixMicro(), box.X, box.Y, box.W, box.H)
	sum := sha256.Sum256([]byte(text))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
