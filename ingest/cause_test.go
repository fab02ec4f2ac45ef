package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCauseOfAnError(t *testing.T) {
	stalled := NewFault(Stalled, "for", 10*time.Second)
	for name, each := range map[string]struct {
		err  error
		want Cause
	}{
		"none":              {nil, Because(EndedByCamera)},
		"a fault":           {stalled, Because(Stalled, "for", 10*time.Second)},
		"a fault within":    {fmt.Errorf("pull camera %q: %w", "kerb", stalled), Because(Stalled, "for", 10*time.Second)},
		"another's":         {errors.New("cable pulled"), Because(OtherFault, "error", "cable pulled")},
		"with another fact": {&Fault{stalled.With("host", "a")}, Because(Stalled, "host", "a", "for", 10*time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(each.want, CauseOf(each.err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFaultsAreTheSameByTheirCode(t *testing.T) {
	err := fmt.Errorf("pull: %w", NewFault(Stalled, "host", "10.0.0.7:554", "for", 10*time.Second))
	if !errors.Is(err, NewFault(Stalled)) || errors.Is(err, NewFault(NoKeyFrame)) || errors.Is(err, errors.New("stalled")) {
		t.Errorf("%v is told from others wrongly", err)
	}
	if want := "pull: stalled host=10.0.0.7:554 for=10s"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestFactsForPrograms(t *testing.T) {
	got := Because(FewPictures, "rate", 3.5, "by", 1500*time.Millisecond, "host", "a", "heights", map[string]int{"east": 12}).Values()
	want := map[string]any{"rate": 3.5, "by_seconds": 1.5, "host": "a", "heights": map[string]int{"east": 12}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATroubleIsLoggedWithItsFacts(t *testing.T) {
	for name, each := range map[string]struct {
		words func(Cause) string
		want  string
	}{
		"without words": {nil, `msg="camera trouble" about=clock state=degraded cause=clock_fast by=7s` + "\n"},
		"in words": {
			func(c Cause) string { return "said of " + string(c.Code) },
			`msg="camera trouble" about=clock state=degraded cause=clock_fast by=7s why="said of clock_fast"` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			m, _ := newMonitor(slog.New(slog.NewTextHandler(&logged, nil)))
			m.Words = each.words
			m.Clear(TroubleStream)
			m.Report(TroubleClock, Degraded, Because(ClockFast, "by", 7*time.Second))
			if !strings.HasSuffix(logged.String(), each.want) {
				t.Errorf("logged %swant %s", logged.String(), each.want)
			}
		})
	}
}

func TestVendors(t *testing.T) {
	for manufacturer, want := range map[string]Vendor{
		"HIKVISION": Hikvision, "Hikvision Digital Technology": Hikvision, "海康威视": Hikvision,
		"Dahua": Dahua, "Zhejiang Dahua Vision": Dahua, "UNIVIEW": Uniview, "UNV": Uniview,
		"": "", "Kerbcam": "", "Axis Communications AB": "",
	} {
		if got := VendorOf(manufacturer); got != want {
			t.Errorf("%q is taken for %q, want %q", manufacturer, got, want)
		}
	}
}
