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
// that picture alone. Away says that it was not seen in the picture after that
// one: another vehicle of its kind may have stood there. The stop's ID stays.
func (t *Tracker) Backdate(id string, shot Shot, scene Scene, away bool) bool {
	p := t.standing(id)
	if p == nil || !shot.At.Before(p.Stop.Start) || !p.stoodIn(scene, away, t.cfg) {
		return false
	}
	p.Stop.Start, p.Line.Came = shot.At, p.Line.Came && t.sawBefore(shot.At)
	p.Stop.Looks++
	first := Observation{At: shot.At, Box: p.box(), Unit: shot.Unit}
	kept := slices.Insert(slices.Clone(p.Stop.Observations), 0, first)
	if len(kept) > max(t.cfg.Observations, 2) {
		kept = slices.Delete(kept, 1, 2)
	}
	p.Stop.Observations = kept
	return true
}

// stoodIn reports whether what stands in the place stood there in a picture alone,
// after or before one in which it was perhaps away.
func (p *Place) stoodIn(scene Scene, away bool, cfg Config) bool {
	at, alike := scene.Match(p.Patch, nil, p.Box)
	rolled := max(math.Abs(at.X-p.Box.X)/p.Box.W, math.Abs(at.Y-p.Box.Y)/p.Box.H)
	least := cfg.Alike
	if away {
		least = p.again(cfg)
	}
	return alike >= least && rolled <= cfg.Drift
}

// Leaving are the open stops that were missed in the newest look, and in none
// since they were last seen standing.
func (t *Tracker) Leaving() []Stop {
	var leaving []Stop
	for _, p := range t.places {
		if p.open() && p.Doubt.Missed == 1 && p.Doubt.Absent.Equal(t.last) {
			leaving = append(leaving, p.stop())
		}
	}
	return leaving
}

// Postdate holds an open stop against a picture from after it was last seen
// standing, from before the newest look. If it still stood there, the stop goes
// on to that picture, and Postdate reports true: try the one after. The scene is
// of that picture alone. Away says that it was not seen in the picture before that
// one: another vehicle of its kind may stand there.
func (t *Tracker) Postdate(id string, shot Shot, scene Scene, away bool) bool {
	p := t.standing(id)
	if p == nil || !shot.At.After(p.Stop.End) || !p.stoodIn(scene, away, t.cfg) {
		return false
	}
	p.Stop.End = shot.At
	p.Stop.Looks++
	p.observe(shot, t.cfg)
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
