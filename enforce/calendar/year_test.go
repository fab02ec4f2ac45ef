package calendar

import (
	"slices"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
)

// offIn2025 and workedIn2025 are the announcement for 2025, day by day.
var (
	offIn2025 = []string{
		"2025-01-01",
		"2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-01", "2025-02-02", "2025-02-03", "2025-02-04",
		"2025-04-04", "2025-04-05", "2025-04-06",
		"2025-05-01", "2025-05-02", "2025-05-03", "2025-05-04", "2025-05-05",
		"2025-05-31", "2025-06-01", "2025-06-02",
		"2025-10-01", "2025-10-02", "2025-10-03", "2025-10-04", "2025-10-05", "2025-10-06", "2025-10-07", "2025-10-08",
	}
	workedIn2025 = []string{"2025-01-26", "2025-02-08", "2025-04-27", "2025-09-28", "2025-10-11"}
)

func kindIn2025(d enforce.Date) enforce.DayKind {
	weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
	switch {
	case slices.Contains(offIn2025, d.String()):
		return enforce.StatutoryHoliday
	case slices.Contains(workedIn2025, d.String()):
		return enforce.AdjustedWorkday
	case weekend:
		return enforce.RestDay
	}
	return enforce.Workday
}

// A year of stops, one in every hour, under a rule for each kind of day: a
// night that begins on a day of its kind permits until the morning after.
func TestAYearOfHolidaysIsJudgedAsAnnounced(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	zone := enforce.Zone{Polygon: enforce.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}}
	for _, kind := range enforce.DayKinds {
		t.Run(string(kind), func(t *testing.T) {
			policy := enforce.NewPolicy(enforce.RoadSection{
				ID: "road", Location: shanghai, ObservationPeriod: 5 * time.Minute, Calendar: Builtin(),
				Windows: []enforce.TidalWindow{{Announcement: "a", From: 19 * 60, Until: 7 * 60, Kinds: []enforce.DayKind{kind}}},
			})
			judged := 0
			for day := date(t, "2025-01-02"); day.Before(date(t, "2025-12-29")); day = day.AddDays(1) {
				for hour := range 24 {
					start := day.Midnight(shanghai).Add(time.Duration(hour)*time.Hour + 10*time.Minute)
					stop := enforce.StopRecord{
						Start: start.UTC(), End: start.UTC().Add(40 * time.Minute),
						Class: detect.Car, Box: detect.Box{X: .4, Y: .4, W: .2, H: .2},
					}
					night := day
					if hour < 7 {
						night = day.AddDays(-1)
					}
					permitted := (hour < 7 || hour >= 19) && kindIn2025(night) == kind
					if v := policy.JudgeRecord(stop, zone); v.Suspected == permitted {
						t.Fatalf("%s %02d:10, %s: suspected %v: %+v", day, hour, kindIn2025(night), v.Suspected, v.Reasons)
					}
					judged++
				}
			}
			if judged < 360*24 {
				t.Errorf("only %d stops", judged)
			}
		})
	}
}

// Every day of every year that is known is of exactly one kind, and a weekend
// that is worked lies within two weeks of a holiday.
func TestEveryKnownDayIsOfOneKind(t *testing.T) {
	c := Builtin()
	for day := date(t, "2002-01-01"); day.Year <= c.Years[len(c.Years)-1]; day = day.AddDays(1) {
		special, known := c.Day(day)
		if !known {
			if day.Month != time.December {
				t.Errorf("%s is not known", day)
			}
			continue
		}
		kinds := 0
		for _, kind := range enforce.DayKinds {
			if c.Might(day, []enforce.DayKind{kind}) {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%s is of %d kinds", day, kinds)
		}
		if special.Kind == enforce.AdjustedWorkday && !nearHoliday(c, day) {
			t.Errorf("%s is worked for no holiday", day)
		}
	}
}

func nearHoliday(c enforce.Calendar, day enforce.Date) bool {
	for n := -14; n <= 14; n++ {
		if d, _ := c.Day(day.AddDays(n)); d.Kind == enforce.StatutoryHoliday {
			return true
		}
	}
	return false
}
