package benchrig

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"
)

func TestUsage(t *testing.T) {
	u := Usage{Seconds: 10, CPU: 2, Bytes: 40e6, Looks: 100, Cameras: 20}
	for name, test := range map[string]struct{ got, want float64 }{
		"share of a core": {u.CPUPerCamera(), 0.01},
		"cameras":         {u.CamerasPerCore(), 100},
		"memory":          {u.Megabytes(), 2},
		"looks":           {u.LooksPerSecond(), 0.5},
		"rounded":         {Round(1.26), 1.3},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

func TestPhasesAreSpreadOverTheFilm(t *testing.T) {
	for camera, want := range []time.Duration{0, 30 * time.Second, time.Minute, 90 * time.Second} {
		if got := Phase(camera, 4, 2*time.Minute); got != want {
			t.Errorf("camera %d is %v later, want %v", camera, got, want)
		}
	}
}

func TestVideosNeedNames(t *testing.T) {
	for _, video := range []string{"", "main", "=file.mp4", "main="} {
		if err := (&CamerasCmd{Count: 1, Videos: []string{video}}).Run(t.Context(), slog.New(slog.DiscardHandler)); err == nil {
			t.Errorf("%q was accepted", video)
		}
	}
	if name, file, err := named("main=/a=b.mp4"); name != "main" || file != "/a=b.mp4" || err != nil {
		t.Errorf("got %q, %q, %v", name, file, err)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	u, err := Measure(t.Context(), time.Nanosecond)
	if err != nil || u.Bytes <= 0 || u.Seconds <= 0 {
		t.Errorf("measured %+v (%v)", u, err)
	}
}
