package onvif

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/ingest/simonvif"
)

// telling answers the question for the clock with a time that is told as UTC and
// as local time.
func telling(offset time.Duration, zone string) func(*simonvif.Config) {
	return func(cfg *simonvif.Config) {
		cfg.Instead = map[string]http.HandlerFunc{"GetSystemDateAndTime": func(w http.ResponseWriter, _ *http.Request) {
			now := time.Now().UTC().Add(offset)
			told := fmt.Sprintf("<Time><Hour>%d</Hour><Minute>%d</Minute><Second>%d</Second></Time><Date><Year>%d</Year><Month>%d</Month><Day>%d</Day></Date>",
				now.Hour(), now.Minute(), now.Second(), now.Year(), now.Month(), now.Day())
			fmt.Fprint(w, soap("<r><SystemDateAndTime><TimeZone><TZ>"+zone+"</TZ></TimeZone><UTCDateTime>"+told+
				"</UTCDateTime><LocalDateTime>"+told+"</LocalDateTime></SystemDateAndTime></r>"))
		}}
	}
}

// TestDiscoverDoubtsATime asks devices that tell another time than the one by
// which they check accounts.
func TestDiscoverDoubtsATime(t *testing.T) {
	for _, test := range []struct {
		name     string
		device   func(*simonvif.Config)
		password string
		problems []string
		told     time.Duration // clock error
		asked    int
	}{
		{
			"local time as UTC, summer time or not", telling(8*time.Hour, "CST-8"), password,
			[]string{trouble(StepClock, errLocalTime)},
			0, 2,
		},
		{
			"local time as UTC, west of it", telling(-5*time.Hour, "COT5"), password,
			[]string{trouble(StepClock, errLocalTime)},
			0, 2,
		},
		{
			"another time altogether", telling(3*time.Hour, "CST-8"), password,
			[]string{trouble(StepClock, errTwoTimes)},
			3 * time.Hour, 2,
		},
		{
			"local time as UTC, and a wrong password", telling(8*time.Hour, "CST-8"), "wrong",
			[]string{trouble(StepInformation, errBothClocks), trouble(StepStreams, errSpared)},
			8 * time.Hour, 2,
		},
		{"both told as UTC", telling(0, "CST-8"), password, nil, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulated := gate()
			test.device(&simulated)
			device := serve(t, simulated)
			cfg := near(device)
			cfg.Password = test.password
			cameras := discover(t, cfg)
			if len(cameras) != 1 || cameras[0].Clock == nil {
				t.Fatalf("found %+v", cameras)
			}
			c := cameras[0]
			if diff := cmp.Diff(test.problems, problems(c)); diff != "" {
				t.Error(diff)
			}
			if off := c.Clock.Error - test.told; off.Abs() > c.Clock.Uncertainty+time.Second {
				t.Errorf("clock error %s, want %s", c.Clock, test.told)
			}
			if n := device.Asked("GetDeviceInformation"); n != test.asked {
				t.Errorf("asked with the account %d times, want %d", n, test.asked)
			}
		})
	}
}
