package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/ingest/onvif"
	"tidewatch/ingest/simonvif"
)

const onvifPassword = "Zebra-crossing-77"

// simulate runs an ONVIF camera until the test ends.
func simulate(t *testing.T, change func(*simonvif.Config)) *simonvif.Device {
	t.Helper()
	cfg := simonvif.Config{
		Listen: "127.0.0.1:0", Discovery: "127.0.0.1:0", Endpoint: "urn:uuid:cea94000-fb96-11b3-8260-0123456789ab",
		Name: "东门: 1", Hardware: "K-7", Manufacturer: "Kerbcam", Model: "K-7 Pro", Firmware: "V5.6",
		ClockOffset: -time.Hour, TimeZone: "CST-8", Username: "officer", Password: onvifPassword, Window: 20 * time.Minute,
		Profiles: []simonvif.Profile{
			{Token: "1", Name: "main", Encoding: "H265", Width: 3840, Height: 2160, FPS: 25, GOP: 50, URI: "rtsp://officer:" + onvifPassword + "@127.0.0.1/main?a=1&b=2"},
			{Token: "2", Name: "pictures", Encoding: "JPEG", Width: 320, Height: 180, FPS: 1, URI: "rtsp://127.0.0.1/pictures"},
			{Token: "3", Name: "sub", Encoding: "H264", Width: 640, Height: 360, FPS: 12, GOP: 24, URI: "rtsp://127.0.0.1/sub"},
		},
	}
	if change != nil {
		change(&cfg)
	}
	device := simonvif.New(cfg, slog.New(slog.DiscardHandler))
	if err := device.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- device.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return device
}

// runDiscover runs the command and returns what it prints and what goes beside
// that.
func runDiscover(t *testing.T, c discoverCmd) (out, progress string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = c.discover(t.Context(), slog.New(slog.NewTextHandler(&stderr, nil)), &stdout, &stderr)
	if all := stdout.String() + stderr.String() + fmt.Sprint(err); strings.Contains(all, onvifPassword) {
		t.Errorf("the password is told:\n%s", all)
	}
	return stdout.String(), stderr.String(), err
}

// asking asks a simulated camera, which answers the probe at once.
func asking(t *testing.T, device *simonvif.Device) discoverCmd {
	t.Helper()
	t.Setenv("GATE_PASSWORD", onvifPassword)
	return discoverCmd{
		Wait: time.Minute, Address: []string{"127.0.0.1"}, port: device.Discovery().Port(),
		Username: "officer", PasswordEnv: "GATE_PASSWORD",
	}
}

func TestDiscoverPrintsALineForEachCamera(t *testing.T) {
	device := simulate(t, nil)
	out, progress, err := runDiscover(t, asking(t, device))
	if err != nil {
		t.Fatal(err)
	}
	var got cameraLine
	if err := json.Unmarshal([]byte(out), &got); err != nil || strings.Count(out, "\n") != 1 {
		t.Fatalf("got %s, want one line: %v", out, err)
	}
	if off := got.ClockError; off == nil || *off > -3590 || *off < -3660 {
		t.Errorf("clock error in %s, want about -3600", out)
	}
	if got.ClockUncertainty == nil || *got.ClockUncertainty < 0.5 {
		t.Errorf("clock uncertainty in %s, want at least 0.5", out)
	}
	got.ClockError, got.ClockUncertainty = nil, nil
	want := cameraLine{
		Address: device.Addr(), Endpoint: "cea94000-fb96-11b3-8260-0123456789ab", Name: "东门: 1", Hardware: "K-7",
		Manufacturer: "Kerbcam", Model: "K-7 Pro", Firmware: "V5.6", TimeZone: "CST-8", NTP: new(true), Errors: []problemLine{},
		Streams: []streamLine{
			{"main", "rtsp://127.0.0.1/main?a=1&b=2", "H265", 3840, 2160, 25, 50},
			{"pictures", "rtsp://127.0.0.1/pictures", "JPEG", 320, 180, 1, 0},
			{"sub", "rtsp://127.0.0.1/sub", "H264", 640, 360, 12, 24},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, want := range []string{"cameras found: 1\n", "The camera's clock is 1 h slow, as by a wrong time zone", "Time zone (Dahua): Setting > System"} {
		if !strings.Contains(progress, want) {
			t.Errorf("got %s, want %q in it", progress, want)
		}
	}
}

func TestDiscoverTellsWhatIsMissing(t *testing.T) {
	device := simulate(t, func(c *simonvif.Config) { c.HideUTC, c.TimeZone, c.ClockOffset = true, "", 0 })
	command := asking(t, device)
	command.Username, command.PasswordEnv = "", ""
	out, progress, err := runDiscover(t, command)
	for _, want := range []string{
		`"clock_error_seconds":null,"clock_uncertainty_seconds":null,"time_zone":"","ntp":null,"streams":[],"errors":[{"step":"clock",`,
		`{"step":"information",`, `{"step":"streams",`, "Give those of an account for ONVIF", `"cause":"onvif_no_time"}`,
	} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("got %s and %v, want %s in it", out, err, want)
		}
	}
	if want := "cameras found: 1; give --username"; !strings.Contains(progress, want) {
		t.Errorf("got %s, want %s in it", progress, want)
	}
}

func TestDiscoverFindsNothing(t *testing.T) {
	device := simulate(t, nil)
	command := asking(t, device)
	command.Address, command.Wait = []string{"127.0.0.1:1"}, time.Millisecond
	command.port = 1
	out, progress, err := runDiscover(t, command)
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || out != "" || !strings.Contains(progress, "cameras found: 0; check that ONVIF") {
		t.Errorf("got %q, %q and %v", out, progress, err)
	}
}

func TestDiscoverSpeaksChinese(t *testing.T) {
	device := simulate(t, func(c *simonvif.Config) { c.HideUTC, c.TimeZone = true, "" })
	command := asking(t, device)
	command.Language = "zh"
	out, _, err := runDiscover(t, command)
	if want := "既不报告 UTC 时间，也不报告带有可识别时区的本地时间。请设置摄像机的时区"; err != nil || !strings.Contains(out, want) {
		t.Errorf("got %s and %v, want %s in it", out, err, want)
	}
	command.Address, command.Wait, command.port = []string{"127.0.0.1:1"}, time.Millisecond, 1
	_, _, err = runDiscover(t, command)
	if want := "127.0.0.1:1 拒绝连接。"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s in it", err, want)
	}
}

func TestDiscoverTellsWhereAVendorsClockIsSet(t *testing.T) {
	device := simulate(t, func(c *simonvif.Config) { c.Manufacturer = "UNIVIEW" })
	_, progress, err := runDiscover(t, asking(t, device))
	if want := "  NTP (Uniview): Setup > System > Time"; err != nil || !strings.Contains(progress, want) || strings.Contains(progress, "Hikvision") {
		t.Errorf("got %s and %v, want %s in it, and no other vendor", progress, err, want)
	}
}

func TestDiscoverPrintsAConfiguration(t *testing.T) {
	device := simulate(t, func(c *simonvif.Config) { c.Manufacturer = "HIKVISION" })
	command := asking(t, device)
	command.YAML = true
	out, _, err := runDiscover(t, command)
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(device.Addr(), ":")
	want := `cameras:
  - id: camera-127-0-0-1-` + port + `
    name: "东门: 1"
    vendor: hikvision
    url: rtsp://127.0.0.1/main?a=1&b=2
    sub_url: rtsp://127.0.0.1/sub
    username: officer
    password_env: GATE_PASSWORD
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPrintedConfigurationCanBeUsed(t *testing.T) {
	stream := func(host string) []onvif.Stream {
		return []onvif.Stream{{Profile: "main", URL: "rtsp://" + host + "/a#", Codec: "H264"}}
	}
	cameras := []onvif.Camera{
		{Address: "192.0.2.1", Name: "gate: \"1\" # \u0085east\nurl: rtsp://evil\u202e", Streams: stream("192.0.2.1")},
		{Address: "192.0.2.1", Model: "- K: 7", Streams: stream("192.0.2.3")}, // the same address
		{Address: "fe80::1%eth0", Streams: stream("[fe80::1]")},
		{Address: strings.Repeat("long.", 30) + "example:8080", Streams: stream("long.example")},
		{Address: "192.0.2.2", Streams: []onvif.Stream{{URL: "rtsp://192.0.2.2/", Codec: "JPEG"}}},
	}
	var out bytes.Buffer
	command := discoverCmd{Username: "yes", PasswordEnv: "GATE_PASSWORD"}
	if err := command.writeYAML(&out, cameras); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Parse("printed", out.Bytes(), nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out.String())
	}
	var got []string
	for _, c := range cfg.Cameras {
		got = append(got, fmt.Sprintf("%s %q %s %s", c.ID, c.Name, c.URL, c.Username))
	}
	want := []string{
		`camera-192-0-2-1 "gate: \"1\" #  east url: rtsp://evil" rtsp://192.0.2.1/a# yes`,
		`camera-192-0-2-1-2 "- K: 7" rtsp://192.0.2.3/a# yes`,
		`camera-fe80-1-eth0 "camera-fe80-1-eth0" rtsp://[fe80::1]/a# yes`,
		`camera-long-long-long-long-long-long-long-long-long-long "camera-long-long-long-long-long-long-long-long-long-long" rtsp://long.example/a# yes`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !strings.Contains(out.String(), "\n  # 192.0.2.2: no stream of H.264") {
		t.Errorf("got\n%s, want the camera without a stream told", out.String())
	}
}

func TestDiscoverStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	command := discoverCmd{Wait: time.Hour, Address: []string{"127.0.0.1"}, port: 1}
	if err := command.discover(ctx, slog.New(slog.DiscardHandler), &out, &out); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("got %v and %q, want only %v", err, out.String(), context.Canceled)
	}
}

func TestDiscoverWantsItsPassword(t *testing.T) {
	t.Setenv("GATE_PASSWORD", "")
	_, _, err := runDiscover(t, discoverCmd{Wait: time.Second, Username: "officer", PasswordEnv: "GATE_PASSWORD"})
	if err == nil || !strings.Contains(err.Error(), "GATE_PASSWORD") {
		t.Errorf("got %v, want it to name the variable", err)
	}
}

func TestDiscoverArguments(t *testing.T) {
	for _, test := range []struct{ name, args, want string }{
		{"none", "", ""},
		{"all", "--wait 1s --address a --address b:80 --username u --password-env P --yaml", ""},
		{"interfaces", "--interface eth0 --interface eth1", ""},
		{"two ways", "--interface eth0 --address a", "not both"},
		{"no password", "--username u", "go together"},
		{"no account", "--password-env P", "go together"},
		{"no wait", "--wait 0s", "--wait"},
	} {
		t.Run(test.name, func(t *testing.T) {
			parser, err := kong.New(&commands{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = parser.Parse(append([]string{"cameras", "discover"}, strings.Fields(test.args)...))
			if got := fmt.Sprint(err); test.want == "" && err != nil || !strings.Contains(got, test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}
