package feed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/ingest"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

const (
	user     = "officer-of-the-test"
	password = "Zebra-crossing-77"
	patience = 90 * time.Second // far beyond what anything here takes
)

// films are prepared once, by encoding.
var films sync.Map

// film is a prepared video of two seconds, 10 pictures a second.
func film(t *testing.T, codec ingest.Codec, width int) string {
	return filmOf(t, codec, width, 2*time.Second, 500*time.Millisecond)
}

// smartFilm is one as smart codecs send it: a key frame each 79 seconds.
func smartFilm(t *testing.T, codec ingest.Codec, width int) string {
	return filmOf(t, codec, width, 79*time.Second, 79*time.Second)
}

func filmOf(t *testing.T, codec ingest.Codec, width int, long, gop time.Duration) string {
	t.Helper()
	prepare := sync.OnceValues(func() (string, error) {
		dir := feed.Scratch
		source := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.avi", codec, width, gop))
		out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi",
			"-i", "testsrc2=size=320x240:rate=10", "-t", fmt.Sprint(long.Seconds()), "-c:v", "mpeg4", "-flags", "+bitexact", source).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("ffmpeg: %w: %s", err, out)
		}
		return simcam.PrepareAs(context.Background(), source, dir, simcam.Encoding{
			Codec: codec, GOP: gop, Width: width, Height: width * 3 / 4, Quality: 28,
		})
	})
	once, _ := films.LoadOrStore(fmt.Sprint(codec, width, gop), prepare)
	path, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// rig is a simulated camera and our feed of it.
type rig struct {
	t        *testing.T
	server   *simcam.Server
	camera   ingest.Camera
	cfg      feed.Config
	feed     *feed.Feed
	registry *prometheus.Registry
	log      lockedBuffer
	stop     func()

	mu      sync.Mutex
	looks   []feed.Look
	healths map[string]bool // all that were ever told
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// impatient makes of minutes what a test can wait for.
func impatient() feed.Config {
	cfg := feed.DefaultConfig()
	cfg.RTSP.AnswerTimeout = 2 * time.Second
	cfg.RTSP.UnitTimeout = 2 * time.Second
	cfg.RTSP.KeyTimeout = 5 * time.Second
	cfg.Supervisor = ingest.SupervisorConfig{
		FirstWait: 300 * time.Millisecond, LongestWait: time.Second, UnauthorizedWait: time.Second,
	}
	cfg.Inspector.CleanFor = 3 * time.Second
	cfg.Inspector.KeyPatience, cfg.Inspector.FirstPatience = 2*time.Second, 2*time.Second
	cfg.Inspector.RateSpan = 2 * time.Second
	cfg.Inspector.ReportPatience = 2 * time.Second
	return cfg
}

// newRig serves cameras; nothing is pulled before start.
func newRig(t *testing.T, change ...func(*simcam.Config)) *rig {
	t.Helper()
	cfg := simcam.Config{
		Listen: "127.0.0.1:0", Username: user, Password: password, UDP: true,
		Cameras: []simcam.Camera{
			{Path: "main", Video: film(t, ingest.H264, 320)},
			{Path: "sub", Video: film(t, ingest.H264, 160)},
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	r := &rig{t: t, registry: prometheus.NewRegistry(), cfg: impatient(), healths: map[string]bool{}}
	r.server = simcam.New(cfg, slog.New(slog.DiscardHandler))
	if err := r.server.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	r.camera = ingest.Camera{
		ID: "kerb", URL: r.server.URL("main"), Transport: ingest.TransportAuto,
		Username: user, Password: password, ClockTolerance: 2 * time.Second,
	}
	return r
}

// start pulls the camera until the test ends.
func (r *rig) start() {
	log := slog.New(slog.NewTextHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})).With("camera", r.camera.ID)
	r.feed = feed.New(r.camera, r.cfg, feed.NewMetrics(r.registry), log, time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		if err := r.feed.Run(ctx); !errors.Is(err, context.Canceled) {
			r.t.Error(err)
		}
	})
	group.Go(func() {
		for {
			look, err := r.feed.Next(ctx)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.looks = append(r.looks, look)
			r.mu.Unlock()
		}
	})
	r.stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	r.t.Cleanup(r.stop)
}

// misbehave makes the main stream have faults.
func (r *rig) misbehave(f simcam.Faults) { r.server.Feed("main").Misbehave(f) }

// until waits for a condition.
func (r *rig) until(what string, is func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(2 * time.Millisecond) {
		r.healths[fmt.Sprintf("%+v", r.feed.Health())] = true
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain for %s; health %+v\n%s", what, r.feed.Health(), r.log.String())
		}
	}
}

// live waits until the camera is well and a new picture has come.
func (r *rig) live() {
	r.t.Helper()
	before := r.newest()
	r.until("a new picture of a live camera", func() bool {
		return r.feed.Health().State == ingest.Live && r.newest() != before
	})
}

// newest is the newest picture to look at, nil before any.
func (r *rig) newest() *ingest.Unit {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.looks) == 0 {
		return nil
	}
	return r.looks[len(r.looks)-1].Unit
}

// timed waits for a picture that knows how far its camera's clock is off.
func (r *rig) timed() (u *ingest.Unit) {
	r.t.Helper()
	r.until("the error of the camera's clock", func() bool {
		if u = r.newest(); u == nil {
			return false
		}
		_, known := u.Resolved().ClockError()
		return known
	})
	return u
}

// in waits until the camera is in a state for a reason, and checks that it tells
// the facts that belong to it.
func (r *rig) in(state ingest.State, kind ingest.Kind, why ingest.Code) {
	r.t.Helper()
	var h ingest.Health
	r.until(fmt.Sprintf("%s: %s: %s", state, kind, why), func() bool {
		h = r.feed.Health()
		return h.State == state && len(h.Troubles) > 0 && h.Troubles[0].Kind == kind && h.Cause.Code == why
	})
	var told []string
	for _, f := range h.Cause.Facts {
		told = append(told, f.Name)
	}
	if !slices.Equal(told, ingest.Causes[why]) {
		r.t.Errorf("%s tells %v, want %v", why, h.Cause.Facts, ingest.Causes[why])
	}
}

// metric is the sum of a metric's values over the series that have a label.
func (r *rig) metric(name, label string) float64 {
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	sum := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			labelled := label == ""
			for _, pair := range m.GetLabel() {
				labelled = labelled || pair.GetValue() == label
			}
			if labelled {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// discreet checks that no password or user name has leaked anywhere.
func (r *rig) discreet() {
	r.t.Helper()
	r.stop()
	told := r.log.String()
	for health := range r.healths {
		told += health
	}
	for _, secret := range []string{user, password} {
		if strings.Contains(told, secret) {
			r.t.Errorf("%q was told in:\n%s", secret, told)
		}
	}
}
