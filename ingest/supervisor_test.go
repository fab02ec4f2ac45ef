package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// sourceFunc is a scripted camera.
type sourceFunc func(ctx context.Context, emit func(*Unit)) error

func (f sourceFunc) Run(ctx context.Context, emit func(*Unit)) error { return f(ctx, emit) }

var errRefused = fmt.Errorf("pull: %w", NewFault(ConnectRefused))

func newSupervisor(log *slog.Logger) (*Supervisor, *prometheus.Registry) {
	registry := prometheus.NewRegistry()
	metrics := NewMetrics(registry)
	monitor := NewMonitor(metrics.Camera("kerb"), log, time.Now)
	return NewSupervisor(DefaultSupervisorConfig(), Main, monitor, metrics.Stream("kerb", Main), time.Now), registry
}

// attempts runs a supervisor for a while on a source that always fails and
// returns the pauses between its attempts.
func attempts(t *testing.T, during time.Duration, fail func(ctx context.Context) error) []time.Duration {
	t.Helper()
	s, _ := newSupervisor(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	var pauses []time.Duration
	ended := time.Now()
	err := s.Run(ctx, sourceFunc(func(ctx context.Context, _ func(*Unit)) error {
		pauses = append(pauses, time.Since(ended))
		defer func() { ended = time.Now() }()
		return fail(ctx)
	}), nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v, want the context's error", err)
	}
	return pauses[1:]
}

func TestSupervisorWaitsLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pauses := attempts(t, time.Hour, func(context.Context) error { return errRefused })
		longest := DefaultSupervisorConfig().FirstWait
		for i, pause := range pauses {
			if pause < longest/2 || pause > longest {
				t.Errorf("pause %d is %s, want %s to %s", i, pause, longest/2, longest)
			}
			longest = min(2*longest, DefaultSupervisorConfig().LongestWait)
		}
		if len(pauses) < 100 {
			t.Errorf("tried %d times in an hour, want it to go on", len(pauses))
		}
	})
}

func TestSupervisorIsCarefulWithAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := fmt.Errorf("pull: %w", ErrUnauthorized)
		pauses := attempts(t, time.Hour, func(context.Context) error { return wrong })
		for i, pause := range pauses {
			least := min(10*time.Second<<i, time.Minute)
			if pause < least || pause > 2*least {
				t.Errorf("pause %d after a wrong password is %s, want %s to %s", i, pause, least, 2*least)
			}
		}
		if len(pauses) < 10 {
			t.Errorf("tried %d times in an hour, want it to go on", len(pauses))
		}
	})
}

func TestSupervisorForgetsFailuresAfterAGoodStretch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		pauses := attempts(t, 3*time.Hour, func(ctx context.Context) error {
			if n++; n%20 == 0 {
				return sleep(ctx, time.Hour)
			}
			return errRefused
		})
		if got := pauses[19]; got > DefaultSupervisorConfig().FirstWait {
			t.Errorf("pause after an hour of video is %s", got)
		}
		if got := pauses[18]; got < DefaultSupervisorConfig().LongestWait/2 {
			t.Errorf("pause after many failures is %s", got)
		}
	})
}

func TestSupervisorTellsHealthAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged bytes.Buffer
		s, registry := newSupervisor(slog.New(slog.NewTextHandler(&logged, nil)))
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		live := make(chan bool)
		n := 0
		source := sourceFunc(func(ctx context.Context, emit func(*Unit)) error {
			if n++; n <= 3 {
				return errRefused
			}
			emit(&Unit{Key: true, NALUs: [][]byte{{1, 2, 3}}, Stamp: Stamp{Camera: time.Now().Add(-2 * time.Second), Arrival: time.Now()}})
			emit(&Unit{Damaged: true, NALUs: [][]byte{{1}, {2}}, Stamp: Stamp{Arrival: time.Now()}})
			<-live
			if n == 4 {
				return errors.New("cable pulled")
			}
			<-ctx.Done()
			return ctx.Err()
		})
		var got []*Unit
		done := make(chan error)
		if diff := cmp.Diff(Health{State: Connecting, Since: begin}, s.monitor.Health()); diff != "" {
			t.Errorf("before it runs: %s", diff)
		}
		go func() { done <- s.Run(ctx, source, func(u *Unit) { got = append(got, u) }) }()

		synctest.Wait()
		if diff := cmp.Diff(Health{
			State: Offline, Since: begin, Cause: Because(ConnectRefused),
			Troubles: []Trouble{{TroubleStream, Offline, begin, Because(ConnectRefused)}},
		}, s.monitor.Health()); diff != "" {
			t.Errorf("after the first refusal: %s", diff)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if h := s.monitor.Health(); h.State != Live || !h.Since.After(begin) || h.Cause.Code != "" {
			t.Errorf("while units come: %+v", h)
		}
		if up := testutil.ToFloat64(s.metrics.Up); up != 1 {
			t.Errorf("up is %v while units come", up)
		}
		live <- true
		synctest.Wait()
		if h := s.monitor.Health(); h.State != Offline || !cmp.Equal(h.Cause, Because(OtherFault, "error", "cable pulled")) {
			t.Errorf("after the cable was pulled: %+v", h)
		}
		time.Sleep(time.Minute)
		live <- true
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if len(got) != 4 {
			t.Errorf("emitted %d units, want 4", len(got))
		}
		if n := strings.Count(logged.String(), "state=offline"); n != 2 {
			t.Errorf("logged offline %d times, want once for each change:\n%s", n, logged.String())
		}
		if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP tidewatch_ingest_bytes_total Bytes of encoded video received.
# TYPE tidewatch_ingest_bytes_total counter
tidewatch_ingest_bytes_total{camera="kerb",stream="main"} 10
# HELP tidewatch_ingest_damaged_units_total Access units of which packets were lost, or that build on such a one; never evidence.
# TYPE tidewatch_ingest_damaged_units_total counter
tidewatch_ingest_damaged_units_total{camera="kerb",stream="main"} 2
# HELP tidewatch_ingest_failures_total Connections to the camera that failed or ended, by reason.
# TYPE tidewatch_ingest_failures_total counter
tidewatch_ingest_failures_total{camera="kerb",reason="other",stream="main"} 1
tidewatch_ingest_failures_total{camera="kerb",reason="refused",stream="main"} 3
# HELP tidewatch_ingest_key_units_total Access units received that can be decoded on their own.
# TYPE tidewatch_ingest_key_units_total counter
tidewatch_ingest_key_units_total{camera="kerb",stream="main"} 2
# HELP tidewatch_ingest_reconnects_total Connections to the camera that ended and were tried again.
# TYPE tidewatch_ingest_reconnects_total counter
tidewatch_ingest_reconnects_total{camera="kerb",stream="main"} 4
# HELP tidewatch_ingest_units_total Encoded access units received.
# TYPE tidewatch_ingest_units_total counter
tidewatch_ingest_units_total{camera="kerb",stream="main"} 4
# HELP tidewatch_ingest_up 1 while units come from the camera, else 0.
# TYPE tidewatch_ingest_up gauge
tidewatch_ingest_up{camera="kerb",stream="main"} 0
`), of("bytes_total", "damaged_units_total", "failures_total", "key_units_total", "reconnects_total", "units_total", "up")...); err != nil {
			t.Error(err)
		}
	})
}

// of names metrics of this package.
func of(names ...string) []string {
	for i, name := range names {
		names[i] = "tidewatch_ingest_" + name
	}
	return names
}
