package config

import (
	"fmt"
	"time"

	"tidewatch/enforce"
)

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

func (r *resolver) window(path string, y windowYAML) enforce.TidalWindow {
	w := enforce.TidalWindow{
		Announcement: y.Announcement,
		From:         r.clock(path+".from", y.From), Until: r.clock(path+".until", y.Until),
		FirstDay: r.day(path+".first_day", y.FirstDay), LastDay: r.day(path+".last_day", y.LastDay),
	}
	if y.Announcement == "" {
		r.wrong(path+".announcement", "is missing: a window permits only what was announced under a number")
	}
	if y.From == y.Until {
		r.wrong(path+".until", "is the same as from; write 00:00 to 24:00 for a whole day")
	}
	if w.From == 24*60 {
		r.wrong(path+".from", "24:00 is the end of a day; write 00:00")
	}
	if !w.LastDay.IsZero() && w.LastDay.Before(w.FirstDay) {
		r.wrong(path+".last_day", "%s is before first_day %s", y.LastDay, y.FirstDay)
	}
	for i, name := range y.Weekdays {
		day, ok := weekdays[name]
		if !ok {
			r.wrong(fmt.Sprintf("%s.weekdays[%d]", path, i), "%q: want mon, tue, wed, thu, fri, sat or sun", name)
		}
		w.Weekdays = append(w.Weekdays, day)
	}
	return w
}

func (r *resolver) clock(path, s string) enforce.Clock {
	c, err := enforce.ParseClock(s)
	if err != nil {
		r.wrong(path, "%v", err)
	}
	return c
}

func (r *resolver) day(path, s string) enforce.Date {
	if s == "" {
		return enforce.Date{}
	}
	d, err := enforce.ParseDate(s)
	if err != nil {
		r.wrong(path, "%q: want a day such as 2026-01-31", s)
	}
	return d
}
