package calendar

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
)

func date(t *testing.T, s string) enforce.Date {
	t.Helper()
	d, err := enforce.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The announcement for 2025 (国办发明电〔2024〕12号), every day of it.
func TestTheYear2025AsAnnounced(t *testing.T) {
	c := Builtin()
	for day := date(t, "2025-01-01"); day.Before(date(t, "2025-12-29")); day = day.AddDays(1) {
		if got, known := c.Day(day); got.Kind != kindIn2025(day) || !known {
			t.Errorf("%s is a %q, known: %v; want %s", day, got.Kind, known, kindIn2025(day))
		}
	}
	for day, name := range map[string]string{
		"2025-01-01": "元旦", "2025-01-28": "春节", "2025-04-04": "清明节", "2025-05-01": "劳动节", "2025-05-31": "端午节",
		"2025-10-01": "国庆节、中秋节", "2025-09-28": "国庆节、中秋节",
	} {
		if got, _ := c.Day(date(t, day)); got.Name != name {
			t.Errorf("%s is %q, want %q", day, got.Name, name)
		}
	}
}

func TestWhatTheLibraryKnows(t *testing.T) {
	c := Builtin()
	if c.Years[0] != 2002 {
		t.Errorf("the first year is %d: of 2001 only two days are listed", c.Years[0])
	}
	for i, d := range c.Days {
		if i > 0 && !c.Days[i-1].Date.Before(d.Date) {
			t.Errorf("%s is out of order", d.Date)
		}
		if d.Kind == enforce.AdjustedWorkday && !weekend(d.Date) {
			t.Errorf("%s is worked for %s and is no weekend", d.Date, d.Name)
		}
	}
	// The New Year of 2019 was announced to begin in 2018.
	if d, known := c.Day(date(t, "2018-12-29")); !known || d.Kind != enforce.AdjustedWorkday {
		t.Errorf("2018-12-29: %+v, known: %v", d, known)
	}
}

func TestApply(t *testing.T) {
	known := enforce.Calendar{Years: []int{2024, 2025}, Days: []enforce.SpecialDay{
		{Date: date(t, "2024-01-01"), Kind: enforce.StatutoryHoliday, Name: "元旦"},
		{Date: date(t, "2025-01-01"), Kind: enforce.StatutoryHoliday, Name: "元旦"},
		{Date: date(t, "2025-01-26"), Kind: enforce.AdjustedWorkday, Name: "春节"},
	}}
	for name, test := range map[string]struct {
		over Override
		want enforce.Calendar
	}{
		"nothing": {Override{}, known},
		"another year": {
			Override{Years: []int{2026}, Days: []enforce.SpecialDay{{Date: date(t, "2026-01-01"), Kind: enforce.StatutoryHoliday, Name: "元旦"}}},
			enforce.Calendar{Years: []int{2024, 2025, 2026}, Days: append(known.Days[:3:3],
				enforce.SpecialDay{Date: date(t, "2026-01-01"), Kind: enforce.StatutoryHoliday, Name: "元旦"})},
		},
		"a year told whole": {
			Override{Years: []int{2025}, Days: []enforce.SpecialDay{{Date: date(t, "2025-01-02"), Kind: enforce.StatutoryHoliday}}},
			enforce.Calendar{Years: []int{2024, 2025}, Days: []enforce.SpecialDay{
				known.Days[0], {Date: date(t, "2025-01-02"), Kind: enforce.StatutoryHoliday},
			}},
		},
		"a day taken back": {
			Override{Days: []enforce.SpecialDay{{Date: date(t, "2025-01-26"), Kind: enforce.RestDay}}},
			enforce.Calendar{Years: []int{2024, 2025}, Days: known.Days[:2]},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Apply(known, test.over)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnknownDays(t *testing.T) {
	c := enforce.Calendar{Years: []int{2024, 2025}}
	for name, test := range map[string]struct{ from, until, want string }{
		"all known":                        {"2024-06-01", "2025-06-01", ""},
		"the end of the last year":         {"2025-12-01", "2026-02-01", "2025-12-29"},
		"before, the next year being told": {"2024-12-29", "2025-01-01", ""},
		"a year beyond":                    {"2027-01-01", "2027-01-02", "2027-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			got := Unknown(c, date(t, test.from), date(t, test.until))
			if got.IsZero() != (test.want == "") || test.want != "" && got.String() != test.want {
				t.Errorf("got %s, want %q", got, test.want)
			}
		})
	}
}
