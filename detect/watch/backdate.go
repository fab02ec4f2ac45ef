package watch

import (
	"context"
	"image"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

// Past gives the pictures of the last seconds that nobody looked at.
type Past interface {
	// Before returns what was taken before a moment, the newest first, as a slice of
	// the caller's own.
	Before(at time.Time) []detect.Shot
}

const (
	// longestBack bounds the pictures that are decoded for the stops of one look.
	longestBack = 12
	// bridged is how long something may have passed before a vehicle that stands:
	// no other one can have left and made room for it in that time, nor it for
	// another one.
	bridged = 5 * time.Second
)

// trail is how far a stop has been followed.
type trail struct {
	stop   string
	on     bool         // to its end, else back to its beginning
	stood  time.Time    // the outermost moment at which it stood
	absent detect.Scene // the picture next to that, in which it did not; nil: none yet
	done   bool
}

// beyond is how far a picture leads beyond the moments at which it stood.
func (t *trail) beyond(shot detect.Shot) time.Duration {
	if t.on {
		return shot.At.Sub(t.stood)
	}
	return t.stood.Sub(shot.At)
}

// backdate goes back from the look in which stops were first seen, picture by
// picture, to those in which each had just come to stand. Looks may then be rare:
// they cost neither the true beginning nor its picture. Size is that of the
// looks.
func (w *Watcher) backdate(ctx context.Context, stops []detect.Stop, size image.Point) {
	if w.cfg.Past == nil || len(stops) == 0 {
		return
	}
	var trails []*trail
	var latest time.Time
	for _, s := range stops {
		trails = append(trails, &trail{stop: s.ID, stood: s.Start})
		if s.Start.After(latest) {
			latest = s.Start
		}
	}
	w.follow(ctx, trails, w.cfg.Past.Before(latest), size)
}

// postdate goes on from when vehicles were last seen that are missed in a look,
// picture by picture, to those in which each still stood.
func (w *Watcher) postdate(ctx context.Context, at time.Time, leaving []detect.Stop, size image.Point) {
	if w.cfg.Past == nil || len(leaving) == 0 {
		return
	}
	var trails []*trail
	for _, s := range leaving {
		trails = append(trails, &trail{stop: s.ID, on: true, stood: s.End})
	}
	shots := w.cfg.Past.Before(at)
	slices.Reverse(shots)
	w.follow(ctx, trails, shots, size)
}

// follow takes trails from picture to picture. One ends where the place looks the
// same in two pictures without the vehicle: nothing passed in front of it.
func (w *Watcher) follow(ctx context.Context, trails []*trail, shots []detect.Shot, size image.Point) {
	decoded := 0
	for _, shot := range shots {
		trails = slices.DeleteFunc(trails, func(t *trail) bool { return t.done || t.beyond(shot) > bridged })
		if len(trails) == 0 || decoded == longestBack {
			return
		}
		if !slices.ContainsFunc(trails, func(t *trail) bool { return t.beyond(shot) > 0 }) {
			continue
		}
		if shot.At.Before(w.sight.sees) {
			return // what was taken then cannot be trusted
		}
		scene, err := w.sceneOf(ctx, shot, size)
		if err != nil {
			w.log.Warn("the beginning or end of stops cannot be looked for further", "stops", len(trails), "error", err)
			return
		}
		decoded++
		for _, t := range trails {
			if t.beyond(shot) > 0 {
				w.step(t, shot, scene)
			}
		}
	}
}

// step holds a trail against the next picture.
func (w *Watcher) step(t *trail, shot detect.Shot, scene detect.Scene) {
	stood, counted, away := w.tracker.Backdate, w.metrics.backdated, t.absent != nil
	if t.on {
		stood, counted = w.tracker.Postdate, w.metrics.postdated
	}
	if stood(t.stop, shot, scene, away) {
		t.stood, t.absent = shot.At, nil
		counted.Inc()
		return
	}
	t.done = away && w.tracker.Same(t.stop, t.absent, scene)
	t.absent = scene
}

// sceneOf is an earlier picture, as large as looks are.
func (w *Watcher) sceneOf(ctx context.Context, shot detect.Shot, size image.Point) (detect.Scene, error) {
	pic, err := w.decoder.DecodeTo(ctx, shot.Unit, size)
	if err != nil {
		return nil, err
	}
	defer pic.Close()
	return picture.Alone(pic)
}
