package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewatch/cmd/tidewatch/config"
)

// heard is what a command writes to stderr and stdout.
func heard(t *testing.T, run func() error) (text string, err error) {
	t.Helper()
	read, write, pipeErr := os.Pipe()
	if pipeErr != nil {
		t.Fatal(pipeErr)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = write, write
	said := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(read)
		said <- string(all)
	}()
	err = run()
	os.Stdout, os.Stderr = stdout, stderr
	write.Close()
	return <-said, err
}

const checked = `
cameras:
  - {id: gate, url: "rtsp://192.0.2.1/gate", username: tidewatch, password_env: TIDEWATCH_TEST_UNSET}
sections:
  - {id: road, observation_period: 5m}
zones:
  - {id: kerb, camera: gate, section: road, polygon: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]]}
`

func TestCheckConfig(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "list.csv")
	if err := os.WriteFile(list, []byte("kind,plate,reference\nresident,川A1234,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const unset = "note: FILE:3: cameras[0].password_env: environment variable TIDEWATCH_TEST_UNSET is not set"
	long := strings.Replace(checked, "5m", "2h", 1)
	for name, test := range map[string]struct {
		text  string
		cmd   checkConfigCmd
		says  []string
		fails string
	}{
		"without its secrets": {checked, checkConfigCmd{}, []string{unset, "FILE: ok (cameras: 1, sections: 1, zones: 1)"}, ""},
		"notes and --strict":  {checked, checkConfigCmd{Strict: true}, []string{unset, ": ok"}, ""},
		"with its secrets":    {checked, checkConfigCmd{Secrets: true}, nil, "FILE:3: cameras[0].password_env: environment variable TIDEWATCH_TEST_UNSET is not set"},
		"a warning":           {long, checkConfigCmd{}, []string{"tidewatch: warning: FILE:5: sections[0].observation_period: 2h: is longer than 1h", ": ok"}, ""},
		"a warning, strictly": {long, checkConfigCmd{Strict: true}, []string{"warning: FILE:5"}, "there are warnings, which --strict takes for mistakes"},
		"a broken list":       {checked + "exemptions: {file: " + list + "}\n", checkConfigCmd{}, []string{unset}, list + ":2: plate: no known kind of plate is written like this"},
		"a dump":              {checked, checkConfigCmd{Dump: true}, []string{unset, "time_zone: Asia/Shanghai"}, ""},
		"a dump with a warning, strictly": {
			long, checkConfigCmd{Strict: true, Dump: true}, []string{"warning"}, "--strict",
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.cmd.Config = filepath.Join(t.TempDir(), "tidewatch.yaml")
			if err := os.WriteFile(test.cmd.Config, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := heard(t, test.cmd.Run)
			for _, want := range test.says {
				if want = strings.ReplaceAll(want, "FILE", test.cmd.Config); !strings.Contains(text, want) {
					t.Errorf("said\n%s\nwant %q", text, want)
				}
			}
			fails := strings.ReplaceAll(test.fails, "FILE", test.cmd.Config)
			if (err == nil) != (fails == "") || err != nil && !strings.Contains(err.Error(), fails) {
				t.Errorf("error %v, want %q", err, fails)
			}
			if err != nil && strings.Contains(text, ": ok") {
				t.Errorf("ok is said of what fails:\n%s", text)
			}
		})
	}
}

// Commands that do without the list of exempt vehicles work with a broken one,
// or without, and say so.
func TestCommandsWithoutTheListOfExemptVehicles(t *testing.T) {
	dir := t.TempDir()
	broken, missing := filepath.Join(dir, "broken.csv"), filepath.Join(dir, "missing.csv")
	if err := os.WriteFile(broken, []byte("kind,plate,reference\nresident,川A1234,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	picture := blackPicture(t, dir)
	for name, test := range map[string]struct{ list, says string }{
		"broken":  {broken, "broken.csv:2: plate: "},
		"missing": {missing, "missing.csv: no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			flags := configFlag{Config: fileOf(t, checked+"exemptions: {file: "+test.list+"}\n")}
			draw := zonesDrawCmd{Picture: picture, configFlag: flags, Output: filepath.Join(t.TempDir(), "out.jpg")}
			explain := policyExplainCmd{configFlag: flags, At: "2026-03-02 20:00", Language: "en"}
			for _, run := range []func() error{func() error { return draw.Run(t.Context()) }, explain.Run} {
				text, err := heard(t, run)
				if err != nil || !strings.Contains(text, "note: the list of exempt vehicles cannot be read, and is not needed here") || !strings.Contains(text, test.says) || strings.Contains(text, "A1234") {
					t.Errorf("%v, said\n%s", err, text)
				}
			}
		})
	}
}

// Nobody who starts from the example is warned of it.
func TestTheShippedExampleIsStrictlyRight(t *testing.T) {
	cfg, err := config.Check(example, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range cfg.Warnings(dayOf(t, "2026-03-02")) {
		if !strings.Contains(warning, "what kind of day") { // its holidays lie in another file
			t.Error(warning)
		}
	}
}

func dayOf(t *testing.T, day string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
