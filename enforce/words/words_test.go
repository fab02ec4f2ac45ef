package words

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
)

var update = flag.Bool("update", false, "write the golden files")

// golden holds text against a file that people read line by line.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

var shanghai = func() *time.Location {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return zone
}()

var placeholder = regexp.MustCompile(`\{[a-z]+\}`)

func TestCatalogsAgree(t *testing.T) {
	zh, en := In(Chinese), In(English)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(zh)), slices.Sorted(maps.Keys(en))); diff != "" {
		t.Errorf("keys of zh and en differ:\n%s", diff)
	}
	for key, text := range zh {
		names := func(s string) []string {
			return slices.Compact(slices.Sorted(slices.Values(placeholder.FindAllString(s, -1))))
		}
		if diff := cmp.Diff(names(text), names(en[key])); diff != "" {
			t.Errorf("names in %q differ:\n%s", key, diff)
		}
	}
}

// Every finding with every fact, in both languages.
func TestReasons(t *testing.T) {
	from := time.Date(2026, 3, 9, 23, 0, 0, 0, time.UTC)
	var said strings.Builder
	for _, code := range append(slices.Clone(enforce.ReasonCodes), "written_by_a_newer_version") {
		r := enforce.Reason{
			Code: code, From: from, Until: from.Add(12*time.Minute + 30*time.Second), Announcement: "2026-07", Suspension: "2026-09",
			Required: 15 * time.Minute, Margin: 2 * time.Second, Bays: []string{"A1", "A2"}, Exemption: enforce.Permit, Count: 2,
			Day: &enforce.SpecialDay{Date: enforce.Date{Year: 2026, Month: 2, Day: 14}, Kind: enforce.AdjustedWorkday, Name: "春节"},
		}
		switch code {
		case enforce.WindowEnded:
			r.Announcement = ""
		case enforce.DayUnannounced:
			r.Day = &enforce.SpecialDay{Date: enforce.Date{Year: 2031, Month: 1, Day: 2}}
		case enforce.OnCrossing, enforce.InFireLane, enforce.WrongDirection, enforce.Orderly:
			r.Bays = r.Bays[:1]
		}
		fmt.Fprintf(&said, "%s\n  %s\n  %s\n", code, In(Chinese).Reason(r, shanghai), In(English).Reason(r, shanghai))
	}
	if left := placeholder.FindString(said.String()); left != "" {
		t.Errorf("%s is not replaced", left)
	}
	golden(t, "reasons.golden", said.String())
}

func TestCodesHaveWords(t *testing.T) {
	codes := map[string]bool{}
	for _, code := range enforce.ReasonCodes {
		codes["reason."+string(code)] = true
	}
	for _, code := range enforce.WindowCodes {
		codes["window_state."+string(code)] = true
	}
	for _, kind := range enforce.DayKinds {
		codes["kind."+string(kind)], codes["kinds."+string(kind)] = true, true
	}
	for _, kind := range enforce.ExemptionKinds {
		codes["exempt_kind."+string(kind)] = true
	}
	for _, code := range enforce.MeasureCodes {
		codes["ground."+string(code)] = true
	}
	for code := range codes {
		if _, known := In(English)[code]; !known {
			t.Errorf("%s has no words", code)
		}
	}
}

func TestTextRefusesWhatItCannotSay(t *testing.T) {
	for name, args := range map[string][]any{
		"unknown key":    {"no.such.key"},
		"name, no value": {"window.day", "from"},
	} {
		t.Run(name, func(t *testing.T) {
			if text, err := In(English).Text(args[0].(string), args[1:]...); err == nil {
				t.Errorf("got %q, want an error", text)
			}
		})
	}
}

// A value that looks like a name is not replaced again.
func TestValuesStayAsTheyAre(t *testing.T) {
	if got := In(English).Say("window", "named", "name", "{whole}", "whole", "w"); got != "{whole}: w" {
		t.Errorf("got %q", got)
	}
}

func TestDuration(t *testing.T) {
	for _, each := range []struct {
		d      time.Duration
		zh, en string
	}{
		{0, "0秒", "0 s"},
		{230 * time.Millisecond, "0.2秒", "0.2 s"},
		{59*time.Second + 600*time.Millisecond, "1分", "1 min"},
		{-90 * time.Second, "1分30秒", "1 min 30 s"},
		{2*time.Hour + 5*time.Second, "2小时", "2 h"},
		{26*time.Hour + 3*time.Minute, "1天2小时", "1 d 2 h"},
	} {
		t.Run(each.d.String(), func(t *testing.T) {
			if got := In(Chinese).Duration(each.d); got != each.zh {
				t.Errorf("zh: got %s, want %s", got, each.zh)
			}
			if got := In(English).Duration(each.d); got != each.en {
				t.Errorf("en: got %s, want %s", got, each.en)
			}
		})
	}
}

func TestWindowsAreSaidAsAnnounced(t *testing.T) {
	for name, test := range map[string]struct {
		window enforce.TidalWindow
		want   map[Language]string
	}{
		"every night": {
			enforce.TidalWindow{Announcement: "2026-07", From: 19 * 60, Until: 7 * 60},
			map[Language]string{
				English: "19:00 to 07:00 the next day, every day (announcement 2026-07)",
				Chinese: "19:00 至次日 07:00，每天（公告 2026-07）",
			},
		},
		"on some days of one year": {
			enforce.TidalWindow{
				Announcement: "2026-08", From: 12 * 60, Until: 14 * 60, Weekdays: []time.Weekday{time.Saturday, time.Sunday},
				FirstDay: enforce.Date{Year: 2026, Month: 1, Day: 1}, LastDay: enforce.Date{Year: 2026, Month: 12, Day: 31},
			},
			map[Language]string{
				English: "12:00 to 14:00, Sat, Sun, from 2026-01-01, until 2026-12-31 (announcement 2026-08)",
				Chinese: "12:00 至 14:00，周六、周日，自 2026-01-01 起，至 2026-12-31 止（公告 2026-08）",
			},
		},
		"an event on single days": {
			enforce.TidalWindow{
				Announcement: "2026-09", Name: "音乐节", From: 12 * 60, Until: 23 * 60,
				Days: []enforce.Date{{Year: 2026, Month: 8, Day: 15}, {Year: 2026, Month: 8, Day: 16}},
			},
			map[Language]string{
				English: "音乐节: 12:00 to 23:00, 2026-08-15, 2026-08-16 (announcement 2026-09)",
				Chinese: "音乐节：12:00 至 23:00，2026-08-15、2026-08-16（公告 2026-09）",
			},
		},
		"by kinds of day": {
			enforce.TidalWindow{
				Announcement: "2026-10", From: 0, Until: 24 * 60, Kinds: []enforce.DayKind{enforce.RestDay, enforce.StatutoryHoliday},
			},
			map[Language]string{
				English: "00:00 to 24:00, rest days, statutory holidays (announcement 2026-10)",
				Chinese: "00:00 至 24:00，休息日、法定节假日（公告 2026-10）",
			},
		},
		"by kinds and days of the week": {
			enforce.TidalWindow{
				Announcement: "2026-11", From: 60, Until: 120, Kinds: []enforce.DayKind{enforce.Workday}, Weekdays: []time.Weekday{time.Friday},
			},
			map[Language]string{
				English: "01:00 to 02:00, Fri of working days (announcement 2026-11)",
				Chinese: "01:00 至 02:00，工作日中的周五（公告 2026-11）",
			},
		},
	} {
		for language, want := range test.want {
			t.Run(name+" in "+string(language), func(t *testing.T) {
				if got := In(language).Window(test.window); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		}
	}
}
