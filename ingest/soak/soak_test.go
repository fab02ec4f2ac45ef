package soak

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

var (
	during = flag.Duration("for", time.Minute, "how long the cameras misbehave")
	seed   = flag.Uint64("seed", 0, "of the faults; 0 picks one")
)

const (
	cameras = 50
	keep    = 10 * time.Second // of video, in the rings
	// backWithin is how soon after its fault's end a camera must be live.
	backWithin = 30 * time.Second
	// patience is for what has no such promise.
	patience = 2 * time.Minute
)

// prepared is the video of a camera: small, so that many fit.
func prepared(t *testing.T, codec ingest.Codec, width int) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "source.avi")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", "testsrc2=size=320x240:rate=10", "-t", "4", "-c:v", "mpeg4", source).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	video, err := simcam.PrepareAs(t.Context(), source, dir, simcam.Encoding{
		Codec: codec, GOP: time.Second, Width: width, Height: width * 3 / 4, Quality: 28,
	})
	if err != nil {
		t.Fatal(err)
	}
	return video
}

// street is the cameras, and our feeds of them.
type street struct {
	*testing.T
	server                *simcam.Server
	usual, smaller, newer string // videos
	watched               []*watched
}

// watched is one camera.
type watched struct {
	*feed.Feed
	camera *simcam.Feed
	looks  atomic.Int64 // pictures decoded
	faults int
	slowly time.Duration // the longest way back
}

// fault is something that a camera does until it is healed.
type fault struct {
	name string
	do   func(s *street, c *simcam.Feed) error
}

func misbehave(f simcam.Faults) func(*street, *simcam.Feed) error {
	return func(_ *street, c *simcam.Feed) error { c.Misbehave(f); return nil }
}

// cutOff has a camera that answers so, and ends its sessions.
func cutOff(f simcam.Faults) func(*street, *simcam.Feed) error {
	return func(_ *street, c *simcam.Feed) error { c.Misbehave(f); c.HangUp(); return nil }
}

func once(do func(*simcam.Feed)) func(*street, *simcam.Feed) error {
	return func(_ *street, c *simcam.Feed) error { do(c); return nil }
}

var faults = []fault{
	{"hang-up", once((*simcam.Feed).HangUp)},
	{"reset", once((*simcam.Feed).Reset)},
	{"garbage", once(func(c *simcam.Feed) { c.Write([]byte("RTSP/9.9 nonsense\r\n\r\n$\x01")) })},
	{"stale nonces", once((*simcam.Feed).ExpireNonces)},
	{"stall", misbehave(simcam.Faults{Stall: true})},
	{"no key frames", misbehave(simcam.Faults{NoKeyFrames: true})},
	{"loss", misbehave(simcam.Faults{Loss: 0.05, LossSeed: 1})},
	{"clock off", misbehave(simcam.Faults{ClockOffset: time.Hour})},
	{"no clock", cutOff(simcam.Faults{NoReports: true})},
	{"wrong password", cutOff(simcam.Faults{Password: "another"})},
	{"not found", cutOff(simcam.Faults{Status: 404})},
	{"redirect", cutOff(simcam.Faults{Redirect: "rtsp://127.0.0.2:9/elsewhere"})},
	{"small packets", misbehave(simcam.Faults{Packing: simcam.Packing{Payload: 60, Separate: true}})},
	{"marker on each NALU", misbehave(simcam.Faults{Packing: simcam.Packing{Marker: simcam.MarkNALUs}})},
	{"no marker", misbehave(simcam.Faults{Packing: simcam.Packing{Marker: simcam.MarkNothing}})},
	{"sets apart", misbehave(simcam.Faults{Packing: simcam.Packing{Sets: simcam.ParametersApart}})},
	{"another session", misbehave(simcam.Faults{Foreign: true})},
	{"all at once", cutOff(simcam.Faults{
		Packing: simcam.Packing{Payload: 200, Marker: simcam.MarkSlices, Sets: simcam.ParametersApart},
		Loss:    0.05, LossSeed: 2, Foreign: true, NoReports: true, ClockOffset: time.Hour,
	})},
	{"new resolution", func(s *street, c *simcam.Feed) error { return c.Show(s.smaller) }},
	{"new codec", func(s *street, c *simcam.Feed) error { return c.Show(s.newer) }},
}

func newStreet(t *testing.T) *street {
	t.Helper()
	s := &street{
		T:       t,
		usual:   prepared(t, ingest.H264, 320),
		smaller: prepared(t, ingest.H264, 160),
		newer:   prepared(t, ingest.H265, 320),
	}
	cfg := simcam.Config{Listen: "127.0.0.1:0", Username: "soak", Password: "soak-password"}
	for i := range cameras {
		cfg.Cameras = append(cfg.Cameras, simcam.Camera{
			Path: fmt.Sprint(i), Video: s.usual, Phase: time.Duration(i) * 4 * time.Second / cameras,
		})
	}
	s.server = simcam.New(cfg, slog.New(slog.DiscardHandler))
	if err := s.server.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// run plays and pulls the cameras until the test ends.
func (s *street) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	registry := prometheus.NewRegistry()
	pool := decode.NewPool(runtime.NumCPU(), decode.NewMetrics(registry))
	s.Cleanup(func() {
		cancel()
		group.Wait()
		if err := pool.Close(); err != nil {
			s.Error(err)
		}
	})
	until := func(run func(context.Context) error) {
		group.Go(func() {
			if err := run(ctx); err != nil && !errors.Is(err, context.Canceled) {
				s.Error(err)
			}
		})
	}
	until(s.server.Run)
	metrics := feed.NewMetrics(registry)
	cfg := feed.DefaultConfig()
	cfg.Ring.Duration = keep
	for i := range cameras {
		path := fmt.Sprint(i)
		w := &watched{camera: s.server.Feed(path), Feed: feed.New(ingest.Camera{
			ID: path, URL: s.server.URL(path), Transport: ingest.TransportTCP,
			Username: "soak", Password: "soak-password", ClockTolerance: 2 * time.Second,
		}, cfg, metrics, slog.New(slog.DiscardHandler), time.Now)}
		s.watched = append(s.watched, w)
		until(w.Run)
		until(func(ctx context.Context) error { return w.look(ctx, pool) })
	}
}

// look decodes what there is to look at, as a worker does.
func (w *watched) look(ctx context.Context, pool *decode.Pool) error {
	for {
		next, err := w.Next(ctx)
		if err != nil {
			return err
		}
		if next.Unit.Damaged {
			return errors.New("a damaged picture is to be looked at")
		}
		picture, err := pool.DecodeWithin(ctx, next.Unit, image.Pt(1280, 1280))
		if err != nil {
			return err
		}
		w.looks.Add(1)
		if err := picture.Close(); err != nil {
			return err
		}
	}
}

// back waits until the camera is live and has been looked at again, and returns
// how long that took.
func (w *watched) back(within time.Duration) (time.Duration, error) {
	began, looks := time.Now(), w.looks.Load()
	for w.Health().State != ingest.Live || w.looks.Load() == looks {
		if time.Since(began) > within {
			return 0, fmt.Errorf("camera %s is not live after %s: %+v", w.Camera().ID, within, w.Health())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began), nil
}

// misbehave has a camera go wrong and be healed again and again.
func (s *street) misbehave(w *watched, random *rand.Rand, until time.Time) error {
	for {
		pause := time.Duration(random.Int64N(int64(8 * time.Second)))
		lasts := time.Duration(random.Int64N(int64(8 * time.Second)))
		which := faults[random.IntN(len(faults))]
		if time.Now().Add(pause).After(until) {
			return nil
		}
		time.Sleep(pause)
		if err := which.do(s, w.camera); err != nil {
			return err
		}
		time.Sleep(lasts)
		w.camera.Misbehave(simcam.Faults{})
		if err := w.camera.Show(s.usual); err != nil {
			return err
		}
		w.faults++
		took, err := w.back(backWithin)
		if err != nil {
			return fmt.Errorf("after %s of %s: %w", lasts, which.name, err)
		}
		w.slowly = max(w.slowly, took)
	}
}

// held is what the process holds.
type held struct {
	goroutines, descriptors int
	heap, resident          float64 // MB
}

func (s *street) holds() held {
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		s.Fatal(err)
	}
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		s.Fatal(err)
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		s.Fatal(err)
	}
	return held{runtime.NumGoroutine(), len(open), float64(memory.HeapAlloc) / 1e6, pages * float64(os.Getpagesize()) / 1e6}
}

// quiet waits until all cameras are live and their rings full, and tells what
// is held.
func (s *street) quiet() held {
	s.Helper()
	for _, w := range s.watched {
		if _, err := w.back(patience); err != nil {
			s.Fatal(err)
		}
	}
	for _, w := range s.watched {
		for began := time.Now(); w.Ring().Span() < keep; time.Sleep(50 * time.Millisecond) {
			if time.Since(began) > patience {
				s.Fatalf("the ring of camera %s does not fill", w.Camera().ID)
			}
		}
	}
	now := s.holds()
	s.Logf("%d cameras live: %d goroutines, %d descriptors, %.0f MB live, %.0f MB resident",
		len(s.watched), now.goroutines, now.descriptors, now.heap, now.resident)
	return now
}

func TestSoak(t *testing.T) {
	feed.CollectOften()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d", *seed)
	s := newStreet(t)
	s.run()
	before := s.quiet()

	until := time.Now().Add(*during)
	var group sync.WaitGroup
	for i, w := range s.watched {
		group.Go(func() {
			if err := s.misbehave(w, rand.New(rand.NewPCG(*seed, uint64(i))), until); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	n, slowest := 0, time.Duration(0)
	for _, w := range s.watched {
		n += w.faults
		slowest = max(slowest, w.slowly)
		if w.faults == 0 {
			t.Errorf("camera %s had no fault", w.Camera().ID)
		}
	}
	t.Logf("%d faults, the slowest way back took %s", n, slowest.Round(10*time.Millisecond))

	after := s.quiet()
	if after.goroutines > before.goroutines+5 {
		t.Errorf("%d goroutines before, %d after", before.goroutines, after.goroutines)
	}
	if after.descriptors > before.descriptors+5 {
		t.Errorf("%d descriptors before, %d after", before.descriptors, after.descriptors)
	}
	if after.heap > before.heap*1.2+5 {
		t.Errorf("%.0f MB live before, %.0f MB after", before.heap, after.heap)
	}
	if after.resident > before.resident*1.25+50 {
		t.Errorf("%.0f MB resident before, %.0f MB after", before.resident, after.resident)
	}
}
