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

// longestBack bounds the pictures that are decoded for one stop.
const longestBack = 12

// backdate goes back from the look in which a stop was first seen, picture by
// picture, to the one in which it had just come to stand. Looks may then be
// rare: they cost neither the true beginning nor its picture.
func (w *Watcher) backdate(ctx context.Context, stop detect.Stop) {
	if w.cfg.Past == nil {
		return
	}
	past := w.cfg.Past.Before(stop.Start)
	for _, shot := range past[:min(len(past), longestBack)] {
		if shot.At.Before(w.sight.sees) {
			return // what was taken then cannot be trusted
		}
		stood, err := w.stoodIn(ctx, stop.ID, shot)
		if err != nil {
			w.log.Warn("the beginning of a stop cannot be looked for further back", "stop", stop.ID, "error", err)
		}
		if !stood {
			return
		}
		w.metrics.backdated.Inc()
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
