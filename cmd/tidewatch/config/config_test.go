package config

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/enforce/calendar"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/police/viid"
	"tidewatch/ingest"
)

const small = `
cameras:
  - {id: gate, url: "rtsp://127.0.0.1/gate"}
sections:
  - {id: road, observation_period: 5m}
zones:
  - {id: kerb, camera: gate, section: road, polygon: [[0, 0], [1, 0], [1, 1]]}
`

func noEnvironment(string) (string, bool) { return "", false }

func TestSecretsNeverAppearInErrors(t *testing.T) {
	_, err := Parse("t.yaml", []byte(strings.Replace(small, "rtsp://", "gopher://root:hunter2@", 1)), noEnvironment)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error = %v", err)
	}
}

func TestShippedExampleIsValidAndDumpsToItself(t *testing.T) {
	const path = "../../../deploy/tidewatch.example.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secret := func(name string) (string, bool) { return "s3cret-" + name, true }
	c, err := Parse(path, text, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Cameras[0].Password; got != "s3cret-EAST_GATE_PASSWORD" {
		t.Errorf("camera password = %q", got)
	}
	camera := c.Cameras[0]
	if camera.Section != "jianshe-road" || camera.SubURL == "" || camera.Transport != ingest.TransportAuto || camera.FrameInterval != 40*time.Millisecond {
		t.Errorf("camera = %+v", camera)
	}
	section := c.Policies["jianshe-road"][0].Section
	if section.Windows[0].From != 19*60 || section.Grace != 10*time.Minute {
		t.Errorf("section = %+v", section)
	}
	if got := c.Policies["jianshe-road"]; len(got) != 2 || len(got[1].Section.Suspensions) != 1 || len(got[1].Section.Limits) != 1 {
		t.Errorf("versions = %+v", got)
	}
	want := []enforce.Zone{c.Zones[0]}
	if diff := cmp.Diff(want, c.ZonesOf("east-gate")); diff != "" {
		t.Error(diff)
	}

	if got := c.BaysOf("east-gate"); len(got) != 3 || got[0].ID != "east-gate-1" || len(c.Zones[0].Bays) != 3 || len(c.BaysOf("west-gate")) != 0 {
		t.Errorf("bays = %+v", got)
	}

	dumped, err := c.Dump()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(dumped), "s3cret") {
		t.Error("the dump holds a secret")
	}
	again, err := Parse("dump", dumped, secret)
	if err != nil {
		t.Fatalf("dump does not parse: %v\n%s", err, dumped)
	}
	for i, p := range c.Policies["jianshe-road"] {
		if again.Policies["jianshe-road"][i].ID != p.ID {
			t.Error("the dump makes another policy")
		}
	}
	if diff := cmp.Diff(c.Bays, again.Bays); diff != "" {
		t.Errorf("bays of the dump (-want +got):\n%s", diff)
	}
}

// What the shipped example says of exemptions, the scale and trials.
func TestShippedExemptionsAndScale(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/tidewatch.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), "# exemptions:", "exemptions:", 1)
	with = strings.Replace(with, "#   file: exemptions.csv", "  file: ../../../deploy/exemptions.example.csv", 1)
	with = strings.ReplaceAll(with, "\n#   ", "\n  ")
	c, err := Parse("t.yaml", []byte(with), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Exemptions == nil || c.Exemptions.Reload != 10*time.Second || c.Exemptions.Rules.Location.String() != "Asia/Shanghai" {
		t.Errorf("exemptions = %+v", c.Exemptions)
	}
	section := c.Policies["jianshe-road"][1].Section
	want := &enforce.Discretion{
		Announcement: "成城管法〔2026〕5号", FirstWithinDays: 365, MinorWithin: 5 * time.Minute, RepeatWithinDays: 90, EscalateAt: 3,
	}
	if diff := cmp.Diff(want, section.Discretion); diff != "" || section.AgainAfter != 24*time.Hour || len(section.ExemptClasses) != 1 {
		t.Errorf("section %+v, scale (-want +got):\n%s", section, diff)
	}
	if c.Zones[0].Trial {
		t.Error("the zone of the example is in its trial")
	}
	trial, err := Parse("t.yaml", []byte(strings.Replace(small, "{id: kerb,", "{id: kerb, trial: true,", 1)), nil)
	if err != nil || !trial.Zones[0].Trial {
		t.Errorf("a zone on trial: %v", err)
	}
}

func TestDumpShowsDefaults(t *testing.T) {
	c, err := Parse("t.yaml", []byte(small), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	dumped, err := c.Dump()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"clock_tolerance: 2s", `code: "1039"`, "time_zone: Asia/Shanghai", "database: tidewatch", "keep: 12s", "before: 7s", "after: 3s", "vehicles: motor", "family: yolox", "clock_error: 1s"} {
		if !strings.Contains(string(dumped), want) {
			t.Errorf("%q is not in the dump:\n%s", want, dumped)
		}
	}
}

func TestAZoneHasItsBays(t *testing.T) {
	c, err := Parse("t.yaml", []byte(small+`
  - {id: far, camera: gate, section: road, polygon: [[0, 0.1], [0, 1], [0.9, 1]]}
bays:
  - {id: near, camera: gate, polygon: [[0.6, 0.1], [0.9, 0.1], [0.9, 0.4]]}
  - {id: both, camera: gate, kind: crossing, polygon: [[0.3, 0.6], [0.6, 0.3], [0.7, 0.4], [0.4, 0.7]]}
  - {id: one, camera: gate, zone: far, polygon: [[0, 0.4], [0, 0.8], [0.2, 0.8]]}
`), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, z := range c.Zones {
		for _, b := range z.Bays {
			got[z.ID] = append(got[z.ID], b.ID)
		}
	}
	if diff := cmp.Diff(map[string][]string{"kerb": {"near", "both"}, "far": {"both", "one"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWarnings(t *testing.T) {
	const kinds = "windows: [{announcement: a, from: '19:00', until: '07:00', kinds: [workday]}], observation_period: 5m"
	for name, test := range map[string]struct {
		today, want string
		section     string
	}{
		"all known":             {"2025-06-01", "", kinds},
		"nothing depends on it": {"2026-06-01", "", "observation_period: 5m"},
		"the year ends":         {"2025-12-02", "2025-12-29", kinds},
		"unknown":               {"2026-06-01", "2026-06-01", kinds},
		"from another version on": {
			"2026-06-01", "2026-06-20",
			"observation_period: 5m}\n  - {id: road, effective: 2026-06-20, " + kinds,
		},
		"only in a version that is over": {
			"2026-06-01", "",
			kinds + "}\n  - {id: road, effective: 2026-05-01, observation_period: 5m",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("t.yaml", []byte(strings.Replace(small, "observation_period: 5m", test.section, 1)), noEnvironment)
			if err != nil {
				t.Fatal(err)
			}
			today, err := time.Parse(time.DateOnly, test.today)
			if err != nil {
				t.Fatal(err)
			}
			got := c.Warnings(today)
			if (len(got) == 0) != (test.want == "") || test.want != "" && !strings.Contains(got[0], test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestShippedHolidaysAreKnown(t *testing.T) {
	c, err := Parse("t.yaml", []byte(small+"holidays: ../../../deploy/holidays.example.yaml\n"), noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[enforce.DayKind]int{}
	for _, d := range c.Calendar.Days {
		if d.Date.Year == 2026 {
			kinds[d.Kind]++
		}
	}
	// As many as the announcement counts: 3+9+3+5+3+3+7 days off, 6 worked.
	if diff := cmp.Diff(map[enforce.DayKind]int{enforce.StatutoryHoliday: 33, enforce.AdjustedWorkday: 6}, kinds); diff != "" {
		t.Errorf("days of 2026 (-want +got):\n%s", diff)
	}
	if !c.Calendar.Knows(enforce.Date{Year: 2025, Month: 12, Day: 31}) || c.Calendar.Knows(enforce.Date{Year: 2026, Month: 12, Day: 31}) {
		t.Error("a year's last days are known with the next year")
	}
}

func FuzzParseHolidays(f *testing.F) {
	f.Add("years: [2026]\ndays:\n  - {first_day: 2026-01-01, kind: statutory_holiday}\n")
	f.Add("days: [{first_day: 2025-05-10, last_day: 2025-05-11, kind: rest_day, name: a}]")
	f.Fuzz(func(t *testing.T, text string) {
		known := calendar.Builtin()
		over, err := parseHolidays("h.yaml", []byte(text), known)
		if err != nil {
			return
		}
		put := calendar.Apply(known, over)
		for i := range put.Days {
			if i > 0 && !put.Days[i-1].Date.Before(put.Days[i].Date) || !slices.Contains(put.Years, put.Days[i].Date.Year) {
				t.Fatalf("%+v is out of order or of an unknown year", put.Days[i])
			}
		}
	})
}

func TestPicturesForThePolice(t *testing.T) {
	const police = "police:\n  url: http://x\n  device_id: '51010800001190000001'\n"
	for name, test := range map[string]struct {
		text string
		want viid.Pictures
	}{
		"not said": {"", viid.DefaultConfig().Pictures},
		"said": {
			"  pictures: {send: [composite], marked: false, max_bytes: 500000, max_side: '1920'}\n",
			viid.Pictures{Send: []viid.Picture{viid.Composite}, Limits: overlay.Limits{Bytes: 500000, Side: 1920}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("t.yaml", []byte(small+police+test.text), noEnvironment)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.Police.Pictures); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(small)
	f.Add("cameras: {}\nzones: [[[")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f.yaml", []byte(text), noEnvironment)
		if (c == nil) == (err == nil) {
			t.Errorf("config %v, error %v", c, err)
		}
	})
}
