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

func TestMistakesAreNamedWithLineAndPath(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty file": {"", []string{"t.yaml: cameras: at least one camera is needed"}},
		"unknown field": {
			strings.Replace(small, "{id: gate,", "{id: gate, colour: red,", 1),
			[]string{"t.yaml:3: cameras[0].colour: unknown field"},
		},
		"unknown fields and others at once": {
			strings.NewReplacer("rtsp://", "http://", "observation_period", "grase: 1m, observation_period").Replace(small) + "zone: {}\n",
			[]string{
				"t.yaml:5: sections[0].grase: unknown field",
				"t.yaml:8: zone: unknown field",
				"t.yaml:3: cameras[0].url: scheme must be rtsp or rtsps",
			},
		},
		"wrong kinds of value": {
			"listen: {a: b}\nsecure_cookies: maybe\ncameras: gate\nsections:\n- windows: [1]\nzones:\n- polygon: [[0, zero], 1]\n",
			[]string{
				"t.yaml:1: listen: want a single value",
				"t.yaml:2: secure_cookies: want true or false",
				"t.yaml:3: cameras: want a list: [A, B], or lines that begin with a dash",
				"t.yaml:5: sections[0].windows[0]: want fields, each on a line of its own: NAME: VALUE",
				"t.yaml:7: zones[0].polygon[0][1]: want a number",
				"t.yaml:7: zones[0].polygon[1]: want a list: [A, B], or lines that begin with a dash",
			},
		},
		"two documents":     {small + "---\n" + small, []string{"t.yaml: holds more than one document, separated by ---"}},
		"not fields at all": {"- a\n", []string{"t.yaml: want fields, each on a line of its own: NAME: VALUE"}},
		"broken yaml":       {"cameras: [", []string{"t.yaml:1: sequence end token ']' not found"}},
		"wrong scheme": {
			strings.Replace(small, "rtsp://", "http://", 1),
			[]string{"t.yaml:3: cameras[0].url: scheme must be rtsp or rtsps"},
		},
		"credentials in the address": {
			strings.Replace(small, "rtsp://", "rtsp://root:secret@", 1),
			[]string{"t.yaml:3: cameras[0].url: must not hold credentials: use username and password_env or password_file"},
		},
		"clock tolerance": {
			strings.Replace(small, "{id: gate,", "{id: gate, clock_tolerance: 1m,", 1),
			[]string{"t.yaml:3: cameras[0].clock_tolerance: 1m: must be at most 30s; set the camera's clock instead"},
		},
		"clip longer than what is kept": {
			small + "ring: {keep: 20s}\nclip: {before: 15s, after: 4s}\n",
			[]string{"t.yaml:8: ring.keep: 20s: must be at least 21s for clips of 15s before and 4s after"},
		},
		"clip longer than what is kept by default": {
			small + "clip:\n  before: 20s\n",
			[]string{"t.yaml: ring.keep: 12s: must be at least 25s for clips of 20s before and 3s after"},
		},
		"clip": {
			small + "clip:\n  before: 0s\n  after: 1m\n",
			[]string{
				"t.yaml:9: clip.before: 0s: must be at least 1s",
				"t.yaml:10: clip.after: 1m: must be at most 10s: the case waits for it",
			},
		},
		"smaller stream": {
			strings.Replace(small, "{id: gate,", "{id: gate, sub_url: 'rtsp://root:secret@127.0.0.1/sub',", 1),
			[]string{"t.yaml:3: cameras[0].sub_url: must not hold credentials: use username and password_env or password_file"},
		},
		"transport": {
			strings.Replace(small, "{id: gate,", "{id: gate, transport: carrier-pigeon,", 1),
			[]string{`t.yaml:3: cameras[0].transport: "carrier-pigeon": want auto, tcp or udp`},
		},
		"video in the open": {
			strings.NewReplacer("{id: gate,", "{id: gate, transport: udp,", "rtsp:", "rtsps:").Replace(small),
			[]string{"t.yaml:3: cameras[0].transport: udp would carry the video of an rtsps camera in the open: use tcp"},
		},
		"authority that is not there": {
			strings.NewReplacer("{id: gate,", "{id: gate, ca_file: testdata/none.pem,", "rtsp:", "rtsps:").Replace(small),
			[]string{"t.yaml:3: cameras[0].ca_file: open testdata/none.pem: no such file or directory"},
		},
		"authority that is none": {
			strings.NewReplacer("{id: gate,", "{id: gate, ca_file: config_test.go,", "rtsp:", "rtsps:").Replace(small),
			[]string{"t.yaml:3: cameras[0].ca_file: config_test.go holds no certificate in PEM"},
		},
		"frame interval": {
			strings.Replace(small, "{id: gate,", "{id: gate, frame_interval: 25,", 1),
			[]string{`t.yaml:3: cameras[0].frame_interval: "25": want a duration such as 90s or 5m`},
		},
		"section of a camera": {
			strings.Replace(small, "{id: gate,", "{id: gate, section: nowhere,", 1),
			[]string{`t.yaml:3: cameras[0].section: "nowhere": no such section`},
		},
		"confinement of a server": {
			small + "\nclickhouse: {address: 'db.example:9000', allow_unconfined: true}\n",
			[]string{"t.yaml:9: clickhouse.allow_unconfined: is for the embedded engine alone: remove it, or clickhouse.address"},
		},
		"device ID": {
			strings.Replace(small, "{id: gate,", "{id: gate, device_id: '123',", 1),
			[]string{`t.yaml:3: cameras[0].device_id: "123": want 20 digits`},
		},
		"password variable not set": {
			strings.Replace(small, "{id: gate,", "{id: gate, password_env: GATE,", 1),
			[]string{"t.yaml:3: cameras[0].password_env: environment variable GATE is not set"},
		},
		"classes, later violations and the scale": {
			strings.Replace(small, "observation_period: 5m}",
				"observation_period: 5m, exempt_classes: [bus, tram], again_after: 5m, discretion: {first_within_days: a year, minor_within: -1m}}", 1),
			[]string{
				`t.yaml:5: sections[0].exempt_classes[1]: "tram": want car, bus, truck, motorcycle or bicycle`,
				"t.yaml:5: sections[0].again_after: 5m: must be at least 1h0m0s",
				`t.yaml:5: sections[0].discretion.first_within_days: "a year": want a whole number`,
				"t.yaml:5: sections[0].discretion.minor_within: -1m: must be at least 0s",
			},
		},
		"a scale that means nothing": {
			strings.Replace(small, "observation_period: 5m}", "observation_period: 5m, discretion: {announcement: '1', escalate_at: 3}}", 1),
			[]string{"t.yaml:5: sections[0].discretion: escalate_at counts violations in repeat_within_days, which is missing"},
		},
		"a scale that nobody announced": {
			strings.Replace(small, "observation_period: 5m}", "observation_period: 5m, discretion: {first_within_days: 100}}", 1),
			[]string{"t.yaml:5: sections[0].discretion: announcement is missing: a scale must have been announced under a number"},
		},
		"exemptions without a file": {
			small + "exemptions:\n  time_zone: Mars\n  reload: 1ms\n",
			[]string{
				`t.yaml:9: exemptions.time_zone: "Mars": want an IANA name such as Asia/Shanghai`,
				"t.yaml:10: exemptions.reload: 1ms: must be at least 1s",
				"t.yaml:9: exemptions.file: is missing: which list of exempt vehicles?",
			},
		},
		"exemptions in no file": {
			small + "exemptions:\n  file: testdata/none.csv\n",
			[]string{"t.yaml:9: exemptions.file: open testdata/none.csv: no such file or directory"},
		},
		"exemptions with mistakes": {
			small + "exemptions:\n  file: testdata/exemptions.csv\n",
			[]string{
				"testdata/exemptions.csv:3: sections: entry 1 of them: no such section",
				"testdata/exemptions.csv:4: plate: no known kind of plate is written like this",
			},
		},
		"several at once, in order of the file": {
			"cameras:\n- id: A\n  url: rtsp://x\nsections:\n- id: road\n  observation_period: 1s\nzones:\n" +
				"- id: kerb\n  camera: b\n  section: c\n  polygon: [[0, 0], [2, 1]]\n",
			[]string{
				`t.yaml:2: cameras[0].id: "A": want 1 to 63 of a-z, 0-9, - and _`,
				"t.yaml:6: sections[0].observation_period: 1s: must be at least 3s",
				`t.yaml:9: zones[0].camera: "b": no such camera`,
				`t.yaml:10: zones[0].section: "c": no such section`,
				"t.yaml:11: zones[0].polygon[1]: want [x, y], each 0 to 1 of the picture's width and height",
				"t.yaml:11: zones[0].polygon: want at least three points around an area",
			},
		},
		"bays": {
			small + "bays:\n- {id: b1, camera: gate, polygon: [[0, 0], [1, 0], [1, 1]]}\n- {id: b1, camera: yard, polygon: [[0, 0], [1, -1]]}\n",
			[]string{
				`t.yaml:10: bays[1].id: "b1": already used above`,
				`t.yaml:10: bays[1].camera: "yard": no such camera`,
				"t.yaml:10: bays[1].polygon[1]: want [x, y], each 0 to 1 of the picture's width and height",
				"t.yaml:10: bays[1].polygon: want at least three points around an area",
			},
		},
		"kinds of bay": {
			small + `bays:
- {id: b1, camera: gate, zone: yard, polygon: [[0, 0], [1, 0], [1, 1]], arrow: [1]}
- {id: b2, camera: gate, kind: pavement, polygon: [[0, 0], [1, 0], [1, 1]]}
- {id: b3, camera: gate, kind: crossing, polygon: [[0, 0], [1, 0], [1, 1]], arrow: [0, 1]}
`,
			[]string{
				`t.yaml:9: bays[0].zone: "yard": the bay's camera has no such zone`,
				"t.yaml:9: bays[0].arrow: want [x, y]: how far right and down the arrow points in the picture",
				`t.yaml:10: bays[1].kind: "pavement": want bay, crossing or fire_lane`,
				"t.yaml:11: bays[2].arrow: only a bay has an arrow",
			},
		},
		"days of a window": {
			strings.Replace(small, "observation_period: 5m",
				"observation_period: 5m, windows: [{announcement: a, from: '07:00', until: '07:00', kinds: [sunday], days: [tomorrow], first_day: 2026-02-02, last_day: 2026-02-01}]", 1),
			[]string{
				"t.yaml:5: sections[0].windows[0].until: is the same as from; write 00:00 to 24:00 for a whole day",
				"t.yaml:5: sections[0].windows[0].last_day: 2026-02-01 is before first_day 2026-02-02",
				`t.yaml:5: sections[0].windows[0].kinds[0]: "sunday": want workday, rest_day, statutory_holiday or adjusted_workday`,
				`t.yaml:5: sections[0].windows[0].days[0]: "tomorrow": want a day such as 2026-01-31`,
			},
		},
		"limits": {
			strings.Replace(small, "observation_period: 5m",
				"observation_period: 5m, clock_error: 2m, limits: [{from: '17:00', until: '19:00'}, {observation_period: 1s, grace: -1s}]", 1),
			[]string{
				"t.yaml:5: sections[0].clock_error: 2m: must be at most 1m0s; set this machine's clock instead",
				"t.yaml:5: sections[0].limits[0].observation_period: is missing: how long may a vehicle stand in these hours?",
				"t.yaml:5: sections[0].limits[1].observation_period: 1s: must be at least 3s",
				"t.yaml:5: sections[0].limits[1].grace: -1s: must be at least 0s",
			},
		},
		"suspensions": {
			strings.Replace(small, "observation_period: 5m",
				"observation_period: 5m, suspensions: [{suspends: b, from: 2026-05-01, until: 2026-05-01 12:00}, {announcement: c, from: 2026-05-02 00:00, until: 2026-05-01 24:00}]", 1),
			[]string{
				"t.yaml:5: sections[0].suspensions[0].announcement: is missing: what was announced is suspended only by another announcement",
				`t.yaml:5: sections[0].suspensions[0].suspends: "b": no window of the section was announced under this number`,
				`t.yaml:5: sections[0].suspensions[0].from: "2026-05-01": want a day and a time such as 2026-05-01 00:00`,
				"t.yaml:5: sections[0].suspensions[1].until: 2026-05-01 24:00 is not after from 2026-05-02 00:00",
			},
		},
		"geometry": {
			strings.Replace(small, "observation_period: 5m", "observation_period: 5m, geometry: {type: Point, coordinates: [[200, 0]]}", 1),
			[]string{
				`t.yaml:5: sections[0].geometry.type: "Point": want LineString or Polygon`,
				"t.yaml:5: sections[0].geometry.coordinates[0]: want [longitude, latitude] in degrees (WGS-84)",
			},
		},
		"the same section twice": {
			strings.Replace(small, "zones:", "  - {id: road, effective: 2026-01-01, observation_period: 5m}\n  - {id: road, effective: 2026-01-01, observation_period: 6m}\nzones:", 1),
			[]string{`t.yaml:7: sections[2].id: "road": already used above; another version of a section needs another effective day`},
		},
		"holidays that are not there": {
			small + "holidays: none.yaml\n",
			[]string{"t.yaml:8: holidays: open none.yaml: no such file or directory"},
		},
		"holidays with mistakes": {
			small + "holidays: testdata/holidays.yaml\n",
			[]string{
				`testdata/holidays.yaml:1: years[0]: "next": want a year such as 2026`,
				"testdata/holidays.yaml:3: days[0].first_day: nothing is known of 2027: tell it whole and add it to years",
				`testdata/holidays.yaml:4: days[1].kind: "holiday": want workday, rest_day, statutory_holiday or adjusted_workday`,
				"testdata/holidays.yaml:5: days[2].last_day: want a day from 2025-05-01 on, at most 31 days later",
				"testdata/holidays.yaml:6: days[3].kind: 2025-05-05 is a Monday: want workday or statutory_holiday",
				"testdata/holidays.yaml:7: days[4].kind: 2025-05-10 is a Saturday: want adjusted_workday if it is worked",
			},
		},
		"height of vehicles": {
			strings.Replace(small, "{id: kerb,", "{id: kerb, vehicle_height: 0,", 1),
			[]string{"t.yaml:7: zones[0].vehicle_height: want a share of the picture's height: more than 0, at most 1"},
		},
		"detector": {
			small + "detector: {family: yolo, model: no-such-file.onnx}\n",
			[]string{
				`t.yaml:8: detector.family: "yolo": want yolox or yolov8`,
				"t.yaml:8: detector.model: stat no-such-file.onnx: no such file or directory",
			},
		},
		"detector that is no file": {
			small + "detector: {model: /}\n",
			[]string{"t.yaml:8: detector.model: /: is not a file"},
		},
		"kind of vehicle": {
			strings.Replace(small, "{id: kerb,", "{id: kerb, vehicles: bikes,", 1),
			[]string{`t.yaml:7: zones[0].vehicles: "bikes": want motor, non_motor or all`},
		},
		"window": {
			strings.Replace(small, "observation_period: 5m", "observation_period: 5m, windows: [{from: '7:00', until: '25:00', weekdays: [someday], first_day: 2026-02-30}]", 1),
			[]string{
				"t.yaml:5: sections[0].windows[0].announcement: is missing: a window permits only what was announced under a number",
				`t.yaml:5: sections[0].windows[0].from: time of day "7:00": want HH:MM, 00:00 to 24:00`,
				`t.yaml:5: sections[0].windows[0].until: time of day "25:00": want HH:MM, 00:00 to 24:00`,
				`t.yaml:5: sections[0].windows[0].first_day: "2026-02-30": want a day such as 2026-01-31`,
				`t.yaml:5: sections[0].windows[0].weekdays[0]: "someday": want mon, tue, wed, thu, fri, sat or sun`,
			},
		},
		"missing parts": {
			"cameras:\n- id: gate\nsections:\n- id: road\n",
			[]string{
				"t.yaml:2: cameras[0].url: scheme must be rtsp or rtsps",
				"t.yaml:4: sections[0].observation_period: is missing: how long may a vehicle stand before it is suspected?",
			},
		},
		"police": {
			small + "police: {url: 'ftp://x', device_id: abc}\n",
			[]string{
				"t.yaml:8: police.url: want http://HOST:PORT or https://HOST:PORT, without credentials",
				`t.yaml:8: police.device_id: "abc": want 20 digits`,
			},
		},
		"pictures for the police": {
			small + "police:\n  url: http://x\n  device_id: '51010800001190000001'\n  pictures:\n    send: [scenes, video]\n    max_bytes: 100 KB\n    max_side: 320\n",
			[]string{
				`t.yaml:12: police.pictures.send[1]: "video": want one of [scenes close_up plate composite vehicle]`,
				`t.yaml:13: police.pictures.max_bytes: "100 KB": want a whole number`,
				"t.yaml:14: police.pictures.max_side: 320: must be at least 640",
			},
		},
		"no pictures for the police": {
			small + "police: {url: 'http://x', device_id: '51010800001190000001', pictures: {send: []}}\n",
			[]string{"t.yaml:8: police.pictures.send: at least one kind of picture must be sent, of [scenes close_up plate composite vehicle]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("t.yaml", []byte(test.text), noEnvironment)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

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
  - {id: far, camera: gate, section: road, polygon: [[0, 0], [1, 0], [1, 1]]}
bays:
  - {id: both, camera: gate, polygon: [[0, 0], [1, 0], [1, 1]]}
  - {id: one, camera: gate, zone: far, kind: crossing, polygon: [[0, 0], [1, 0], [1, 1]]}
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
	if diff := cmp.Diff(map[string][]string{"kerb": {"both"}, "far": {"both", "one"}}, got); diff != "" {
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
