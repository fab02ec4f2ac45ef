package ingest

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func newMonitor(log *slog.Logger) (*Monitor, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	return NewMonitor(NewMetrics(registry).Camera("kerb"), log, time.Now), registry
}

// Causes of the tests' troubles.
var (
	hourFast = Because(ClockZoneFast, "by", time.Hour)
	covered  = Because(SceneCovered)
	dark     = Because(SceneDark)
	loss     = Because(PacketsLost)
	refused  = Because(ConnectRefused, "host", "10.0.0.7:554")
)

func TestHealthIsTheWorstTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, registry := newMonitor(slog.New(slog.DiscardHandler))
		begin := time.Now()
		later := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
		clock := Trouble{TroubleClock, Degraded, later(2), hourFast}
		for i, step := range []struct {
			name string
			do   func()
			want Health
		}{
			{"nothing yet", func() {}, Health{State: Connecting, Since: begin}},
			{"a picture", func() { m.Clear(TroubleStream) }, Health{State: Live, Since: later(1)}},
			{
				"the clock is off", func() { m.Report(TroubleClock, Degraded, hourFast) },
				Health{Degraded, later(2), hourFast, []Trouble{clock}},
			},
			{
				"a lens is covered as well", func() { m.Report(TroubleScene, Blind, covered) },
				Health{Blind, later(3), covered, []Trouble{{TroubleScene, Blind, later(3), covered}, clock}},
			},
			{
				"the reason changes, the moment does not", func() { m.Report(TroubleScene, Blind, dark) },
				Health{Blind, later(3), dark, []Trouble{{TroubleScene, Blind, later(3), dark}, clock}},
			},
			{
				"what is lost besides changes nothing", func() { m.Report(TroubleDamage, Degraded, loss) },
				Health{Blind, later(3), dark, []Trouble{
					{TroubleScene, Blind, later(3), dark}, {TroubleDamage, Degraded, later(5), loss}, clock,
				}},
			},
			{
				"seen again", func() { m.Clear(TroubleScene); m.Clear(TroubleDamage) },
				Health{Degraded, later(6), hourFast, []Trouble{clock}},
			},
			{"well again", func() { m.Set(false, TroubleClock, Degraded, Cause{}) }, Health{State: Live, Since: later(7)}},
			{"well is not news", func() { m.Clear(TroubleClock) }, Health{State: Live, Since: later(7)}},
			{
				"gone", func() { m.Set(true, TroubleStream, Offline, refused) },
				Health{Offline, later(9), refused, []Trouble{{TroubleStream, Offline, later(9), refused}}},
			},
		} {
			step.do()
			if diff := cmp.Diff(step.want, m.Health()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
			for _, s := range States {
				want := 0.0
				if s == step.want.State {
					want = 1
				}
				if got := testutil.ToFloat64(m.metrics.states[s]); got != want && i > 0 {
					t.Errorf("%s: the metric of state %s is %v", step.name, s, got)
				}
			}
			time.Sleep(time.Second)
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP tidewatch_ingest_trouble 1 while this kind of thing is wrong with the camera, else 0.
# TYPE tidewatch_ingest_trouble gauge
tidewatch_ingest_trouble{camera="kerb",kind="clock"} 0
tidewatch_ingest_trouble{camera="kerb",kind="damage"} 0
tidewatch_ingest_trouble{camera="kerb",kind="decoding"} 0
tidewatch_ingest_trouble{camera="kerb",kind="frame_rate"} 0
tidewatch_ingest_trouble{camera="kerb",kind="key_frames"} 0
tidewatch_ingest_trouble{camera="kerb",kind="media_clock"} 0
tidewatch_ingest_trouble{camera="kerb",kind="program"} 0
tidewatch_ingest_trouble{camera="kerb",kind="scene"} 0
tidewatch_ingest_trouble{camera="kerb",kind="small"} 0
tidewatch_ingest_trouble{camera="kerb",kind="stream"} 1
tidewatch_ingest_trouble{camera="kerb",kind="sub_stream"} 0
`), "tidewatch_ingest_trouble"); err != nil {
			t.Error(err)
		}
	})
}

func TestTroublesAreLoggedAsTheyComeAndGo(t *testing.T) {
	var logged bytes.Buffer
	m, _ := newMonitor(slog.New(slog.NewTextHandler(&logged, nil)))
	m.Clear(TroubleStream)
	for range 100 {
		m.Report(TroubleDamage, Degraded, loss)
	}
	m.Clear(TroubleDamage)
	m.Clear(TroubleDamage)
	if lines := strings.Count(logged.String(), "\n"); lines != 3 {
		t.Errorf("logged %d lines, want one for each change:\n%s", lines, logged.String())
	}
}
