package enforce

import (
	"slices"
	"time"
)

// DayKind is what a day is by the announcements on working days and holidays.
type DayKind string

// The kinds of day. Every day whose year is known is of exactly one.
const (
	Workday          DayKind = "workday"           // Monday to Friday, and no holiday
	RestDay          DayKind = "rest_day"          // Saturday or Sunday, neither a holiday nor worked
	StatutoryHoliday DayKind = "statutory_holiday" // off for a holiday as announced, weekends in it included
	AdjustedWorkday  DayKind = "adjusted_workday"  // a Saturday or Sunday that is worked for a holiday (调休)
)

// DayKinds lists every kind of day.
var DayKinds = []DayKind{Workday, RestDay, StatutoryHoliday, AdjustedWorkday}

// SpecialDay is a day that is not what its weekday says.
type SpecialDay struct {
	Date Date    `json:"date"`
	Kind DayKind `json:"kind"` // StatutoryHoliday or AdjustedWorkday
	Name string  `json:"name"` // of the holiday that it is off, or worked, for
}

// Calendar is what has been announced of holidays: the special days of the
// years that are known, both in order of time.
type Calendar struct {
	Years []int        `json:"years,omitempty"`
	Days  []SpecialDay `json:"days,omitempty"`
}

// newYearFrom is the first day of December that the announcement of the next
// year's holidays has been seen to change (29 December 2018, say, was worked
// for the New Year of 2019).
const newYearFrom = 29

// Knows reports whether a day's kind is known: its year has been announced,
// and for the end of December the next year, too.
func (c Calendar) Knows(d Date) bool {
	if d.Month == time.December && d.Day >= newYearFrom && !c.knowsYear(d.Year+1) {
		return c.special(d) != nil
	}
	return c.knowsYear(d.Year)
}

func (c Calendar) knowsYear(year int) bool {
	_, known := slices.BinarySearch(c.Years, year)
	return known
}

func (c Calendar) special(d Date) *SpecialDay {
	i, found := slices.BinarySearchFunc(c.Days, d, func(s SpecialDay, d Date) int { return s.Date.Compare(d) })
	if !found {
		return nil
	}
	return &c.Days[i]
}

// Day is what a day is, with the holiday's name where there is one, and false
// where that has not been announced.
func (c Calendar) Day(d Date) (SpecialDay, bool) {
	if !c.Knows(d) {
		return SpecialDay{Date: d}, false
	}
	if s := c.special(d); s != nil {
		return *s, true
	}
	return SpecialDay{Date: d, Kind: ordinary(d)}, true
}

// Might reports whether a day is, or as far as is known may turn out to be, of
// one of some kinds.
func (c Calendar) Might(d Date, kinds []DayKind) bool {
	day, known := c.Day(d)
	switch {
	case known:
		return slices.Contains(kinds, day.Kind)
	case ordinary(d) == Workday:
		return slices.Contains(kinds, Workday) || slices.Contains(kinds, StatutoryHoliday)
	}
	return slices.ContainsFunc(kinds, func(k DayKind) bool { return k != Workday })
}

// Since is the part of the calendar from a year on.
func (c Calendar) Since(year int) Calendar {
	return Calendar{
		Years: slices.DeleteFunc(slices.Clone(c.Years), func(y int) bool { return y < year }),
		Days:  slices.DeleteFunc(slices.Clone(c.Days), func(d SpecialDay) bool { return d.Date.Year < year }),
	}
}

// ordinary is the kind of a day that no announcement has changed.
func ordinary(d Date) DayKind {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
		return RestDay
	}
	return Workday
}
