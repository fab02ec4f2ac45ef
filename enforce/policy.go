// Package enforce decides whether a stop is a suspected violation, and what
// became of every case. It is pure: same stop, same policy, same answer, with
// the reasons spelled out. Nothing here reads a clock, a file or the network.
package enforce

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"tidewatch/detect"
)

// RoadSection is a named stretch of kerb with the rule announced for it. It
// is what a policy is made of.
type RoadSection struct {
	ID          string
	Name        string         // for people: not part of the rule
	Location    *time.Location // zone in which the windows' clocks are read
	Effective   Date           // first day of this version of the rule; zero: since ever
	Windows     []TidalWindow
	Suspensions []Suspension

	// ObservationPeriod is the dwell a stop needs, outside every window,
	// before it is a suspected violation.
	ObservationPeriod time.Duration
	// Grace is added for a vehicle that stood permitted when a window ended.
	Grace time.Duration
	// Limits are the hours in which another observation period and grace hold:
	// those of the first entry that has the moment.
	Limits []Limit
	// ClockError bounds how far the clock by which stops are judged may be off,
	// either way. Within it of a boundary a vehicle counts as permitted.
	ClockError time.Duration
	// Code is the violation's code on the police side, such as 1039.
	Code string
	// ExemptClasses are classes of vehicles that the rule leaves out.
	ExemptClasses []detect.Class
	// AgainAfter makes another violation of a stop for each such time that the
	// vehicle stands on where it may not; 0: a stop is one violation.
	AgainAfter time.Duration
	// Discretion is the scale of warnings and penalties; nil: none was announced.
	Discretion *Discretion
	// Calendar is what was known of holidays when the rule was made. A policy
	// keeps of it what its windows and limits ask for.
	Calendar Calendar
}

// Limit is an observation period and grace of some hours.
type Limit struct {
	Hours
	ObservationPeriod time.Duration
	Grace             time.Duration
}

// Policy is an immutable, dated rule for one road section. Its ID is the
// SHA-256 of its Document and is stored with every case judged under it.
type Policy struct {
	ID      string
	Section RoadSection
}

// NewPolicy fixes a section's rule and computes its ID.
func NewPolicy(section RoadSection) Policy {
	section.Windows = slices.Clone(section.Windows)
	section.Suspensions = slices.Clone(section.Suspensions)
	for i, each := range section.Suspensions {
		section.Suspensions[i].From, section.Suspensions[i].Until = each.From.In(section.Location), each.Until.In(section.Location)
	}
	section.Limits = slices.Clone(section.Limits)
	section.ExemptClasses = slices.Clone(section.ExemptClasses)
	if section.Discretion != nil {
		scale := *section.Discretion
		section.Discretion = &scale
	}
	section.Calendar = section.calendar()
	p := Policy{Section: section}
	sum := sha256.Sum256(p.Document())
	p.ID = hex.EncodeToString(sum[:])
	return p
}

// calendar is the part of the calendar that can bear on a verdict: none where
// no hour depends on the kind of day, and nothing from long before the rule's
// first day, so that other holidays do not make another policy of it.
func (s RoadSection) calendar() Calendar {
	if !s.AsksForKinds() {
		return Calendar{}
	}
	if s.Effective.IsZero() {
		return s.Calendar.Since(0)
	}
	return s.Calendar.Since(s.Effective.Year - 1)
}

// AsksForKinds reports whether anything of the rule depends on the kind of day.
func (s RoadSection) AsksForKinds() bool {
	return slices.ContainsFunc(s.Windows, func(w TidalWindow) bool { return len(w.Kinds) > 0 }) ||
		slices.ContainsFunc(s.Limits, func(l Limit) bool { return len(l.Kinds) > 0 })
}

// Policies are the versions of every section's rule, by the section's ID, each
// list in order of effect.
type Policies map[string][]Policy

// Add puts a version in its place.
func (ps Policies) Add(p Policy) {
	versions := append(slices.Clip(ps[p.Section.ID]), p)
	slices.SortStableFunc(versions, func(a, b Policy) int { return a.Section.Effective.Compare(b.Section.Effective) })
	ps[p.Section.ID] = versions
}

// At is the version of a section's rule that is in force at a moment, and
// false where there is none yet.
func (ps Policies) At(section string, t time.Time) (Policy, bool) {
	versions := ps[section]
	for i := len(versions) - 1; i >= 0; i-- {
		s := versions[i].Section
		if s.Effective.IsZero() || !t.Before(s.Effective.Midnight(s.Location)) {
			return versions[i], true
		}
	}
	return Policy{}, false
}

// Judge holds a stop against the version of its section's rule that was in force
// when it began. Where another has taken effect by the time at which the stop is
// due, that one judges as well, and has the last word: nobody is accused whom it
// permits. It is false where no version was in force yet.
func (ps Policies) Judge(section string, stop StopRecord, zone Zone) (Policy, Verdict, bool) {
	p, inForce := ps.At(section, stop.Start)
	if !inForce {
		return Policy{}, Verdict{}, false
	}
	verdict := p.JudgeRecord(stop, zone)
	if newer, _ := ps.At(section, verdict.Due); verdict.Suspected && newer.ID != p.ID {
		return newer, newer.JudgeRecord(stop, zone), true
	}
	return p, verdict, true
}

// Newest is the version of a section's rule that takes effect last.
func (ps Policies) Newest(section string) (Policy, bool) {
	versions := ps[section]
	if len(versions) == 0 {
		return Policy{}, false
	}
	return versions[len(versions)-1], true
}

// Opening is a window in force over a span of time.
type Opening struct {
	Span
	Window TidalWindow
	Day    Date // on which it begins
	// Unannounced says that it depends on the kind of a day whose holidays were
	// not known: it counts as open.
	Unannounced bool
	// Suspended is the suspension that ends it early, or nil.
	Suspended *Suspension
	// Exempt is the exemption of a vehicle that stands in place of a window, or
	// nil.
	Exempt *ExemptSpan
}

// Closure is a window that does not open, where its hours are such that it
// could have: because of the kind of day, or suspended.
type Closure struct {
	Span
	Window    TidalWindow
	Day       SpecialDay  // what the day is, where that is why
	Suspended *Suspension // else the suspension
}

// Openings returns the section's windows that touch a span, and those that
// would if it were another kind of day or they were not suspended, in order of
// time.
func (s RoadSection) Openings(span Span) ([]Opening, []Closure) {
	if len(s.Windows) == 0 {
		return nil, nil
	}
	var (
		open   []Opening
		closed []Closure
	)
	for face := range facesOf(span, s.Location) {
		day := face.Date
		for _, w := range s.Windows {
			hours := w.hours()
			between := hours.beginningOn(face)
			if !between.touches(span) || !hours.announcedFor(day) {
				continue
			}
			o := Opening{Span: between, Window: w, Day: day}
			if len(w.Kinds) > 0 {
				kind, known := s.Calendar.Day(day)
				if !s.Calendar.Might(day, w.Kinds) {
					kind.Kind = cmp.Or(kind.Kind, ordinary(day))
					closed = append(closed, Closure{Span: o.Span, Window: w, Day: kind})
					continue
				}
				o.Unannounced = !known
			}
			open, closed = s.suspend(o, span, open, closed)
		}
	}
	slices.SortStableFunc(open, func(a, b Opening) int {
		return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return open, closed
}

// suspend adds what the suspensions leave of an opening, as far as it touches
// the span, and what they take.
func (s RoadSection) suspend(o Opening, span Span, open []Opening, closed []Closure) ([]Opening, []Closure) {
	if len(s.Suspensions) == 0 {
		return append(open, o), closed
	}
	left := []Opening{o}
	for i := range s.Suspensions {
		sus := &s.Suspensions[i]
		cut := Span{sus.From, sus.Until}
		if !sus.concerns(o.Window) || !o.touches(cut) {
			continue
		}
		taken := Span{later(o.From, cut.From), earlier(o.Until, cut.Until)}
		if taken.touches(span) {
			closed = append(closed, Closure{Span: taken, Window: o.Window, Suspended: sus})
		}
		left = cutAll(left, cut, sus)
	}
	for _, l := range left {
		if l.touches(span) {
			open = append(open, l)
		}
	}
	return open, closed
}

func cutAll(all []Opening, cut Span, by *Suspension) []Opening {
	var left []Opening
	for _, o := range all {
		for _, part := range o.without(cut) {
			kept := o
			kept.Span = part
			if part.Until.Equal(cut.From) {
				kept.Suspended = by
			}
			left = append(left, kept)
		}
	}
	return left
}
