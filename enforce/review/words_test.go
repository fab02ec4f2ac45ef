package review

import (
	"errors"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/police"
)

var shanghai = func() *time.Location {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	return zone
}()

func TestReasons(t *testing.T) {
	from, until := time.Date(2026, 3, 9, 23, 0, 0, 0, time.UTC), time.Date(2026, 3, 9, 23, 12, 30, 0, time.UTC)
	all := []struct {
		reason enforce.Reason
		zh, en string
	}{
		{
			enforce.Reason{Code: enforce.OutsideZone},
			"车辆不在禁停区内。",
			"The vehicle does not stand in the zone.",
		},
		{
			enforce.Reason{Code: enforce.NoWindow},
			"停放期间没有任何潮汐允许时段。",
			"No tidal window permitted parking at any time of this stop.",
		},
		{
			enforce.Reason{Code: enforce.InWindow, From: from, Until: until, Announcement: "2026-07"},
			"2026-03-10 07:00:00 至 2026-03-10 07:12:30 在潮汐允许时段内（公告 2026-07）。",
			"From 2026-03-10 07:00:00 to 2026-03-10 07:12:30 parking was permitted (announcement 2026-07).",
		},
		{
			enforce.Reason{Code: enforce.WindowEnded, From: from, Required: 10 * time.Minute},
			"潮汐允许时段于 2026-03-10 07:00:00 结束（公告 （无编号）），车辆未驶离；含宽限在内须在 10分 内驶离。",
			"The tidal window ended at 2026-03-10 07:00:00 (announcement without a number) and the vehicle stayed; " +
				"grace included, it had 10 min to leave.",
		},
		{
			enforce.Reason{Code: enforce.StillObserving, From: from, Until: until, Required: 15 * time.Minute},
			"2026-03-10 07:00:00 起在允许时段之外停放，截至 2026-03-10 07:12:30 未满规定的 15分。",
			"It stands outside the permitted windows since 2026-03-10 07:00:00; by 2026-03-10 07:12:30 " +
				"the required 15 min had not passed.",
		},
		{
			enforce.Reason{Code: enforce.Unseen, From: from, Until: until},
			"2026-03-10 07:00:00 至 2026-03-10 07:12:30 摄像机无法看清现场，该段时间不计入停放时长。",
			"The camera could not see the place from 2026-03-10 07:00:00 to 2026-03-10 07:12:30; that time is not counted.",
		},
		{
			enforce.Reason{Code: enforce.PeriodRanOut, From: from, Until: until, Required: 5 * time.Minute},
			"2026-03-10 07:00:00 至 2026-03-10 07:12:30 在允许时段之外停放，已超过规定的 5分。",
			"It stood from 2026-03-10 07:00:00 to 2026-03-10 07:12:30 outside every permitted window; 5 min is the limit.",
		},
		{
			enforce.Reason{Code: enforce.WholeStopInside},
			"整个停放过程均在允许时段内。",
			"Every moment of the stop was permitted.",
		},
		{enforce.Reason{Code: "written_by_a_newer_version"}, "written_by_a_newer_version", "written_by_a_newer_version"},
	}
	for _, each := range all {
		t.Run(string(each.reason.Code), func(t *testing.T) {
			if got := catalogs[chinese].reason(each.reason, shanghai); got != each.zh {
				t.Errorf("zh: got  %s\nwant %s", got, each.zh)
			}
			if got := catalogs[english].reason(each.reason, shanghai); got != each.en {
				t.Errorf("en: got  %s\nwant %s", got, each.en)
			}
		})
	}
}

// TestCodesHaveWords holds every code that data can bring against the catalog:
// a code that shows as it is has no words.
func TestCodesHaveWords(t *testing.T) {
	codes := map[string][]string{
		"reject":  rejectReasons,
		"outcome": {string(enforce.Void), string(enforce.Repeated)},
		"upload":  {"waiting", "retrying", "accepted", "refused"},
		"actor":   {"camera", "officer", "uploader"},
		"error":   {"400", "403", "404", "500", "400.what", "403.what", "404.what", "500.what"},
		"decide":  {string(enforce.Confirmed), string(enforce.Rejected)},
	}
	for _, kind := range failureKinds {
		codes["failure"] = append(codes["failure"], string(kind))
	}
	add := func(prefix, code string) { codes[prefix] = append(codes[prefix], code) }
	for _, s := range enforce.States {
		add("state", string(s))
		add("empty", string(s))
		add("empty", string(s)+".what")
	}
	for _, class := range []detect.Class{detect.Car, detect.Bus, detect.Truck, detect.Motorcycle, detect.Bicycle} {
		add("class", string(class))
	}
	for _, kind := range []enforce.FileKind{
		enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp, enforce.Clip,
	} {
		add("picture", string(kind))
		add("picture", string(kind)+".what")
	}
	for _, kind := range []enforce.FileKind{
		enforce.Plate, enforce.Composite, enforce.MarkedBegin, enforce.MarkedMiddle, enforce.MarkedDue, enforce.MarkedCloseUp,
		enforce.UnitBegin, enforce.UnitMiddle, enforce.UnitDue, enforce.UnitPlate,
	} {
		add("picture", string(kind))
	}
	for _, e := range []enforce.EventType{
		enforce.Suspected, enforce.StopEnded, enforce.Confirmed, enforce.Rejected, enforce.UploadFailed,
	} {
		add("event", string(e))
	}
	for _, f := range catalogs[english].facts(enforce.Case{}, opened, time.UTC) {
		add("fact", f.Key)
	}
	for prefix, list := range codes {
		for _, code := range list {
			for lang, text := range catalogs {
				if _, known := text[prefix+"."+code]; !known {
					t.Errorf("%s: %s.%s has no words", lang, prefix, code)
				}
			}
		}
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
			if got := catalogs[chinese].duration(each.d); got != each.zh {
				t.Errorf("zh: got %s, want %s", got, each.zh)
			}
			if got := catalogs[english].duration(each.d); got != each.en {
				t.Errorf("en: got %s, want %s", got, each.en)
			}
		})
	}
}

func TestClockError(t *testing.T) {
	for _, each := range []struct {
		name string
		file enforce.File
		want string
	}{
		{"no camera clock", enforce.File{ClockError: time.Hour}, "camera clock unknown, server time shown"},
		{"small", enforce.File{CameraTime: opened, ClockError: -49 * time.Millisecond}, "camera clock exact"},
		{"fast", enforce.File{CameraTime: opened, ClockError: 3 * time.Second}, "camera clock 3 s fast"},
		{"slow", enforce.File{CameraTime: opened, ClockError: -400 * time.Millisecond}, "camera clock 0.4 s slow"},
	} {
		t.Run(each.name, func(t *testing.T) {
			if got := catalogs[english].clockError(each.file); got != each.want {
				t.Errorf("got %q, want %q", got, each.want)
			}
		})
	}
}

func TestRejection(t *testing.T) {
	for recorded, want := range map[string]string{
		"emergency":              "Emergency service on duty",
		"other: seen: by itself": "Other; seen: by itself",
		"free words of old":      "free words of old",
		"unknown: words":         "unknown: words",
	} {
		t.Run(recorded, func(t *testing.T) {
			if got := catalogs[english].rejection(recorded); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

var failureKinds = []police.Kind{
	police.Unreachable, police.Busy, police.Unwelcome, police.Unclear, police.Faulty, police.NoEvidence, police.Other,
}

func TestFailure(t *testing.T) {
	for name, each := range map[string]struct{ recorded, text, raw string }{
		"known kind": {
			(&police.Problem{Kind: police.Busy, Err: errors.New("503: later")}).Error(),
			"Upload attempt 2 failed: the police platform is busy", "503: later",
		},
		"unknown kind": {"strange: words", "Upload attempt 2 failed: another reason", "strange: words"},
		"no kind":      {"words", "Upload attempt 2 failed: another reason", "words"},
		"kind alone":   {"busy", "Upload attempt 2 failed: the police platform is busy", ""},
		"not a kind":   {"raw: words", "Upload attempt 2 failed: another reason", "raw: words"},
	} {
		t.Run(name, func(t *testing.T) {
			text, raw := catalogs[english].failure(enforce.Failure{Attempt: 2, Error: each.recorded})
			if text != each.text || raw != each.raw {
				t.Errorf("got %q, %q; want %q, %q", text, raw, each.text, each.raw)
			}
		})
	}
}

func TestTidied(t *testing.T) {
	for typed, want := range map[string]string{
		" 川a·12345 ": "川A12345", "川Ａ１２３４５": "川A12345", "川A-D 12345": "川AD12345", "　": "", "WJ川1234a": "WJ川1234A",
	} {
		t.Run(typed, func(t *testing.T) {
			if got := tidied(typed); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestSpaced(t *testing.T) {
	for text, want := range map[string]string{
		"川A12345": "川A·12345", "川AD12345": "川A·D12345", "WJ川12345": "WJ川12345", "使123456": "使123456", "川A": "川A", "": "",
	} {
		t.Run(text, func(t *testing.T) {
			if got := spaced(text); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestWindowsAreSaidAsAnnounced(t *testing.T) {
	for name, test := range map[string]struct {
		window enforce.TidalWindow
		want   map[lang]string
	}{
		"every night": {
			enforce.TidalWindow{Announcement: "2026-07", From: 19 * 60, Until: 7 * 60},
			map[lang]string{
				english: "19:00 to 07:00 the next day, every day (announcement 2026-07)",
				chinese: "19:00 至次日 07:00，每天（公告 2026-07）",
			},
		},
		"on some days of one year": {
			enforce.TidalWindow{
				Announcement: "2026-08", From: 12 * 60, Until: 14 * 60, Weekdays: []time.Weekday{time.Saturday, time.Sunday},
				FirstDay: enforce.Date{Year: 2026, Month: 1, Day: 1}, LastDay: enforce.Date{Year: 2026, Month: 12, Day: 31},
			},
			map[lang]string{
				english: "12:00 to 14:00, Sat, Sun, from 2026-01-01, until 2026-12-31 (announcement 2026-08)",
				chinese: "12:00 至 14:00，周六、周日，自 2026-01-01 起，至 2026-12-31 止（公告 2026-08）",
			},
		},
	} {
		for language, want := range test.want {
			t.Run(name+" in "+string(language), func(t *testing.T) {
				if got := catalogs[language].window(test.window); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		}
	}
}
