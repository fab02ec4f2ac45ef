package enforce

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

// rush is a section whose limits are shorter from 17:00 to 19:00 of working
// days, and longer on holidays.
func rush(s *RoadSection) {
	s.Windows[0].From = clock("20:00")
	s.Limits = []Limit{
		{Hours{From: clock("17:00"), Until: clock("19:00"), Kinds: []DayKind{Workday}}, 2 * time.Minute, time.Minute},
		{Hours{From: clock("00:00"), Until: clock("24:00"), Kinds: []DayKind{StatutoryHoliday}}, 30 * time.Minute, 30 * time.Minute},
		{Hours{From: clock("06:30"), Until: clock("08:00")}, 3 * time.Minute, 0},
	}
	s.Calendar = Calendar{Years: []int{2026}, Days: []SpecialDay{{Date{2026, 3, 6}, StatutoryHoliday, "x"}}}
}

func TestLimitsOfHours(t *testing.T) {
	unsure := func(s *RoadSection) { rush(s); s.ClockError = 10 * time.Second }
	unknown := func(s *RoadSection) { rush(s); s.Calendar = Calendar{} }
	for name, test := range map[string]struct {
		change     func(*RoadSection)
		start, due string
		end        string
	}{
		"the default":                                {rush, "2026-03-02 12:00:00", "2026-03-02 12:05:00", ""},
		"in the rush hour":                           {rush, "2026-03-02 17:30:00", "2026-03-02 17:32:00", ""},
		"its first second":                           {rush, "2026-03-02 17:00:00", "2026-03-02 17:02:00", ""},
		"a shorter limit begins":                     {rush, "2026-03-02 16:58:30", "2026-03-02 17:02:00", ""},
		"a shorter limit begins too late":            {rush, "2026-03-02 16:56:30", "2026-03-02 17:01:30", ""},
		"its last second":                            {rush, "2026-03-02 18:59:59", "2026-03-02 19:01:59", ""},
		"after its last":                             {rush, "2026-03-02 19:00:00", "2026-03-02 19:05:00", ""},
		"on a Saturday":                              {rush, "2026-03-07 17:30:00", "2026-03-07 17:35:00", ""},
		"on a holiday":                               {rush, "2026-03-06 17:30:00", "2026-03-06 18:00:00", ""},
		"the holiday ends, and its limit":            {rush, "2026-03-06 19:40:00", "", "2026-03-07 06:59:00"},
		"the window ends: that hour's grace":         {rush, "2026-03-02 22:00:00", "2026-03-03 07:03:00", "2026-03-03 07:30:00"},
		"near the rush hour by an unsure clock":      {unsure, "2026-03-02 17:00:05", "2026-03-02 17:02:10", ""},
		"in the rush hour by an unsure clock":        {unsure, "2026-03-02 17:00:10", "2026-03-02 17:02:10", ""},
		"near its end by an unsure clock":            {unsure, "2026-03-02 18:59:50", "2026-03-02 19:04:50", ""},
		"before its end by an unsure clock":          {unsure, "2026-03-02 18:59:49", "2026-03-02 19:01:49", ""},
		"the kind of day is not known: the best one": {unknown, "2026-03-02 17:30:00", "2026-03-02 18:00:00", ""},
	} {
		t.Run(name, func(t *testing.T) {
			stop := StopRecord{Class: detect.Car, Box: onTheKerb, Start: at(shanghai, test.start), End: at(shanghai, test.start).Add(25 * time.Minute)}
			if test.due != "" && !at(shanghai, test.due).Before(stop.End) {
				stop.End = at(shanghai, test.due)
			}
			if test.end != "" {
				stop.End = at(shanghai, test.end)
			}
			v := night(test.change).JudgeRecord(stop, kerb)
			if test.due == "" {
				if v.Suspected {
					t.Errorf("due %v: %+v", v.Due.In(shanghai), v.Reasons)
				}
				return
			}
			if !v.Suspected || !v.Due.Equal(at(shanghai, test.due)) {
				t.Errorf("suspected %v, due %v, want %s: %+v", v.Suspected, v.Due.In(shanghai), test.due, v.Reasons)
			}
			stop.End = v.Due.Add(-time.Second)
			if night(test.change).JudgeRecord(stop, kerb).Suspected {
				t.Error("suspected a second before it is due")
			}
		})
	}
}

// A shorter limit is said, with the hour from which it is counted.
func TestAShorterLimitIsSaid(t *testing.T) {
	stop := StopRecord{Class: detect.Car, Box: onTheKerb, Start: at(shanghai, "2026-03-02 16:58:30"), End: at(shanghai, "2026-03-02 17:10:00")}
	v := night(rush).JudgeRecord(stop, kerb)
	five := at(shanghai, "2026-03-02 17:00:00").UTC()
	want := []Reason{
		{Code: NoWindow},
		{Code: LimitShortened, From: five, Required: 2 * time.Minute},
		{Code: PeriodRanOut, From: five, Until: stop.End.UTC(), Required: 2 * time.Minute},
	}
	if diff := cmp.Diff(want, v.Reasons); diff != "" || !v.Since.Equal(five) {
		t.Errorf("since %v, reasons (-want +got):\n%s", v.Since, diff)
	}
}
