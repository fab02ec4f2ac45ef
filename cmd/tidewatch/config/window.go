package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewatch/enforce"
)

func (r *resolver) window(path string, y windowYAML) enforce.TidalWindow {
	if y.Announcement == "" {
		r.wrong(path+".announcement", "is missing: a window permits only what was announced under a number")
	}
	h := r.hours(path, y.Hours)
	return enforce.TidalWindow{
		Announcement: string(y.Announcement), Name: string(y.Name), From: h.From, Until: h.Until,
		Weekdays: h.Weekdays, Kinds: h.Kinds, Days: h.Days, FirstDay: h.FirstDay, LastDay: h.LastDay,
	}
}

// hours reads what windows and limits have in common.
func (r *resolver) hours(path string, y hoursYAML) enforce.Hours {
	h := enforce.Hours{
		From: r.clock(path+".from", y.From), Until: r.clock(path+".until", y.Until),
		FirstDay: r.day(path+".first_day", y.FirstDay), LastDay: r.day(path+".last_day", y.LastDay),
	}
	if y.From == y.Until && y.From != "" {
		r.wrong(path+".until", "is the same as from; write 00:00 to 24:00 for a whole day")
	}
	if h.From == 24*60 {
		r.wrong(path+".from", "24:00 is the end of a day; write 00:00")
	}
	if !h.LastDay.IsZero() && h.LastDay.Before(h.FirstDay) {
		r.wrong(path+".last_day", "%s is before first_day %s", y.LastDay, y.FirstDay)
	}
	for i, name := range y.Weekdays {
		day := slices.Index(enforce.WeekdayNames, name)
		if day < 0 {
			r.wrong(fmt.Sprintf("%s.weekdays[%d]", path, i), "%q: want mon, tue, wed, thu, fri, sat or sun", name)
		}
		r.once(fmt.Sprintf("%s.weekdays[%d]", path, i), y.Weekdays, i)
		h.Weekdays = append(h.Weekdays, time.Weekday(max(day, 0)))
	}
	for i, kind := range y.Kinds {
		h.Kinds = append(h.Kinds, r.kind(fmt.Sprintf("%s.kinds[%d]", path, i), kind))
		r.once(fmt.Sprintf("%s.kinds[%d]", path, i), y.Kinds, i)
	}
	for i, day := range y.Days {
		h.Days = append(h.Days, r.someDay(fmt.Sprintf("%s.days[%d]", path, i), day))
		r.once(fmt.Sprintf("%s.days[%d]", path, i), y.Days, i)
	}
	return h
}

// once checks that an entry of a list is not there before.
func (r *resolver) once(path string, list []string, i int) {
	if slices.Contains(list[:i], list[i]) {
		r.wrong(path, "%s: already given above", list[i])
	}
}

func (r *resolver) kind(path, s string) enforce.DayKind {
	kind := enforce.DayKind(s)
	if !slices.Contains(enforce.DayKinds, kind) {
		r.wrong(path, "%q: want workday, rest_day, statutory_holiday or adjusted_workday", s)
	}
	return kind
}

func (r *resolver) clock(path, s string) enforce.Clock {
	c, err := enforce.ParseClock(s)
	switch {
	case s == "":
		r.wrong(path, "is missing: want a time of day such as 19:00")
	case err != nil:
		r.wrong(path, "%v", err)
	}
	return c
}

// Days outside these years are a slip of the pen.
const firstYear, lastYear = 2000, 2099

// day reads a day that may be left out.
func (r *resolver) day(path, s string) enforce.Date {
	if s == "" {
		return enforce.Date{}
	}
	return r.someDay(path, s)
}

func (r *resolver) someDay(path, s string) enforce.Date {
	d, err := enforce.ParseDate(s)
	switch {
	case err != nil:
		r.misread(path, "%q: want a day such as 2026-01-31", s)
	case d.Year < firstYear || d.Year > lastYear:
		r.misread(path, "%s: want a day of the years %d to %d", s, firstYear, lastYear)
	}
	return d
}

// momentForm is how a moment on the section's clock is written.
const momentForm = "2006-01-02 15:04"

func (r *resolver) suspension(path string, y suspensionYAML, s enforce.RoadSection) enforce.Suspension {
	if y.Announcement == "" {
		r.wrong(path+".announcement", "is missing: what was announced is suspended only by another announcement")
	}
	announced := slices.ContainsFunc(s.Windows, func(w enforce.TidalWindow) bool { return w.Announcement == string(y.Suspends) })
	if y.Suspends != "" && !announced && !r.isPartial(parent(path)+".windows") {
		r.wrong(path+".suspends", "%q: no window of the section was announced under this number", y.Suspends)
	}
	mistakes := len(r.mistakes)
	each := enforce.Suspension{
		Announcement: string(y.Announcement), Suspends: string(y.Suspends),
		From: r.moment(path+".from", y.From, s.Location), Until: r.moment(path+".until", y.Until, s.Location),
	}
	if len(r.mistakes) == mistakes && !each.From.Before(each.Until) {
		r.wrong(path+".until", "%s is not after from %s", y.Until, y.From)
	}
	return each
}

// moment reads a moment by a section's clock; 24:00 is the end of its day.
func (r *resolver) moment(path, s string, l *time.Location) time.Time {
	day, clock, _ := strings.Cut(s, " ")
	date, err := enforce.ParseDate(day)
	if err == nil && clock == "24:00" {
		return date.AddDays(1).Midnight(l)
	}
	t, err := time.ParseInLocation(momentForm, s, l)
	if err != nil {
		r.wrong(path, "%q: want a day and a time such as 2026-05-01 00:00", s)
	}
	return t
}
