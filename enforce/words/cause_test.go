package words

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/ingest"
)

// facts are what may be met, by name.
var facts = map[string]any{
	"host": "10.20.3.17:554", "status": 453, "error": "read tcp: broken pipe", "for": 10 * time.Second,
	"rate": 12.5, "configured": 25.0, "by": 8 * time.Hour, "percent": 12, "apart": 79 * time.Second,
	"heights": map[string]int{"south": 9, "north": 14},
}

// caused is a cause with all the facts that its code has.
func caused(code ingest.Code) ingest.Cause {
	var pairs []any
	for _, name := range ingest.Causes[code] {
		value := facts[name]
		switch code {
		case ingest.ClockFast, ingest.ClockSlow, ingest.ClockGains, ingest.ClockLoses:
			value = 43 * time.Second
		}
		pairs = append(pairs, name, value)
	}
	return ingest.Because(code, pairs...)
}

func codes() []ingest.Code { return slices.Sorted(maps.Keys(ingest.Causes)) }

// Each cause says all that was measured, and what to do, in each language.
func TestCausesHaveWords(t *testing.T) {
	for language, text := range catalogs {
		for _, code := range codes() {
			what, do := text["cause."+string(code)], text["cause."+string(code)+".do"]
			if what == "" || do == "" {
				t.Errorf("%s: %s is said as %q, what to do as %q", language, code, what, do)
			}
			var named []string
			for _, name := range placeholder.FindAllString(what, -1) {
				named = append(named, strings.Trim(name, "{}"))
			}
			if diff := cmp.Diff(slices.Sorted(slices.Values(ingest.Causes[code])), slices.Sorted(slices.Values(named))); diff != "" {
				t.Errorf("%s: facts in the words of %s (-has +named):\n%s", language, code, diff)
			}
			if left := placeholder.FindString(text.Cause(caused(code)) + do); left != "" {
				t.Errorf("%s: %s of %s is not replaced", language, left, code)
			}
		}
	}
}

// No words are left for a cause that is no more.
func TestWordsHaveCauses(t *testing.T) {
	beside := []string{"cause.whole", "cause.too_small.zone"}
	for key := range catalogs[English] {
		code, found := strings.CutPrefix(strings.TrimSuffix(key, ".do"), "cause.")
		if _, known := ingest.Causes[ingest.Code(code)]; found && !known && !slices.Contains(beside, key) {
			t.Errorf("text %q is of no cause", key)
		}
	}
}

func TestFactsInWords(t *testing.T) {
	for _, each := range []struct{ value, zh, en any }{
		{2300 * time.Millisecond, "2.3秒", "2.3 s"},
		{2 * time.Second, "2秒", "2 s"},
		{92 * time.Second, "1分32秒", "1 min 32 s"},
		{8 * time.Hour, "8小时", "8 h"},
		{12.5, "12.5", "12.5"},
		{3.0, "3", "3"},
		{map[string]int{"south": 9, "north": 14}, "区域 north（高 14 像素）、区域 south（高 9 像素）", "zone north (14 pixels high), zone south (9 pixels high)"},
	} {
		zh, en := catalogs[Chinese].fact(ingest.TooSmall, each.value), catalogs[English].fact(ingest.TooSmall, each.value)
		if zh != each.zh || en != each.en {
			t.Errorf("%v is %q and %q, want %q and %q", each.value, zh, en, each.zh, each.en)
		}
	}
}

func TestNoCauseHasNoWords(t *testing.T) {
	if text := catalogs[English].Cause(ingest.Cause{}); text != "" {
		t.Errorf("got %q", text)
	}
	if text := catalogs[English].Advise(ingest.Because("of_a_newer_version"), "").What; text != "of_a_newer_version" {
		t.Errorf("got %q", text)
	}
}

// A camera whose vendor is known is told of its own menus alone.
func TestMenusOfAVendor(t *testing.T) {
	cause := ingest.Because(ingest.NoKeyFrame, "host", "a", "for", time.Minute)
	for vendor, want := range map[ingest.Vendor][]string{
		"":               {"海康威视", "大华", "宇视", "海康威视", "大华", "宇视"},
		ingest.Hikvision: {"海康威视", "海康威视"},
		ingest.Uniview:   {"宇视", "宇视"},
	} {
		var got []string
		for _, menu := range catalogs[Chinese].Advise(cause, vendor).Menus {
			for _, way := range menu.Ways {
				got = append(got, way.Vendor)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is told of %v, want %v", vendor, got, want)
		}
	}
	if menus := catalogs[Chinese].Advise(ingest.Because(ingest.BasicOnly, "host", "a"), ingest.Dahua).Menus; menus != nil {
		t.Errorf("told %v, whose words in Chinese are not known", menus)
	}
}

func TestMenusAreOfKnownSettingsAndVendors(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(slices.Values(Settings)), slices.Sorted(maps.Keys(paths))); diff != "" {
		t.Errorf("settings (-known +written):\n%s", diff)
	}
	used := map[Setting]bool{}
	for code, wanted := range settings {
		if _, known := ingest.Causes[code]; !known {
			t.Errorf("settings against %q, which is no cause", code)
		}
		for _, s := range wanted {
			used[s] = true
		}
	}
	for setting, ways := range paths {
		if !used[setting] {
			t.Errorf("nothing leads to the setting %s", setting)
		}
		for vendor, path := range ways {
			if !slices.Contains(ingest.Vendors, vendor) || path.English == "" || strings.Contains(path.Chinese+path.English, "  ") {
				t.Errorf("%s of %q: %+v", setting, vendor, path)
			}
		}
	}
	for language, text := range catalogs {
		for _, setting := range Settings {
			if text["setting."+string(setting)] == "" {
				t.Errorf("%s: no words for the setting %s", language, setting)
			}
		}
		for _, vendor := range ingest.Vendors {
			if text["vendor."+string(vendor)] == "" {
				t.Errorf("%s: no words for the vendor %s", language, vendor)
			}
		}
	}
}

// TestTroublesAreDocumented holds docs/troubles.md against the catalogs: every
// sentence in both languages, for a reviewer to read at once.
func TestTroublesAreDocumented(t *testing.T) {
	const file = "../../docs/troubles.md"
	got := documented()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(filepath.FromSlash(file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s is not up to date; run go test ./enforce/words -run Documented -update (-want +got):\n%s", file, diff)
	}
}

func documented() string {
	var page strings.Builder
	page.WriteString(`# What is wrong with a camera, and what to set

Every cause that a camera's page, ` + "`/cameras.json`, `/readyz`" + ` and the log can tell, with examples of what is measured, in both languages as they say it. ` + "`cause`" + ` and ` + "`facts`" + ` are for programs; a name that ends in ` + "`_seconds`" + ` is a length of time. This page is made from the catalogs (` + "`enforce/words/text`" + `); a test fails when it is not. What brings the causes about and what Tidewatch does then is in [faults](faults.md).

| cause | facts | 中文 | English | set |
|---|---|---|---|---|
`)
	for _, code := range codes() {
		cause := caused(code)
		var wanted []string
		for _, s := range settings[code] {
			wanted = append(wanted, fmt.Sprintf("[%s](#menus)", s))
		}
		fmt.Fprintf(&page, "| `%s` | %s | %s | %s | %s |\n", code, strings.Join(slices.Sorted(maps.Keys(cause.Values())), ", "),
			catalogs[Chinese].Cause(cause), catalogs[English].Cause(cause), strings.Join(wanted, ", "))
	}
	page.WriteString(`
## Menus

The ways to these settings in the cameras' own words. Menus differ by model and firmware. *Seen* names the vendor's manual (in English) in which the words were found; a way without one, and every Chinese one, is as these cameras are commonly known and **was not checked against a manual**. A vendor whose way is not known is left out. A camera's ` + "`vendor`" + ` in the configuration (` + "`hikvision`, `dahua`, `uniview`" + `) keeps the others off its page.

| setting | vendor | 中文 | English | seen |
|---|---|---|---|---|
`)
	for _, setting := range Settings {
		for _, vendor := range ingest.Vendors {
			if p, known := paths[setting][vendor]; known {
				fmt.Fprintf(&page, "| `%s` %s | %s | %s | %s | %s |\n", setting, catalogs[Chinese]["setting."+string(setting)],
					catalogs[Chinese]["vendor."+string(vendor)]+" "+catalogs[English]["vendor."+string(vendor)],
					orDash(p.Chinese), p.English, orDash(p.Manual))
			}
		}
	}
	return page.String()
}

func orDash(text string) string {
	if text == "" {
		return "—"
	}
	return text
}
