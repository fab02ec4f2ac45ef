package enforce

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// Clock is a time of day, as minutes since midnight: 0 to 1440, where 1440
// ("24:00") is the end of the day.
type Clock int

// ParseClock reads "HH:MM", 00:00 to 24:00.
func ParseClock(s string) (Clock, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return 0, fmt.Errorf("time of day %q: want HH:MM, 00:00 to 24:00", s)
	}
	return Clock(t.Hour()*60 + t.Minute()), nil
}

// MarshalText writes HH:MM.
func (c Clock) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads HH:MM.
func (c *Clock) UnmarshalText(text []byte) (err error) {
	*c, err = ParseClock(string(text))
	return err
}

func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// on is the moment at which the clock shows c on a day. Where daylight saving
// skips it, the moment the clocks jump to counts, as in time.Date.
func (c Clock) on(d Date, l *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, int(c)/60, int(c)%60, 0, 0, l)
}

// TidalWindow is announced time in which orderly kerb parking is permitted.
// From is inclusive, Until exclusive; a window whose Until is not after its
// From runs over midnight into the next day. It opens on the days that every
// restriction allows: what is left empty restricts nothing.
type TidalWindow struct {
	Announcement string         `json:"announcement"`   // number of the announcement that permits it
	Name         string         `json:"name,omitempty"` // such as that of an event
	From         Clock          `json:"from"`           // in the section's time zone, as Until
	Until        Clock          `json:"until"`
	Weekdays     []time.Weekday `json:"weekdays,omitempty"` // days on which it begins, Sunday 0
	Kinds        []DayKind      `json:"kinds,omitempty"`    // kinds of day on which it begins
	Days         []Date         `json:"days,omitempty"`     // single days on which it begins
	FirstDay     Date           `json:"first_day,omitzero"` // first day on which it begins
	LastDay      Date           `json:"last_day,omitzero"`  // last day on which it begins
}

func (w TidalWindow) hours() Hours {
	return Hours{w.From, w.Until, w.Weekdays, w.Kinds, w.Days, w.FirstDay, w.LastDay}
}

// Hours are hours of some days, as TidalWindow has them.
type Hours struct {
	From, Until       Clock
	Weekdays          []time.Weekday
	Kinds             []DayKind
	Days              []Date
	FirstDay, LastDay Date
}

// Span is a stretch of time: From inclusive, Until exclusive.
type Span struct {
	From, Until time.Time
}

// touches reports whether two spans have a moment in common.
func (s Span) touches(o Span) bool { return s.Until.After(o.From) && s.From.Before(o.Until) }

// holds reports whether a moment lies in the span.
func (s Span) holds(t time.Time) bool { return !t.Before(s.From) && t.Before(s.Until) }

// widened is the span, longer by d on both sides.
func (s Span) widened(d time.Duration) Span { return Span{s.From.Add(-d), s.Until.Add(d)} }

// beginningOn is the span of the hours that begin on a day.
func (h Hours) beginningOn(d face) Span {
	if h.Until <= h.From {
		return Span{d.at(h.From), d.after(h.Until)}
	}
	return Span{d.at(h.From), d.at(h.Until)}
}

// announcedFor reports whether the hours may begin on a day, whatever kind of
// day it is.
func (h Hours) announcedFor(d Date) bool {
	return (len(h.Weekdays) == 0 || slices.Contains(h.Weekdays, d.Weekday())) &&
		(len(h.Days) == 0 || slices.Contains(h.Days, d)) &&
		(h.FirstDay.IsZero() || !d.Before(h.FirstDay)) &&
		(h.LastDay.IsZero() || !h.LastDay.Before(d))
}

// face is a day on the clocks of a place, where reading them for many windows
// is cheap: on nearly every day they go evenly from midnight to midnight.
type face struct {
	Date
	location *time.Location
	midnight [3]time.Time // of the day and of the two after it
}

func faceOf(d Date, l *time.Location) face {
	f := face{Date: d, location: l}
	for i := range f.midnight {
		f.midnight[i] = d.AddDays(i).Midnight(l)
	}
	return f
}

// next is the day after.
func (f face) next() face {
	d := f.AddDays(1)
	return face{d, f.location, [3]time.Time{f.midnight[1], f.midnight[2], d.AddDays(2).Midnight(f.location)}}
}

// at is the moment at which the clocks show c on the day.
func (f face) at(c Clock) time.Time {
	if f.midnight[1].Sub(f.midnight[0]) == 24*time.Hour {
		return f.midnight[0].Add(time.Duration(c) * time.Minute)
	}
	return c.on(f.Date, f.location)
}

// after is the moment at which they show c on the next day. Where a place has
// left out a day, as Samoa did, midnights are even by chance: two must be.
func (f face) after(c Clock) time.Time {
	if f.midnight[2].Sub(f.midnight[1]) == 24*time.Hour && f.midnight[1].Sub(f.midnight[0]) == 24*time.Hour {
		return f.midnight[1].Add(time.Duration(c) * time.Minute)
	}
	return c.on(f.AddDays(1), f.location)
}

// facesOf are the days on which something may begin that touches a span: from
// two days before, since it may run over midnight.
func facesOf(span Span, l *time.Location) iter.Seq[face] {
	return func(yield func(face) bool) {
		last := DateOf(span.Until.In(l))
		for day := faceOf(DateOf(span.From.In(l)).AddDays(-2), l); !last.Before(day.Date); day = day.next() {
			if !yield(day) {
				return
			}
		}
	}
}

// Suspension takes back, for a while, what was announced: windows do not
// permit between From and Until.
type Suspension struct {
	Announcement string    `json:"announcement"`       // number of the announcement that suspends
	Suspends     string    `json:"suspends,omitempty"` // the one that it suspends; empty: all of the section's
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
}

// concerns reports whether a window is suspended.
func (s Suspension) concerns(w TidalWindow) bool {
	return s.Suspends == "" || s.Suspends == w.Announcement
}

// without is what a suspension leaves of a span.
func (s Span) without(cut Span) []Span {
	if !s.touches(cut) {
		return []Span{s}
	}
	var left []Span
	if s.From.Before(cut.From) {
		left = append(left, Span{s.From, cut.From})
	}
	if cut.Until.Before(s.Until) {
		left = append(left, Span{cut.Until, s.Until})
	}
	return left
}
