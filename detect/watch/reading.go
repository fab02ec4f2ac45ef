package watch

import (
	"context"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

const (
	// eagerReads are made as soon as a vehicle stands, one in each look, if the
	// first shows a plate at all.
	eagerReads = 3
	// settledReads are enough once they agree on a plate.
	settledReads = 5
	// keptReads bounds what is remembered of a vehicle's plate.
	keptReads = 24

	shortestWait = 5 * time.Second
	longestWait  = time.Minute

	// hiddenShare of a vehicle behind another's box: the plate in it may be
	// the other one's.
	hiddenShare = 0.15
)

// reading is what is known of one standing vehicle's plate.
type reading struct {
	Reads    []plate.Read // those with a text
	Attempts int
	Next     time.Time // not before
	Seen     time.Time // the newest picture that was read: each has one vote

	Best  plate.Read  // the clearest accepted read of what the vote says
	Shown detect.Shot // the picture that it was made of
}

// best is the vote of all reads.
func (r *reading) best() plate.Read {
	if r == nil {
		return plate.Read{}
	}
	return plate.Vote(r.Reads)
}

// view is the picture that shows the plate as the vote has it, none while that
// is not accepted.
func (r *reading) view() detect.PlateView {
	if vote := r.best(); !vote.Accepted || vote.Text != r.Best.Text {
		return detect.PlateView{}
	}
	return detect.PlateView{At: r.Shown.At, Unit: r.Shown.Unit, Corners: r.Best.Corners}
}

// due reports whether the plate should be read again.
func (r *reading) due(at time.Time) bool {
	settled := r.Attempts >= settledReads && r.best().Accepted
	return !settled && !at.Before(r.Next)
}

// note adds one attempt, on a picture that was shot.
func (r *reading) note(at time.Time, shot detect.Shot, read plate.Read) {
	r.Attempts++
	r.Seen = shot.At
	if read.Text != "" {
		r.Reads = append(r.Reads, read)
		r.Reads = r.Reads[max(0, len(r.Reads)-keptReads):]
		r.keep(shot, read)
	}
	eager, wait := eagerReads, time.Duration(0)
	if len(r.Reads) == 0 {
		eager = 1
	}
	if later := r.Attempts - eager; later >= 0 {
		wait = min(shortestWait<<min(later, 8), longestWait)
	}
	r.Next = at.Add(wait)
}

// keep remembers the picture of an accepted read if none before shows better
// what the vote now says.
func (r *reading) keep(shot detect.Shot, read plate.Read) {
	if !read.Accepted || shot.Unit == nil || read.Text != r.best().Text {
		return
	}
	if r.Best.Text != read.Text || read.Weight() > r.Best.Weight() {
		r.Best, r.Shown = read, shot
	}
}

// readPlates reads the plates of some standing motor vehicles, those that have
// waited longest first, in the picture at full size.
func (w *Watcher) readPlates(ctx context.Context, at time.Time, pic *decode.Picture, shot detect.Shot, stops []detect.Stop, found []detect.Detection) {
	if w.plates == nil {
		return
	}
	var due []detect.Stop
	for _, s := range stops {
		if s.Ended || !s.Class.Motor() || !s.End.Equal(at) {
			continue
		}
		if w.readings[s.ID] == nil {
			w.readings[s.ID] = &reading{}
		}
		r := w.readings[s.ID]
		// A picture from before it stood may show another vehicle there.
		if !r.due(at) || shot.At.Before(s.Start) || !shot.At.After(r.Seen) {
			continue
		}
		if hidden(s.Box, found) {
			w.metrics.plates[plateHidden].Inc()
			continue
		}
		due = append(due, s)
	}
	slices.SortStableFunc(due, func(a, b detect.Stop) int {
		return w.readings[a.ID].Next.Compare(w.readings[b.ID].Next)
	})
	due = slices.DeleteFunc(due, w.tooNarrow)
	due = due[:min(len(due), w.cfg.PlatesPerLook)]
	if len(due) == 0 {
		return
	}
	if shot.Unit != nil {
		full, err := w.decoder.Decode(ctx, shot.Unit)
		if err != nil {
			w.log.Warn("plates could not be read", "error", err)
			for _, s := range due {
				w.metrics.plates[plateFailed].Inc()
				w.readings[s.ID].note(at, shot, plate.Read{})
			}
			return
		}
		defer full.Close()
		pic = full
	}
	w.width = pic.Size().X
	for _, s := range due {
		if !w.tooNarrow(s) {
			w.readPlate(at, shot, pic, s)
		}
	}
}

// tooNarrow reports whether no plate on a vehicle can be legible, as far as the
// width of the camera's pictures is known.
func (w *Watcher) tooNarrow(s detect.Stop) bool {
	narrow := w.width > 0 && !w.plates.Legible(s.Box.W*float64(w.width))
	if narrow {
		w.metrics.plates[plateSmall].Inc()
	}
	return narrow
}

// readPlate makes one attempt. A failure is counted and not repeated at once:
// a stop is worth having without its plate.
func (w *Watcher) readPlate(at time.Time, shot detect.Shot, pic *decode.Picture, s detect.Stop) {
	read, err := w.plates.Read(pic, s.Box)
	result := plateUnread
	switch {
	case err != nil:
		result, read = plateFailed, plate.Read{}
		w.log.Warn("plate could not be read", "stop", s.ID, "error", err)
	case read.Text == "":
		result = plateNone
	case read.Accepted:
		result = plateAccepted
	}
	w.metrics.plates[result].Inc()
	w.readings[s.ID].note(at, shot, read)
}

// hidden reports whether another vehicle stands or drives in front of a box:
// one whose foot is lower in the picture.
func hidden(box detect.Box, found []detect.Detection) bool {
	return slices.ContainsFunc(found, func(d detect.Detection) bool {
		inFront := d.Box.Y+d.Box.H > box.Y+box.H
		return inFront && d.Box.IoU(box) < 0.5 && box.Covered(d.Box) >= hiddenShare
	})
}
