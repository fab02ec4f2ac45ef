package watch

import (
	"slices"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

// Glancer finds the vehicles in a part of a picture, those that its edge cuts
// off too. It is false where that would not be cheaper than to find all.
type Glancer interface {
	Glance(pic *decode.Picture, part detect.Box) (found []detect.Detection, ok bool, err error)
}

const (
	// glanceScore is that of a detection from which a glance has shown something
	// new: lower than what may open a stop, since a part shows less than the whole.
	glanceScore = 0.2
	// glanceSame is the overlap of boxes from which a glance shows what is known.
	glanceSame = 0.5
)

// find finds the vehicles in a picture, and tells whether the network saw the
// whole of it. Where something has moved in one place, mostly somebody walks by:
// if a glance there shows what is known and nothing else, the rest is taken to
// be as it was. All that is new is for the whole look to tell.
func (w *Watcher) find(pic *decode.Picture, moved detect.Box) (found []detect.Detection, whole bool, err error) {
	glancer, able := w.vehicles.(Glancer)
	if able && moved.W > 0 {
		open := w.tracker.Open()
		part := withStanding(moved, open)
		seen, ok, err := glancer.Glance(pic, part)
		if err != nil {
			return nil, false, err
		}
		if ok && nothingNew(w.newest.found, seen, open, part) {
			w.metrics.glances.Inc()
			return merged(w.newest.found, seen, part), false, nil
		}
	}
	found, err = w.vehicles.Find(pic)
	return found, true, err
}

// withStanding is a part of the picture with the vehicles that stand in it,
// whole.
func withStanding(part detect.Box, open []detect.Stop) detect.Box {
	grown := part
	for _, s := range open {
		if meet(part, s.Box) {
			grown = around(grown, s.Box)
		}
	}
	return grown
}

// nothingNew reports whether a glance at a part has shown the standing vehicles
// in it that were found before, and no other vehicle.
func nothingNew(before, seen []detect.Detection, open []detect.Stop, part detect.Box) bool {
	among := func(box detect.Box, found []detect.Detection) bool {
		return slices.ContainsFunc(found, func(d detect.Detection) bool { return d.Box.IoU(box) >= glanceSame })
	}
	for _, s := range open {
		if meet(s.Box, part) && among(s.Box, before) && !among(s.Box, seen) {
			return false
		}
	}
	return !slices.ContainsFunc(seen, func(d detect.Detection) bool {
		standing := slices.ContainsFunc(open, func(s detect.Stop) bool { return s.Box.IoU(d.Box) >= glanceSame })
		return d.Score >= glanceScore && meet(d.Box, part) && !standing
	})
}

// merged is what was found before, and in a part what was seen since.
func merged(before, seen []detect.Detection, part detect.Box) []detect.Detection {
	var found []detect.Detection
	for _, d := range before {
		if !meet(d.Box, part) {
			found = append(found, d)
		}
	}
	for _, d := range seen {
		if meet(d.Box, part) {
			found = append(found, d)
		}
	}
	return found
}

// meet reports whether two boxes have a part in common.
func meet(a, b detect.Box) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// around is the box around two.
func around(a, b detect.Box) detect.Box {
	x, y := min(a.X, b.X), min(a.Y, b.Y)
	return detect.Box{X: x, Y: y, W: max(a.X+a.W, b.X+b.W) - x, H: max(a.Y+a.H, b.Y+b.H) - y}
}
