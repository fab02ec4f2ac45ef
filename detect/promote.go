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

// promote opens the candidates that have stood long enough and are believed,
// the surest first, so that one vehicle gets one stop.
func (t *Tracker) promote(at time.Time, scene Scene) {
	ready := slices.DeleteFunc(slices.Clone(t.places), func(p *Place) bool {
		return p.open() || p.Stop.Looks < 2 || p.Stop.Dwell() < t.cfg.MinStand || !p.believed(t.cfg)
	})
	slices.SortStableFunc(ready, func(a, b *Place) int {
		return cmp.Compare(b.belief(), a.belief())
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
			case !p.Stop.Ended && p.sameVehicle(candidate, scene, t.cfg):
				p.resume(candidate, at)
				dropped[candidate] = true
			default: // another vehicle stands where it stood
				p.Stop.Ended = true
			}
		}
		if !dropped[candidate] {
			candidate.Box = candidate.box()
			candidate.Patch, candidate.Clear = scene.Patch(candidate.Box), nil
			candidate.Stop.ID = stopID(t.camera, candidate.Stop.Start, candidate.Box)
		}
	}
	t.keep(func(p *Place) bool { return !dropped[p] })
}

// behind reports whether another vehicle stands in front of the place, not in it:
// its foot is lower in the picture, and its box is not the one of the place.
func (p *Place) behind(other *Place) bool {
	mine, front := p.box(), other.box()
	return p.fit(front) < sameBox && front.Y+front.H > mine.Y+mine.H+mine.H*maskMargin && mine.Covered(front) >= coveredShare
}

// sameVehicle reports whether a candidate that now stands in the place is the
// vehicle that stood there before its looks changed: the light, or a door.
func (p *Place) sameVehicle(candidate *Place, scene Scene, cfg Config) bool {
	if p.box().IoU(candidate.box()) < samePlace {
		return false
	}
	alike := p.likeness(scene, candidate.Box)
	switch {
	case p.Empty:
		return false
	case p.Gone:
		return alike >= returned
	case p.Away:
		return alike >= p.again(cfg)
	}
	return !p.Broken || alike >= cfg.SameVehicle
}

// returned is the likeness from which what stands in a place that was seen to be
// empty never left: two cars of a kind can be as alike as 0.75.
const returned = 0.85

// resume lets the place go on with what a candidate has seen since.
func (p *Place) resume(candidate *Place, at time.Time) {
	p.Box, p.Patch, p.Clear = candidate.Box, candidate.Patch, candidate.Clear
	p.Boxes = append(p.Boxes, candidate.Boxes...)
	p.Boxes = p.Boxes[max(0, len(p.Boxes)-keptBoxes):]
	p.Stop.End, p.standsNow = at, true
	p.settled()
	p.DriftX, p.DriftY = 0, 0
	p.Stop.Looks += candidate.Stop.Looks
	p.Asked += candidate.Asked
	p.Backed += candidate.Backed
	p.Steady += candidate.Steady
	p.Score += candidate.Score
	p.Weight += candidate.Weight
	p.Best = max(p.Best, candidate.Best)
	p.BackedAt = candidate.BackedAt
	for class, votes := range candidate.Votes {
		p.Votes[class] += votes
	}
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
