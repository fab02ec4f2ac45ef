package enforce

import "time"

// What of a rule ever comes to bear over a stretch of time. A rule may say what
// nobody meant: hours without a day, or days without an end.

// Opens reports whether a window opens in a span, or may for all that is known,
// were nothing suspended.
func (s RoadSection) Opens(w TidalWindow, span Span) bool {
	s.Windows, s.Suspensions = []TidalWindow{w}, nil
	open, _ := s.Openings(span)
	return len(open) > 0
}

// Suspends reports whether a suspension takes any time from a window.
func (s RoadSection) Suspends(each Suspension) bool {
	s.Suspensions = nil
	open, _ := s.Openings(Span{each.From, each.Until})
	for _, o := range open {
		if each.concerns(o.Window) {
			return true
		}
	}
	return false
}

// AlwaysOpen reports whether the windows leave no moment of a span in which
// parking is forbidden, as far as is known.
func (s RoadSection) AlwaysOpen(span Span) bool {
	open, _ := s.Openings(span)
	covered := span.From
	for _, o := range open { // in order of time
		switch {
		case o.Unannounced:
		case o.From.After(covered):
			return false
		default:
			covered = later(covered, o.Until)
		}
	}
	return !covered.Before(span.Until)
}

// Holds reports whether one of the section's limits is the first to have any
// moment of a span, or may be for all that is known.
func (s RoadSection) Holds(limit int, span Span) bool {
	var left []Span
	for _, t := range s.terms(&s.Limits[limit], span) {
		left = append(left, t.Span)
	}
	for i := range limit {
		for _, before := range s.terms(&s.Limits[i], span) {
			if before.sure {
				left = withoutAll(left, before.Span)
			}
		}
	}
	return len(left) > 0
}

func withoutAll(spans []Span, cut Span) []Span {
	var left []Span
	for _, span := range spans {
		left = append(left, span.without(cut)...)
	}
	return left
}

// Over is the last day on which a window begins; zero if it has none.
func (w TidalWindow) Over() Date { return w.hours().Over() }

// Over is the last day on which the hours begin; zero if they have none.
func (h Hours) Over() Date {
	last := h.LastDay
	var newest Date
	for _, day := range h.Days {
		if newest.Before(day) {
			newest = day
		}
	}
	if !newest.IsZero() && (last.IsZero() || newest.Before(last)) {
		last = newest
	}
	return last
}

// Life is the span in which a version of a section's rule is in force, from its
// first day to that of the next version: none that is given is zero.
func (ps Policies) Life(section string, version int) (from, until time.Time) {
	versions := ps[section]
	s := versions[version].Section
	if !s.Effective.IsZero() {
		from = s.Effective.Midnight(s.Location)
	}
	if version+1 < len(versions) {
		next := versions[version+1].Section
		until = next.Effective.Midnight(next.Location)
	}
	return from, until
}
