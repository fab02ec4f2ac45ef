package detect

import (
	"math"
	"slices"
)

// Refresh returns stops as they are now, after some were backdated.
func (t *Tracker) Refresh(stops []Stop) []Stop {
	for i, s := range stops {
		for _, p := range t.places {
			if p.open() && p.Stop.ID == s.ID {
				stops[i] = p.stop()
			}
		}
	}
	return inOrder(stops)
}

// Backdate holds an open stop against an earlier picture, from before the look
// in which it was first seen. If it stood there already, the stop begins with
// that picture, and Backdate reports true: try the one before. The scene is of
// that picture alone. The stop's ID stays.
func (t *Tracker) Backdate(id string, shot Shot, scene Scene) bool {
	p := t.standing(id)
	if p == nil || !shot.At.Before(p.Stop.Start) {
		return false
	}
	at, alike := scene.Match(p.Patch, nil, p.Box)
	rolled := max(math.Abs(at.X-p.Box.X)/p.Box.W, math.Abs(at.Y-p.Box.Y)/p.Box.H)
	if alike < t.cfg.Alike || rolled > t.cfg.Drift {
		return false
	}
	p.Stop.Start, p.Came = shot.At, p.Came && t.sawBefore(shot.At)
	p.Stop.Looks++
	first := Observation{At: shot.At, Box: p.box(), Unit: shot.Unit}
	kept := slices.Insert(slices.Clone(p.Stop.Observations), 0, first)
	if len(kept) > max(t.cfg.Observations, 2) {
		kept = slices.Delete(kept, 1, 2)
	}
	p.Stop.Observations = kept
	return true
}

// Same reports whether the place of an open stop looks the same in two pictures.
func (t *Tracker) Same(id string, a, b Scene) bool {
	p := t.standing(id)
	if p == nil {
		return false
	}
	_, alike := b.Match(a.Patch(p.Box), nil, p.Box)
	return alike >= t.cfg.Alike
}

// standing is the place of an open stop, nil if there is none.
func (t *Tracker) standing(id string) *Place {
	if i := slices.IndexFunc(t.places, func(p *Place) bool { return p.open() && p.Stop.ID == id }); i >= 0 {
		return t.places[i]
	}
	return nil
}
