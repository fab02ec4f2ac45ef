package enforce

import (
	"slices"
	"time"
)

// Explanation is what a rule says of one moment.
type Explanation struct {
	At       time.Time
	Day      SpecialDay // that At falls on
	DayKnown bool
	Windows  []WindowState
	// Permitted says that orderly parking is permitted, until Until.
	Permitted bool
	Until     time.Time
	// Unbroken says that there is no end to that in the next two weeks.
	Unbroken bool
	// Next is when a window opens next, nil if none does within two weeks.
	Next *Opening
	// ObservationPeriod and Grace are those of the moment.
	ObservationPeriod time.Duration
	Grace             time.Duration
}

// WindowState is one window at one moment.
type WindowState struct {
	Window TidalWindow
	State  WindowCode
	Day    SpecialDay // on which it began or would have, where the state is of a day
	Until  time.Time  // when it ends or the suspension does, where it is open or suspended
	// Suspension is the number of the announcement that suspends it.
	Suspension string
}

// WindowCode says why a window is open or not. The package words puts it into
// words.
type WindowCode string

// The states of a window, the first that holds.
const (
	NotThisHour   WindowCode = "not_this_hour"  // it does not have the hour
	NotInForce    WindowCode = "not_in_force"   // not yet, or no longer
	NotThisDay    WindowCode = "not_this_day"   // another day of the week, or not a day that is named
	NotThisKind   WindowCode = "not_this_kind"  // another kind of day
	IsSuspended   WindowCode = "is_suspended"   // announced, and suspended
	OpenUncertain WindowCode = "open_uncertain" // the kind of day is not known: it counts as open
	Open          WindowCode = "open"
)

// WindowCodes lists every state.
var WindowCodes = []WindowCode{NotThisHour, NotInForce, NotThisDay, NotThisKind, IsSuspended, OpenUncertain, Open}

// nextWithin is how far ahead the next opening is looked for, in days.
const nextWithin = 14

// Explain says what the rule is at a moment. It speaks of the moment as
// announced: the clock's error is the judge's matter.
func (p Policy) Explain(at time.Time) Explanation {
	s := p.Section
	at = at.In(s.Location)
	e := Explanation{At: at}
	e.Day, e.DayKnown = s.Calendar.Day(DateOf(at))
	for _, w := range s.Windows {
		e.Windows = append(e.Windows, s.stateOf(w, at))
	}
	horizon := DateOf(at).AddDays(nextWithin).Midnight(s.Location)
	ahead, _ := s.Openings(Span{at, horizon})
	e.Until = at
	for i, o := range ahead {
		if o.From.After(e.Until) {
			e.Next = &ahead[i]
			break
		}
		e.Permitted, e.Until = true, later(e.Until, o.Until)
	}
	e.Unbroken = !e.Until.Before(horizon)
	j := judgement{section: &s, stop: StopRecord{Start: at, End: at}}
	j.readLimits()
	e.ObservationPeriod, e.Grace = j.allowed(at, observation), j.allowed(at, grace)
	return e
}

// stateOf is a window's state at a moment. It may have begun the day before.
func (s RoadSection) stateOf(w TidalWindow, at time.Time) WindowState {
	found := WindowState{Window: w, State: NotThisHour}
	for _, day := range []Date{DateOf(at).AddDays(-1), DateOf(at)} {
		span := w.hours().beginningOn(faceOf(day, s.Location))
		if !span.holds(at) {
			continue
		}
		if state := s.stateOn(w, day, span, at); slices.Index(WindowCodes, state.State) > slices.Index(WindowCodes, found.State) {
			found = state
		}
	}
	return found
}

// stateOn is a window's state at a moment that its hours have on a day.
func (s RoadSection) stateOn(w TidalWindow, day Date, span Span, at time.Time) WindowState {
	kind, known := s.Calendar.Day(day)
	state := WindowState{Window: w, State: Open, Day: kind, Until: span.Until}
	h := w.hours()
	switch {
	case day.Before(h.FirstDay) || !h.LastDay.IsZero() && h.LastDay.Before(day):
		state.State = NotInForce
	case !h.announcedFor(day):
		state.State = NotThisDay
	case len(w.Kinds) > 0 && !s.Calendar.Might(day, w.Kinds):
		state.State = NotThisKind
	case len(w.Kinds) > 0 && !known:
		state.State = OpenUncertain
	}
	if state.State != Open && state.State != OpenUncertain {
		return state
	}
	for _, each := range s.Suspensions {
		cut := Span{each.From, each.Until}
		switch {
		case !each.concerns(w):
		case cut.holds(at):
			return WindowState{Window: w, State: IsSuspended, Day: kind, Until: cut.Until, Suspension: each.Announcement}
		case cut.From.After(at):
			state.Until = earlier(state.Until, cut.From)
		}
	}
	return state
}
