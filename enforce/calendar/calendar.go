// Package calendar knows the holidays of China and the days worked for them,
// as announced up to the release of the library that lists them. What was
// announced since, or is announced otherwise, comes from the operator.
package calendar

import (
	"container/list"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"

	"tidewatch/enforce"
)

// The years in which the library is asked. Its first full year is 2002; the
// last bounds the search, since it says nothing of how far it goes.
const firstYear, lastYear = 2002, 2100

// Builtin is what the library knows. A year is known from the moment its New
// Year's Day is listed: the first days worked for a holiday may lie in the
// December before, which is not yet a year of its own.
var Builtin = sync.OnceValue(func() enforce.Calendar {
	var known enforce.Calendar
	for year := firstYear; year <= lastYear; year++ {
		days := special(HolidayUtil.GetHolidaysByYear(year))
		known.Days = append(known.Days, days...)
		if len(days) > 0 && days[0].Date == (enforce.Date{Year: year, Month: 1, Day: 1}) {
			known.Years = append(known.Years, year)
		}
	}
	return known
})

// special are the days of a list of the library, in order of time. It also
// lists two working days as worked (2 May and 8 October 2012), which they are
// anyway.
func special(list *list.List) []enforce.SpecialDay {
	var days []enforce.SpecialDay
	for e := list.Front(); e != nil; e = e.Next() {
		h := e.Value.(*HolidayUtil.Holiday)
		date, err := enforce.ParseDate(h.GetDay())
		if err != nil {
			panic(fmt.Errorf("read the list of holidays: %w", err)) // part of the binary
		}
		day := enforce.SpecialDay{Date: date, Kind: enforce.StatutoryHoliday, Name: name(h.GetName())}
		if h.IsWork() {
			day.Kind = enforce.AdjustedWorkday
			if !weekend(date) {
				continue
			}
		}
		days = append(days, day)
	}
	slices.SortFunc(days, byDate)
	return days
}

func weekend(d enforce.Date) bool {
	w := d.Weekday()
	return w == time.Saturday || w == time.Sunday
}

// name is a holiday's name as the announcements have it.
func name(listed string) string {
	switch listed {
	case "元旦节":
		return "元旦"
	case "国庆中秋":
		return "国庆节、中秋节"
	}
	return strings.TrimSpace(listed)
}

func byDate(a, b enforce.SpecialDay) int { return a.Date.Compare(b.Date) }

// Override is what the operator knows better.
type Override struct {
	// Years are told whole: nothing that was known of them holds.
	Years []int
	// Days are special days, and ordinary ones where the kind is Workday or
	// RestDay, in these years or in any that were known.
	Days []enforce.SpecialDay
}

// Apply is a calendar with an override put over it.
func Apply(known enforce.Calendar, over Override) enforce.Calendar {
	days := map[enforce.Date]enforce.SpecialDay{}
	for _, d := range known.Days {
		if !slices.Contains(over.Years, d.Date.Year) {
			days[d.Date] = d
		}
	}
	for _, d := range over.Days {
		days[d.Date] = d
		if d.Kind == enforce.Workday || d.Kind == enforce.RestDay {
			delete(days, d.Date)
		}
	}
	years := slices.Concat(known.Years, over.Years)
	slices.Sort(years)
	return enforce.Calendar{
		Years: slices.Compact(years),
		Days:  slices.SortedFunc(maps.Values(days), byDate),
	}
}

// Unknown is the first day, of those until another, whose kind is not known;
// zero if all are.
func Unknown(c enforce.Calendar, from, until enforce.Date) enforce.Date {
	for day := from; day.Before(until); day = day.AddDays(1) {
		if !c.Knows(day) {
			return day
		}
	}
	return enforce.Date{}
}
