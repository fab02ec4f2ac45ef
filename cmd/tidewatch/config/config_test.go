package config

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
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
		"device ID": {
			strings.Replace(small, "{id: gate,", "{id: gate, device_id: '123',", 1),
			[]string{`t.yaml:3: cameras[0].device_id: "123": want 20 digits`},
		},
		"password variable not set": {
			strings.Replace(small, "{id: gate,", "{id: gate, password_env: GATE,", 1),
			[]string{"t.yaml:3: cameras[0].password_env: environment variable GATE is not set"},
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
				`t.yaml:5: sections[0].windows[0].from: time of day "7:00": want HH:MM, 00:00 to 24:00`,
				`t.yaml:5: sections[0].windows[0].until: time of day "25:00": want HH:MM, 00:00 to 24:00`,
				`t.yaml:5: sections[0].windows[0].first_day: "2026-02-30": want a day such as 2026-01-31`,
				"t.yaml:5: sections[0].windows[0].announcement: is missing: a window permits only what was announced under a number",
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
	want := []enforce.Zone{c.Zones[0]}
	if diff := cmp.Diff(want, c.ZonesOf("east-gate")); diff != "" {
		t.Error(diff)
	}

	if got := c.BaysOf("east-gate"); len(got) != 2 || got[0].ID != "east-gate-1" || len(c.BaysOf("west-gate")) != 0 {
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
	if again.Policies["jianshe-road"][0].ID != c.Policies["jianshe-road"][0].ID {
		t.Error("the dump makes another policy")
	}
	if diff := cmp.Diff(c.Bays, again.Bays); diff != "" {
		t.Errorf("bays of the dump (-want +got):\n%s", diff)
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
	for _, want := range []string{"clock_tolerance: 2s", `code: "1039"`, "time_zone: Asia/Shanghai", "database: tidewatch", "keep: 12s", "before: 7s", "after: 3s", "vehicles: motor", "family: yolox"} {
		if !strings.Contains(string(dumped), want) {
			t.Errorf("%q is not in the dump:\n%s", want, dumped)
		}
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
