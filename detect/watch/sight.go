package watch

import (
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

const (
	// A doubt that lasts for as many looks and for as long makes a camera blind:
	// a bus that fills the view has passed by then. The clocks of what stands are
	// held from the first doubtful look on.
	blindLooks = 5
	blindAfter = 20 * time.Second
	// frozenAfter is longer: a quiet street and a good encoder can repeat
	// themselves.
	frozenAfter = time.Minute
	// sightLooks in a row without a doubt end blindness.
	sightLooks = 3
	// unlooked is how long nobody may have looked, because the camera or the
	// worker was away, for what stands to count as seen meanwhile. Cameras that
	// send a key picture less often than that are not to be judged by.
	unlooked = 30 * time.Second
)

// sight tells over many looks whether a camera's pictures can be trusted, and
// since when not. A doubt that passes is forgotten; one that made the camera
// blind leaves a stretch of time in which nothing was seen.
type sight struct {
	checks  *picture.Checks // nil: the camera has no zones, and may be carried about
	metrics cameraMetrics

	good   time.Time       // newest look that showed the street
	sees   time.Time       // the first of those since the newest doubt
	doubts int             // looks in a row with a doubt
	finds  int             // looks in a row with the same doubt
	doubt  picture.Finding // of the newest of them
	blind  picture.Finding // what makes the camera blind; none: it sees
	clear  int             // looks in a row without a doubt while blind
	alike  bool            // the newest picture may repeat one before
	unsure bool            // the worker before was in doubt when it was last heard of

	unseen []detect.Span // in which the camera was blind, as far as a stop stood
}

// look takes a look and reports whether what stands may be judged by it.
func (s *sight) look(at time.Time, scene *picture.Scene) bool {
	if s.checks == nil {
		return true
	}
	if s.good.IsZero() || at.Before(s.good) { // the clock was set back
		s.good = at
	}
	found := s.checks.Look(at, scene)
	if found.Placed {
		s.metrics.shift.Set(found.Shift)
	}
	if found.Fault != "" {
		s.doubtful(at, found)
		return false
	}
	if s.doubts > 0 && s.blind.Fault == "" {
		s.sees = at
	}
	s.doubts, s.finds, s.doubt = 0, 0, found
	if s.blind.Fault == "" {
		if s.unsure || at.Sub(s.good) > unlooked {
			s.miss(at)
		}
		s.good, s.unsure = at, false
		return true
	}
	if s.clear++; s.clear < sightLooks {
		return false
	}
	s.miss(at)
	s.declare(picture.Finding{})
	s.good, s.sees = at, at
	return true
}

// glance sees whether a picture may be frozen, which only full looks tell.
func (s *sight) glance(at time.Time, pic *decode.Picture) (err error) {
	if s.checks != nil {
		s.alike, err = s.checks.Glance(at, pic)
	}
	return err
}

// miss notes that nothing was seen since the newest good look.
func (s *sight) miss(until time.Time) {
	s.unseen = detect.Union(append(s.unseen, detect.Span{From: s.good, Until: until}))
	s.metrics.unseen.Add(until.Sub(s.good).Seconds())
}

// unchanged takes a picture that shows what the newest look has shown, which was
// not in doubt.
func (s *sight) unchanged(at time.Time) { s.good = at }

// doubtful takes a look that shows something else than the street.
func (s *sight) doubtful(at time.Time, found picture.Finding) {
	s.metrics.doubts[found.Fault].Inc()
	s.clear = 0
	s.doubts++
	if s.finds++; found.Fault != s.doubt.Fault {
		s.finds = 1
	}
	s.doubt = found
	after := blindAfter
	if found.Fault == picture.Frozen {
		after = frozenAfter
		if found.Since.Before(s.good) {
			s.good = found.Since // what repeated it showed nothing
		}
	}
	switch {
	case s.blind.Fault != "" && s.finds >= sightLooks, // for another reason now, perhaps
		s.blind.Fault == "" && s.doubts >= blindLooks && at.Sub(s.good) >= after:
		s.declare(found)
	}
}

// declare says what makes the camera blind from now on, or that it sees.
func (s *sight) declare(why picture.Finding) {
	s.blind, s.clear = why, 0
	for fault, gauge := range s.metrics.blind {
		gauge.Set(0)
		if fault == why.Fault {
			gauge.Set(1)
		}
	}
}

// doubted reports whether the newest look could not be trusted.
func (s *sight) doubted() bool { return s.doubts > 0 || s.blind.Fault != "" }

// of are the stretches of a stop in which the camera was blind. Of a frozen
// picture that still lasts some looks were taken for good.
func (s *sight) of(stop detect.Stop) []detect.Span {
	unseen := s.unseen
	if s.blind.Fault != "" {
		unseen = append(unseen[:len(unseen):len(unseen)], detect.Span{From: s.good, Until: stop.End})
	}
	var within []detect.Span
	for _, u := range unseen {
		if u.From.Before(stop.Start) {
			u.From = stop.Start
		}
		if u.Until.After(stop.End) {
			u.Until = stop.End
		}
		if u.From.Before(u.Until) {
			within = append(within, u)
		}
	}
	return within
}

// kept is what a restart must know of a stop: besides the stretches in which
// the camera was blind one without length, if it is in doubt now.
func (s *sight) kept(stop detect.Stop) []detect.Span {
	spans := s.of(stop)
	if s.doubted() {
		spans = append(spans, detect.Span{From: s.good, Until: s.good})
	}
	return spans
}

// resume takes over what a worker before knew of the stops that are open.
func (s *sight) resume(places []detect.Place) {
	for _, p := range places {
		for _, u := range p.Stop.Unseen {
			s.unsure = s.unsure || u.From.Equal(u.Until)
		}
		s.unseen = append(s.unseen, p.Stop.Unseen...)
		if p.Stop.End.After(s.good) {
			s.good = p.Stop.End
		}
	}
	s.unseen = detect.Union(s.unseen)
}

// forget drops the stretches that no open stop has stood through.
func (s *sight) forget(open []detect.Stop) {
	s.unseen = slices.DeleteFunc(s.unseen, func(u detect.Span) bool {
		return !slices.ContainsFunc(open, func(stop detect.Stop) bool { return stop.Start.Before(u.Until) })
	})
}

// unseen is a look by which nothing can be judged.
type unseen struct{ *picture.Scene }

// Move implements detect.Scene.
func (unseen) Move(b detect.Box) (detect.Box, bool) { return b, false }

// returned is the first look that can be trusted after some that could not. It
// shows what was seen before those: how the camera moved meanwhile is nothing
// that boxes were taken along with.
type returned struct{ *picture.Scene }

// Move implements detect.Scene.
func (returned) Move(b detect.Box) (detect.Box, bool) { return b, true }
