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
	// Before returns what was taken before a moment, the newest first.
	Before(at time.Time) []detect.Shot
}

const (
	// longestBack bounds the pictures that are decoded for one stop.
	longestBack = 12
	// bridged is how long something may have passed before a vehicle that had come
	// to stand: no other one can have left and made room for it in that time.
	bridged = 5 * time.Second
)

// trail is how far back a stop has been followed.
type trail struct {
	stop   string
	began  time.Time    // the earliest moment at which it stood
	absent detect.Scene // the picture after, in which it did not; nil: it stood
	done   bool
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
	latest := stops[0].Start
	for _, s := range stops {
		trails = append(trails, &trail{stop: s.ID, began: s.Start})
		if s.Start.After(latest) {
			latest = s.Start
		}
	}
	for i, shot := range w.cfg.Past.Before(latest) {
		trails = slices.DeleteFunc(trails, func(t *trail) bool { return t.done || t.absent != nil && t.began.Sub(shot.At) > bridged })
		if len(trails) == 0 || i == longestBack || shot.At.Before(w.sight.sees) {
			return // it had not come, or what was taken then cannot be trusted
		}
		scene, err := w.sceneOf(ctx, shot, size)
		if err != nil {
			w.log.Warn("the beginning of stops cannot be looked for further back", "stops", len(trails), "error", err)
			return
		}
		for _, t := range trails {
			w.follow(t, shot, scene)
		}
	}
}

// follow takes a trail to an earlier picture. It ends where the place looks the
// same in two pictures without the vehicle: nothing passed in front of it.
func (w *Watcher) follow(t *trail, shot detect.Shot, scene detect.Scene) {
	switch {
	case !shot.At.Before(t.began):
	case w.tracker.Backdate(t.stop, shot, scene):
		t.began, t.absent = shot.At, nil
		w.metrics.backdated.Inc()
	default:
		t.done = t.absent != nil && w.tracker.Same(t.stop, t.absent, scene)
		t.absent = scene
	}
}

// postdate looks for the last pictures before a look in which vehicles still stood
// that are missed in it.
func (w *Watcher) postdate(ctx context.Context, at time.Time, leaving []detect.Stop, size image.Point) {
	if w.cfg.Past == nil || len(leaving) == 0 {
		return
	}
	for i, shot := range w.cfg.Past.Before(at) {
		leaving = slices.DeleteFunc(leaving, func(s detect.Stop) bool { return !shot.At.After(s.End) })
		if len(leaving) == 0 || i == longestBack || shot.At.Before(w.sight.sees) {
			return
		}
		scene, err := w.sceneOf(ctx, shot, size)
		if err != nil {
			w.log.Warn("the end of stops cannot be looked for", "stops", len(leaving), "error", err)
			return
		}
		leaving = slices.DeleteFunc(leaving, func(s detect.Stop) bool {
			stood := w.tracker.Postdate(s.ID, shot, scene)
			if stood {
				w.metrics.postdated.Inc()
			}
			return stood
		})
	}
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
