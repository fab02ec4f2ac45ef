package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/enforce/words"
	"tidewatch/ingest"
	"tidewatch/ingest/nal"
	"tidewatch/ingest/simcam"
)

const (
	user     = "officer"
	password = "Zebra-crossing-77"
	patience = 60 * time.Second // far beyond what anything here takes
)

// film is a prepared video of two seconds, shared by all tests.
var film = sync.OnceValues(func() (string, error) {
	dir := filepath.Join(scratch, "film")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	source := filepath.Join(dir, "source.avi")
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", "testsrc2=size=320x240:rate=10", "-t", "2", "-c:v", "mpeg4", source).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return simcam.Prepare(context.Background(), source, dir)
})

var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "rtsp"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(scratch)
		os.Exit(code)
	}))
}

// serve plays cameras at an address until the test ends or stop is called.
func serve(t *testing.T, listen string, paths ...string) (server *simcam.Server, stop func()) {
	t.Helper()
	return serveAs(t, simcam.Config{Listen: listen}, paths...)
}

// serveAs is serve with more of the server's configuration.
func serveAs(t *testing.T, cfg simcam.Config, paths ...string) (server *simcam.Server, stop func()) {
	t.Helper()
	video, err := film()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Username, cfg.Password = user, password
	for _, path := range paths {
		cfg.Cameras = append(cfg.Cameras, simcam.Camera{Path: path, Video: video})
	}
	server = simcam.New(cfg, slog.New(slog.DiscardHandler))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return server, stop
}

func newSource(t *testing.T, url string, change ...func(*ingest.Camera, *Config)) *Source {
	t.Helper()
	camera := ingest.Camera{ID: "kerb-7", URL: url, Username: user, Password: password}
	cfg := DefaultConfig()
	for _, f := range change {
		f(&camera, &cfg)
	}
	return New(camera, ingest.Main, cfg, NewMetrics(prometheus.NewRegistry()).Stream(camera.ID, ingest.Main), time.Now)
}

// pull runs a source until enough says so, and returns the units.
func pull(t *testing.T, source ingest.Source, enough func(units []*ingest.Unit) bool) []*ingest.Unit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var units []*ingest.Unit
	err := source.Run(ctx, func(u *ingest.Unit) {
		units = append(units, u)
		if enough(units) {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("after %d units: %v", len(units), err)
	}
	return units
}

// lasts says that there are units of so much of the stream's time.
func lasts(d time.Duration) func([]*ingest.Unit) bool {
	return func(units []*ingest.Unit) bool { return units[len(units)-1].PTS-units[0].PTS >= d }
}

func TestSourcePullsACamera(t *testing.T) {
	server, _ := serve(t, "127.0.0.1:0", "kerb")
	source := newSource(t, server.URL("kerb"))
	units := pull(t, source, lasts(5*time.Second)) // over the film's end, twice

	if first := units[0]; !first.Key || len(first.Format.Of(nal.SPS)) == 0 || len(first.Format.Of(nal.PPS)) == 0 {
		t.Errorf("the first unit is no key unit with its parameter sets: %+v", first)
	}
	keys, known := 0, 0
	for i, u := range units {
		if u.Key {
			keys++
		}
		if u.Session != 1 || u.Damaged || u.Format != units[0].Format || u.Size() == 0 {
			t.Errorf("unit %d: session %d, damaged %v, %d bytes", i, u.Session, u.Damaged, u.Size())
		}
		if i > 0 && u.PTS-units[i-1].PTS != 100*time.Millisecond {
			t.Errorf("unit %d comes %s after the one before it, want 100 ms", i, u.PTS-units[i-1].PTS)
		}
		if time.Since(u.Arrival) > patience {
			t.Errorf("unit %d arrived at %s", i, u.Arrival)
		}
		clockError, ok := u.ClockError()
		if ok {
			known++
		}
		// A loaded machine may deliver late, but never early.
		if ok && (clockError > 100*time.Millisecond || clockError < -patience) {
			t.Errorf("unit %d: camera's clock is %s ahead", i, clockError)
		}
	}
	if keys < 5 || keys > 7 {
		t.Errorf("%d key units in 5 s, want one a second", keys)
	}
	if known < len(units)/2 {
		t.Errorf("camera time known for %d of %d units only", known, len(units))
	}
	if again := pull(t, source, lasts(0)); again[0].Session != 2 {
		t.Errorf("the second connection has session %d, want 2", again[0].Session)
	}
	if gaps := testutil.ToFloat64(source.metrics.Gaps); gaps != 0 {
		t.Errorf("counted %v gaps", gaps)
	}
}

func TestSourcesPullSeveralCamerasAtOnce(t *testing.T) {
	server, _ := serve(t, "127.0.0.1:0", "a", "b/main")
	var group sync.WaitGroup
	for _, path := range []string{"a", "b/main", "a"} {
		group.Go(func() { pull(t, newSource(t, server.URL(path)), lasts(time.Second)) })
	}
	group.Wait()
}

func TestSupervisorReconnectsAfterTheCameraRestarts(t *testing.T) {
	server, stop := serve(t, "127.0.0.1:0", "kerb")
	address := server.Addr()
	registered := ingest.NewMetrics(prometheus.NewRegistry())
	metrics := registered.Stream("kerb-7", ingest.Main)
	monitor := ingest.NewMonitor(registered.Camera("kerb-7"), slog.New(slog.DiscardHandler), time.Now)
	cfg := ingest.SupervisorConfig{FirstWait: 50 * time.Millisecond, LongestWait: 200 * time.Millisecond}
	supervisor := ingest.NewSupervisor(cfg, ingest.Main, monitor, metrics, time.Now)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()

	sessions := make(chan uint64, 1000)
	done := make(chan error, 1)
	go func() {
		done <- supervisor.Run(ctx, newSource(t, server.URL("kerb")), func(u *ingest.Unit) { sessions <- u.Session })
	}()
	first := next(ctx, t, sessions, 0)
	stop()
	for monitor.Health().State != ingest.Offline {
		if ctx.Err() != nil {
			t.Fatal("the camera went away and is not offline")
		}
		time.Sleep(5 * time.Millisecond)
	}
	serve(t, address, "kerb")
	if second := next(ctx, t, sessions, first); second <= first {
		t.Errorf("session %d after session %d", second, first)
	}
	if state := monitor.Health().State; state != ingest.Live {
		t.Errorf("camera is %s again", state)
	}
	if testutil.ToFloat64(metrics.Reconnects) == 0 {
		t.Error("no reconnect counted")
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// next waits for a unit of a session after the one given.
func next(ctx context.Context, t *testing.T, sessions <-chan uint64, after uint64) uint64 {
	t.Helper()
	for {
		select {
		case s := <-sessions:
			if s > after {
				return s
			}
		case <-ctx.Done():
			t.Fatal("no unit came")
		}
	}
}

func TestSourceEndsWithItsContext(t *testing.T) {
	silent := script(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- newSource(t, "rtsp://"+silent).Run(ctx, nil) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// fault runs a source to its error and checks what every error must be like.
func fault(t *testing.T, source *Source, want error, says ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := source.Run(ctx, func(*ingest.Unit) {})
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	told := err.Error() + ": " + words.In(words.English).Cause(ingest.CauseOf(err))
	for _, word := range append(says, "kerb-7") {
		if !strings.Contains(told, word) {
			t.Errorf("%q does not say %q", told, word)
		}
	}
	for _, secret := range []string{user, password, "secret"} {
		if text := fmt.Sprintf("%v %+v %#v %s", err, err, err, told); strings.Contains(text, secret) {
			t.Errorf("error %q holds %q", text, secret)
		}
	}
}
