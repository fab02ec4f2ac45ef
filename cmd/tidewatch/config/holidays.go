package config

import (
	"fmt"
	"slices"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/calendar"
	"tidewatch/enforce/written"
)

// holidaysYAML is the file of holidays that were announced since, or are
// announced otherwise, than the built-in ones.
type holidaysYAML struct {
	Years []string         `yaml:"years,omitempty"`
	Days  []holidayDayYAML `yaml:"days,omitempty"`
}

type holidayDayYAML struct {
	FirstDay string `yaml:"first_day"`
	LastDay  string `yaml:"last_day,omitempty"` // empty: the first
	Kind     string `yaml:"kind"`
	Name     title  `yaml:"name,omitempty"`
}

// calendar is what is known of holidays, with the operator's file put over it.
func (r *resolver) calendar(path string) enforce.Calendar {
	known := calendar.Builtin()
	if path == "" {
		return known
	}
	text, err := written.Read(path)
	if err != nil {
		r.wrong("holidays", "%v", err)
		return known
	}
	over, err := parseHolidays(path, text, known)
	if err != nil {
		r.mistakes = append(r.mistakes, said{line(r.tree, "holidays"), err.Error()})
	}
	return calendar.Apply(known, over)
}

// parseHolidays reads a file of holidays; the error joins one line for each
// mistake.
func parseHolidays(name string, text []byte, known enforce.Calendar) (calendar.Override, error) {
	var y holidaysYAML
	r := resolver{report: report{name: name}}
	if err := r.read(text, &y); err != nil {
		return calendar.Override{}, err
	}
	var over calendar.Override
	for i, year := range y.Years {
		t, err := time.Parse("2006", year)
		if err != nil {
			r.wrong(fmt.Sprintf("years[%d]", i), "%q: want a year such as 2026", year)
		}
		over.Years = append(over.Years, t.Year())
	}
	for i, d := range y.Days {
		days := r.holiday(fmt.Sprintf("days[%d]", i), d)
		if len(days) > 0 {
			r.knownYear(fmt.Sprintf("days[%d].first_day", i), days[0].Date.Year, slices.Concat(known.Years, over.Years))
		}
		over.Days = append(over.Days, days...)
	}
	return over, failure(r.mistakes)
}

func (r *resolver) knownYear(path string, year int, known []int) {
	if !slices.Contains(known, year) {
		r.wrong(path, "nothing is known of %d: tell it whole and add it to years", year)
	}
}

// longestHoliday bounds a stretch of days, so that a slip of the pen in a year
// is seen.
const longestHoliday = 31

func (r *resolver) holiday(path string, y holidayDayYAML) []enforce.SpecialDay {
	mistakes := len(r.mistakes)
	kind := r.kind(path+".kind", y.Kind)
	first, last := r.someDay(path+".first_day", y.FirstDay), r.day(path+".last_day", y.LastDay)
	if last.IsZero() {
		last = first
	}
	if len(r.mistakes) > mistakes {
		return nil
	}
	if last.Before(first) || first.AddDays(longestHoliday).Before(last) {
		r.wrong(path+".last_day", "want a day from %s on, at most %d days later", first, longestHoliday)
		return nil
	}
	var days []enforce.SpecialDay
	for day := first; !last.Before(day); day = day.AddDays(1) {
		weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		switch {
		case kind == enforce.Workday && weekend:
			r.wrong(path+".kind", "%s is a %s: want adjusted_workday if it is worked", day, day.Weekday())
		case (kind == enforce.AdjustedWorkday || kind == enforce.RestDay) && !weekend:
			r.wrong(path+".kind", "%s is a %s: want workday or statutory_holiday", day, day.Weekday())
		}
		days = append(days, enforce.SpecialDay{Date: day, Kind: kind, Name: string(y.Name)})
	}
	return days
}
