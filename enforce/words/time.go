package words

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewatch/enforce"
)

// amount is how many of one unit.
type amount struct {
	unit string
	n    int
}

// Duration is a length of time to the second, or to the tenth below one.
func (c Catalog) Duration(d time.Duration) string {
	if d = d.Abs(); d < time.Second && d > 0 {
		return c.Say("unit", "second", "n", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
	}
	seconds := int(d.Round(time.Second) / time.Second)
	amounts := []amount{{"day", seconds / 86400}, {"hour", seconds / 3600 % 24}, {"minute", seconds / 60 % 60}, {"second", seconds % 60}}
	first := slices.IndexFunc(amounts, func(a amount) bool { return a.n > 0 })
	if first < 0 {
		return c.Say("unit", "second", "n", 0)
	}
	var parts []string
	for _, a := range amounts[first:min(first+2, len(amounts))] { // two units say enough
		if a.n > 0 {
			parts = append(parts, c.Say("unit", a.unit, "n", a.n))
		}
	}
	return strings.Join(parts, c["unit.join"])
}

// Moment is a time to the second on a zone's clock.
func Moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "—"
	}
	return t.In(zone).Format(time.DateTime)
}

// Weekday is a day's name.
func (c Catalog) Weekday(d time.Weekday) string { return c.Say("weekday", strconv.Itoa(int(d))) }

// Day says what kind of day it is, and for which holiday.
func (c Catalog) Day(d enforce.SpecialDay) string {
	key := "special"
	switch {
	case d.Kind == "":
		key = "unknown"
	case d.Name == "":
		key = "ordinary"
	}
	return c.Say("day", key, "date", d.Date, "weekday", c.Weekday(d.Date.Weekday()),
		"kind", c.Say("kind", string(d.Kind)), "name", c.Say("holiday", d.Name))
}

// Window puts a tidal window into words, as it was announced.
func (c Catalog) Window(w enforce.TidalWindow) string {
	whole := c.Say("window", "whole", "hours", c.Hours(w), "days", c.Days(w), "valid", c.valid(w), "announcement", w.Announcement)
	if w.Name != "" {
		return c.Say("window", "named", "name", w.Name, "whole", whole)
	}
	return whole
}

// valid are the first and the last day of a window.
func (c Catalog) valid(w enforce.TidalWindow) string {
	valid := ""
	if !w.FirstDay.IsZero() {
		valid += c.Say("window", "first", "day", w.FirstDay)
	}
	if !w.LastDay.IsZero() {
		valid += c.Say("window", "last", "day", w.LastDay)
	}
	return valid
}

// Limit puts the periods of some hours into words.
func (c Catalog) Limit(l enforce.Limit) string {
	w := enforce.TidalWindow{
		From: l.From, Until: l.Until, Weekdays: l.Weekdays, Kinds: l.Kinds, Days: l.Days,
		FirstDay: l.FirstDay, LastDay: l.LastDay,
	}
	return c.Say("limit", "of_hours", "hours", c.Hours(w), "days", c.Days(w), "valid", c.valid(w),
		"observation", c.Duration(l.ObservationPeriod), "grace", c.Duration(l.Grace))
}

// Hours are the hours of a window.
func (c Catalog) Hours(w enforce.TidalWindow) string {
	key := "day"
	if w.Until <= w.From {
		key = "night"
	}
	return c.Say("window", key, "from", w.From, "until", w.Until)
}

// Days are the days on which a window opens.
func (c Catalog) Days(w enforce.TidalWindow) string {
	var weekdays, kinds, single []string
	for _, d := range w.Weekdays {
		weekdays = append(weekdays, c.Weekday(d))
	}
	for _, k := range w.Kinds {
		kinds = append(kinds, c.Say("kinds", string(k)))
	}
	for _, d := range w.Days {
		single = append(single, d.String())
	}
	join := c["window.join"]
	switch {
	case len(single) > 0:
		return strings.Join(single, join)
	case len(kinds) > 0 && len(weekdays) > 0:
		return c.Say("window", "and", "kinds", strings.Join(kinds, join), "weekdays", strings.Join(weekdays, join))
	case len(kinds)+len(weekdays) > 0:
		return strings.Join(append(kinds, weekdays...), join)
	}
	return c["window.daily"]
}
