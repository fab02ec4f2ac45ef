package enforce

import (
	"cmp"
	"fmt"
	"time"
)

// Date is a calendar day, in whatever zone it is read. The zero Date is none.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf is the day that t falls on in its own location.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// ParseDate reads a day such as 2026-01-31.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("day %q: want one such as 2026-01-31", s)
	}
	return DateOf(t), nil
}

// IsZero reports whether d is none.
func (d Date) IsZero() bool { return d == Date{} }

// Midnight is the start of the day in a location.
func (d Date) Midnight(l *time.Location) time.Time { return Clock(0).on(d, l) }

// AddDays is the day n days later, earlier where n is negative.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

// Compare is negative where d is before e, and positive where it is after.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Before reports whether d is before e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText writes YYYY-MM-DD, and nothing for the zero Date.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads YYYY-MM-DD. Cases of before wrote the day's midnight in
// UTC, which is read as well.
func (d *Date) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = Date{}
		return nil
	}
	if t, err := time.Parse(time.RFC3339, string(text)); err == nil {
		*d = DateOf(t)
		return nil
	}
	*d, err = ParseDate(string(text))
	return err
}
