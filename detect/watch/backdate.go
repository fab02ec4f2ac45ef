package watch

import (
	"context"
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

// backdate goes back from the look in which a stop was first seen, picture by
// picture, to the one in which it had just come to stand. Looks may then be
// rare: they cost neither the true beginning nor its picture.
func (w *Watcher) backdate(ctx context.Context, stop detect.Stop) {
	if w.cfg.Past == nil {
		return
	}
	past, began, hidden := w.cfg.Past.Before(stop.Start), stop.Start, false
	for _, shot := range past[:min(len(past), longestBack)] {
		if shot.At.Before(w.sight.sees) || hidden && began.Sub(shot.At) > bridged {
			return // what was taken then cannot be trusted, or it had not come
		}
		stood, err := w.stoodIn(ctx, stop.ID, shot)
		if err != nil {
			w.log.Warn("the beginning of a stop cannot be looked for further back", "stop", stop.ID, "error", err)
			return
		}
		if hidden = !stood; stood {
			began = shot.At
			w.metrics.backdated.Inc()
		}
	}
}

func (w *Watcher) stoodIn(ctx context.Context, id string, shot detect.Shot) (bool, error) {
	pic, err := w.decoder.Decode(ctx, shot.Unit)
	if err != nil {
		return false, err
	}
	defer pic.Close()
	scene, err := picture.Alone(pic)
	if err != nil {
		return false, err
	}
	return w.tracker.Backdate(id, shot, scene), nil
}
