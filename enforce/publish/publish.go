package publish

import (
	"time"

	"tidewatch/enforce"
)

// days is how far ahead openings are told, today included.
const days = 14

// Section is a section as the public sees it.
type Section struct {
	Policy   enforce.Policy  // in force today, else the first to come
	Coming   *enforce.Policy // the version after it, if one has been announced
	Geometry *Geometry       // nil: not told
	Days     []Day
}

// Day is one of the coming days in a section.
type Day struct {
	Date      enforce.Date
	Kind      enforce.SpecialDay // without a kind where that is not known, or not asked for
	Openings  []enforce.Opening
	Suspended []enforce.Closure
}

// NewSection is what there is to tell of a section's versions, of which there
// is at least one, as of a moment.
func NewSection(versions []enforce.Policy, geometry *Geometry, at time.Time) Section {
	s := Section{Policy: versions[0], Geometry: geometry}
	for i := range versions {
		location := versions[i].Section.Location
		if effective := versions[i].Section.Effective; effective.IsZero() || !at.Before(effective.Midnight(location)) {
			s.Policy, s.Coming = versions[i], nil
		} else if s.Coming == nil && i > 0 {
			s.Coming = &versions[i]
		}
	}
	today := enforce.DateOf(at.In(s.Policy.Section.Location))
	for n := range days {
		s.Days = append(s.Days, newDay(versions, today.AddDays(n)))
	}
	return s
}

// newDay is what begins on a day, by the version that is in force then.
func newDay(versions []enforce.Policy, date enforce.Date) Day {
	id := versions[0].Section.ID
	day := Day{Date: date, Kind: enforce.SpecialDay{Date: date}}
	policy, inForce := enforce.Policies{id: versions}.At(id, date.Midnight(versions[0].Section.Location))
	if !inForce {
		return day
	}
	section := policy.Section
	day.Kind, _ = section.Calendar.Day(date)
	from, until := date.Midnight(section.Location), date.AddDays(1).Midnight(section.Location)
	open, closed := section.Openings(enforce.Span{From: from, Until: until})
	for _, o := range open {
		if !o.From.Before(from) {
			day.Openings = append(day.Openings, o)
		}
	}
	for _, c := range closed {
		if c.Suspended != nil && !c.From.Before(from) {
			day.Suspended = append(day.Suspended, c)
		}
	}
	return day
}
