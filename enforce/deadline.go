package enforce

import (
	"slices"
	"time"
)

// term is a span of time in which a limit holds.
type term struct {
	Span
	limit *Limit
	sure  bool // the kind of its day is known
}

// observation and grace are the two parts of a limit.
func observation(l *Limit) time.Duration { return l.ObservationPeriod }
func grace(l *Limit) time.Duration       { return l.Grace }

// readLimits finds the terms that can bear on the stop, and the moments at
// which what is allowed changes.
func (j *judgement) readLimits() {
	if len(j.section.Limits) == 0 {
		return
	}
	longest := j.section.ObservationPeriod + j.section.Grace
	for _, l := range j.section.Limits {
		longest = max(longest, l.ObservationPeriod+l.Grace, l.ObservationPeriod+j.section.Grace, j.section.ObservationPeriod+l.Grace)
	}
	for _, u := range j.uncounted {
		longest += u.Until.Sub(u.From)
	}
	span := Span{j.stop.Start, j.stop.End.Add(2 * longest)}.widened(j.margin)
	for i := range j.section.Limits {
		for _, t := range j.section.terms(&j.section.Limits[i], span) {
			j.terms = append(j.terms, t)
			for _, edge := range []time.Time{t.From, t.Until} {
				j.changes = append(j.changes, edge.Add(-j.margin), edge.Add(j.margin))
			}
		}
	}
	slices.SortFunc(j.changes, time.Time.Compare)
}

// terms are the spans in which one limit holds, or may hold for all that is
// known, as far as they touch a span.
func (s RoadSection) terms(l *Limit, span Span) []term {
	var found []term
	for day := range facesOf(span, s.Location) {
		if !l.announcedFor(day.Date) || len(l.Kinds) > 0 && !s.Calendar.Might(day.Date, l.Kinds) {
			continue
		}
		if t := l.beginningOn(day); t.touches(span) {
			found = append(found, term{t, l, len(l.Kinds) == 0 || s.Calendar.Knows(day.Date)})
		}
	}
	return found
}

// deadline is the moment by which a vehicle must have left that stands since t,
// and the moment from which that is counted: t, or the beginning of hours with
// a shorter limit, if their end comes sooner. So whoever comes later has never
// to leave earlier, which makes more permitted time never a disadvantage.
func (j *judgement) deadline(t time.Time, of func(*Limit) time.Duration) (due, counted time.Time) {
	due, counted = j.after(t, j.allowed(t, of)), t
	for _, change := range j.changes {
		if !change.After(t) {
			continue
		}
		if !change.Before(due) {
			break
		}
		if sooner := j.after(change, j.allowed(change, of)); sooner.Before(due) {
			due, counted = sooner, change
		}
	}
	return due, counted
}

// allowed is the most that is allowed at any moment within the clock's error
// of t.
func (j *judgement) allowed(t time.Time, of func(*Limit) time.Duration) time.Duration {
	near := Span{t.Add(-j.margin), t.Add(j.margin)}
	most := j.allowedAt(near.From, of)
	for _, each := range j.terms {
		for _, edge := range []time.Time{each.From, each.Until} {
			if edge.After(near.From) && !edge.After(near.Until) {
				most = max(most, j.allowedAt(edge, of))
			}
		}
	}
	return most
}

// allowedAt is what the first limit that holds at t allows, or more, where one
// before it may hold.
func (j *judgement) allowedAt(t time.Time, of func(*Limit) time.Duration) time.Duration {
	var perhaps time.Duration
	for _, each := range j.terms { // in the order of the limits
		if !each.holds(t) {
			continue
		}
		if each.sure {
			return max(perhaps, of(each.limit))
		}
		perhaps = max(perhaps, of(each.limit))
	}
	return max(perhaps, of(&Limit{ObservationPeriod: j.section.ObservationPeriod, Grace: j.section.Grace}))
}

// after is the moment at which the vehicle has stood for d since t, as far as that counts.
func (j *judgement) after(t time.Time, d time.Duration) time.Time {
	due := t.Add(d)
	for _, u := range j.uncounted {
		if u.Until.After(t) && u.From.Before(due) {
			due = due.Add(u.Until.Sub(later(u.From, t)))
		}
	}
	return due
}

// seen is how much of a span counts: in which the camera could see the vehicle,
// and it stood in no queue.
func (j *judgement) seen(span Span) time.Duration {
	seen := span.Until.Sub(span.From)
	for _, u := range j.uncounted {
		if both := earlier(u.Until, span.Until).Sub(later(u.From, span.From)); both > 0 {
			seen -= both
		}
	}
	return seen
}
