package enforce

import (
	"fmt"
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
func (c Clock) on(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), int(c)/60, int(c)%60, 0, 0, day.Location())
}

// TidalWindow is announced time in which kerb parking is permitted. From is
// inclusive, Until exclusive; a window whose Until is not after its From runs
// over midnight into the next day.
type TidalWindow struct {
	Announcement string         `json:"announcement"` // number of the announcement that permits it
	From         Clock          `json:"from"`         // in the section's time zone, as Until
	Until        Clock          `json:"until"`
	Weekdays     []time.Weekday `json:"weekdays,omitempty"` // days on which it begins, Sunday 0; none means every day
	FirstDay     time.Time      `json:"first_day,omitzero"` // first day on which it begins; zero: since ever
	LastDay      time.Time      `json:"last_day,omitzero"`  // last day on which it begins; zero: for ever
}

// Span is a stretch of time: From inclusive, Until exclusive.
type Span struct {
	From, Until time.Time
}

// beginningOn returns the window's span that begins on a day (midnight in the
// section's zone), and false if none does.
func (w TidalWindow) beginningOn(day time.Time) (Span, bool) {
	if len(w.Weekdays) > 0 && !slices.Contains(w.Weekdays, day.Weekday()) {
		return Span{}, false
	}
	if !w.FirstDay.IsZero() && dateBefore(day, w.FirstDay) || !w.LastDay.IsZero() && dateBefore(w.LastDay, day) {
		return Span{}, false
	}
	end := day
	if w.Until <= w.From {
		end = day.AddDate(0, 0, 1)
	}
	return Span{w.From.on(day), w.Until.on(end)}, true
}

// dateBefore compares calendar days as written, whatever their zones.
func dateBefore(a, b time.Time) bool {
	ay, am, ad := a.Date()
	by, bm, bd := b.Date()
	return time.Date(ay, am, ad, 0, 0, 0, 0, time.UTC).Before(time.Date(by, bm, bd, 0, 0, 0, 0, time.UTC))
}

// midnight is the start of the day that t falls on in its own location.
func midnight(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
