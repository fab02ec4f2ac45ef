package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect"
	"tidewatch/enforce"
)

const example = "../../deploy/tidewatch.example.yaml"

// fileOf is a file with some text in it.
func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPolicyExplain(t *testing.T) {
	cfg, err := config.LoadRules(example)
	if err != nil {
		t.Fatal(err)
	}
	first := cfg.Policies["jianshe-road"][0]
	start := time.Date(2026, 3, 2, 2, 0, 0, 0, time.UTC) // a Monday, 10:00
	violation, err := json.Marshal(enforce.Violation{
		ID: "v", Zone: enforce.RefOf(cfg.Zones[0]),
		Stop: enforce.StopRecord{Start: start, End: start.Add(time.Hour), Class: detect.Car, Box: detect.Box{X: .4, Y: .4, W: .1, H: .2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	const stop = `{"start": "2026-03-02T10:00:00+08:00", "end": "2026-03-02T10:05:00+08:00"}`
	for name, test := range map[string]struct {
		cmd  policyExplainCmd
		want []string
	}{
		"a moment of the first version": {
			policyExplainCmd{At: "2026-03-02 20:00", Language: "en"},
			[]string{"version " + first.ID, "open until 2026-03-03 07:00:00", "Outcome: orderly parking is permitted"},
		},
		"a moment of the second": {
			policyExplainCmd{At: "2026-08-14T20:00:00Z", Language: "zh"},
			[]string{"自 2026-07-01 起施行", "时间：2026-08-15 04:00:00"},
		},
		"a stop": {
			policyExplainCmd{Stop: fileOf(t, stop), Language: "en"},
			[]string{"Time: 2026-03-02 10:00:00", "5 min long", "Verdict: suspected"},
		},
		"a stop under another version": {
			policyExplainCmd{Stop: fileOf(t, stop), At: "2026-09-01", Language: "en"},
			[]string{"in force from 2026-07-01", "counts as open on it, in the driver's favour", "Verdict: not suspected"},
		},
		"a stop in a queue": {
			policyExplainCmd{
				Stop: fileOf(t, strings.Replace(stop, "{",
					`{"queued": [{"from": "2026-03-02T10:00:00+08:00", "until": "2026-03-02T10:04:58+08:00"}], `, 1)),
				Language: "en",
			},
			[]string{"It stood in a queue of traffic from 2026-03-02 10:00:00 to 2026-03-02 10:04:58", "Verdict: not suspected"},
		},
		"a stop in a place": {
			policyExplainCmd{
				Stop:     fileOf(t, strings.Replace(stop, "{", `{"box": {"x": 0.01, "y": 0.01, "w": 0.02, "h": 0.02}, `, 1)),
				Language: "en",
			},
			[]string{"does not stand in the zone", "Verdict: not suspected"},
		},
		"a violation": {
			policyExplainCmd{Stop: fileOf(t, string(violation)), Language: "en"},
			[]string{"1 h long", "Verdict: suspected"},
		},
		"a manifest": {
			policyExplainCmd{Stop: fileOf(t, `{"violation": `+string(violation)+`}`), Language: "en"},
			[]string{"1 h long", "Verdict: suspected"},
		},
		"a kept policy": {
			policyExplainCmd{Policy: fileOf(t, string(first.Document())), At: "2030-01-01 20:00", Language: "en"},
			[]string{"version " + first.ID, "not in force on 2030-01-01"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.cmd.Config = example
			said, err := test.cmd.lines()
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if text := strings.Join(said, "\n"); !strings.Contains(text, want) {
					t.Errorf("%q is not in\n%s", want, text)
				}
			}
		})
	}
}

func TestPolicyExplainSaysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		cmd  policyExplainCmd
		want string
	}{
		"no such section": {policyExplainCmd{Section: "x", At: "2026-01-01"}, `no section "x"; name one with --section: jianshe-road`},
		"no time":         {policyExplainCmd{}, "give --at TIME, or a stop with --stop FILE"},
		"not a time":      {policyExplainCmd{At: "noon"}, `--at "noon": want a time such as`},
		"not a stop":      {policyExplainCmd{Stop: fileOf(t, `{"begin": 1}`)}, `unknown field "begin"`},
		"a stop without a time": {
			policyExplainCmd{Stop: fileOf(t, `{}`)}, "start and end must be set",
		},
		"no such zone": {
			policyExplainCmd{Zone: "z", Stop: fileOf(t, `{"start": "2026-03-02T10:00:00Z", "end": "2026-03-02T10:00:00Z", "box": {"x": 0.1, "y": 0, "w": 1, "h": 1}}`)},
			`no zone "z"; name one with --zone: east-gate-kerb`,
		},
		"a policy that was edited": {policyExplainCmd{At: "2026-01-01", Policy: fileOf(t, "{}")}, "read policy"},
	} {
		t.Run(name, func(t *testing.T) {
			test.cmd.Config = example
			_, err := test.cmd.lines()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestPolicyPublish(t *testing.T) {
	cmd := policyPublishCmd{Output: filepath.Join(t.TempDir(), "public"), At: "2026-08-14"}
	cmd.Config = example
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"index.html": "2026-08-27", "sections.geojson": `"from": "2026-08-15T12:00:00+08:00"`} {
		text, err := os.ReadFile(filepath.Join(cmd.Output, name))
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s, %v: %q is not in it", name, err, want)
		}
	}
}
