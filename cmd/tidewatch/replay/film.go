// Package replay looks at a film as a camera would be looked at, as fast as the
// machine can, and returns the stops in it.
package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/watch"
	"tidewatch/ingest/decode"
)

// Shortest is the least time of a stop worth telling.
const Shortest = 3 * time.Second

// Film is a video file that is looked at FPS times a second or, if it is paced, at
// those of these moments that the watcher wants to see.
type Film struct {
	Path  string
	FPS   float64
	Paced bool
}

// progressEvery is how much video lies between two lines of progress.
const progressEvery = 10 * time.Second

// Stops looks at the whole film, as if it began at start, and returns its
// stops, those that last to the end too, in order of their start. Short ones
// are among them.
func (f Film) Stops(ctx context.Context, watcher *watch.Watcher, start time.Time, progress io.Writer) ([]detect.Stop, error) {
	file, err := decode.OpenFile(f.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	stops := map[string]detect.Stop{}
	nextNews, next := progressEvery, time.Duration(0)
	for look, err := range file.Looks(f.FPS) {
		if err != nil {
			return nil, err
		}
		if f.Paced && look.At < next {
			if err := look.Picture.Close(); err != nil {
				return nil, err
			}
			continue
		}
		seen, err := watcher.Look(ctx, start.Add(look.At), look.Picture, detect.Shot{At: start.Add(look.At)})
		if err := errors.Join(err, look.Picture.Close(), ctx.Err()); err != nil {
			return nil, err
		}
		for _, s := range seen {
			stops[s.ID] = s
		}
		watcher.Settle()
		next = look.At + watcher.Pace()
		if look.At >= nextNews {
			fmt.Fprintf(progress, "%s of %s\n", look.At.Truncate(time.Second), file.Duration().Truncate(time.Second))
			nextNews += progressEvery
		}
	}
	var all []detect.Stop
	for _, s := range stops {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b detect.Stop) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Box.X, b.Box.X), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// Told reports whether a stop is worth telling: it may have been in a queue all the
// time.
func Told(s detect.Stop) bool {
	s.Queued = nil
	return s.Dwell() >= Shortest
}

// Long drops the stops that are none by what counts of them.
func Long(stops []detect.Stop) []detect.Stop {
	return slices.DeleteFunc(slices.Clone(stops), func(s detect.Stop) bool { return s.Dwell() < Shortest })
}
