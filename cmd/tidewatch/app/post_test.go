package app

import (
	"context"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/docket"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/simcam"
)

// twoStreets is a configuration with two cameras that see the same street.
const twoStreets = `
data: %[1]s
listen: 127.0.0.1:0
assets: %[2]s
cameras:
  - {id: struck, device_id: "51010000001190000001", url: %[3]s, username: tidewatch, password_env: STREETS_PASSWORD}
  - {id: sound, device_id: "51010000001190000002", url: %[4]s, username: tidewatch, password_env: STREETS_PASSWORD}
sections:
  - {id: road, name: 建设路, time_zone: UTC, observation_period: 4s}
zones:
  - {id: kerb-1, camera: struck, section: road, polygon: [[0.80, 0.04], [1.00, 0.04], [1.00, 0.22], [0.80, 0.22]]}
  - {id: kerb-2, camera: sound, section: road, polygon: [[0.80, 0.04], [1.00, 0.04], [1.00, 0.22], [0.80, 0.22]]}
`

// openStreets opens a whole Tidewatch on two simulated cameras.
func openStreets(t *testing.T, log *slog.Logger) *App {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	film, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	video, err := simcam.Prepare(t.Context(), film, filepath.Join(string(dir), "prepared"))
	if err != nil {
		t.Fatal(err)
	}
	server := simcam.New(simcam.Config{
		Listen: "127.0.0.1:0", Username: "tidewatch", Password: "kerb-side-42",
		Cameras: []simcam.Camera{{Path: "struck", Video: video}, {Path: "sound", Video: video}},
	}, slog.New(slog.DiscardHandler))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	background(t, server.Run)
	path := filepath.Join(t.TempDir(), "tidewatch.yaml")
	text := fmt.Sprintf(twoStreets, t.TempDir(), dir, server.URL("struck"), server.URL("sound"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STREETS_PASSWORD", "kerb-side-42")
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), cfg, "test", log, func(string, string) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// fault panics once, where it is asked, after it was armed.
type fault struct{ armed atomic.Bool }

func (f *fault) strike() {
	if f.armed.CompareAndSwap(true, false) {
		panic("struck")
	}
}

// badDecoder, badRecorder and badNow are places where a fault can strike: as a
// picture is looked at, as evidence is recorded beside the looks, and on a
// goroutine of the library that brings the packets.
type badDecoder struct {
	looks
	*fault
}

func (d badDecoder) DecodeWithin(ctx context.Context, u *ingest.Unit, limit image.Point) (*decode.Picture, error) {
	d.strike()
	return d.looks.DecodeWithin(ctx, u, limit)
}

type badRecorder struct {
	docket.Recorder
	*fault
}

func (r badRecorder) Record(ctx context.Context, v enforce.Violation, shown evidence.Exhibits) (enforce.Evidence, error) {
	r.strike()
	return r.Recorder.Record(ctx, v, shown)
}

// TestAPanicEndsOneCamerasWorkAlone strikes one of two cameras in all places,
// one after another. Each time the other goes on, and the one comes back with the
// stops that it had.
func TestAPanicEndsOneCamerasWorkAlone(t *testing.T) {
	var said buffer
	a := openStreets(t, slog.New(slog.NewTextHandler(&said, nil)))
	defer func() {
		if t.Failed() {
			t.Log(said.String())
		}
	}()
	victim, other := a.cameras[0], a.cameras[1]
	victim.pauses = pauses{time.Second, 5 * time.Second}
	var recorder, look, packet, begin fault
	victim.now = func() time.Time { packet.strike(); return time.Now() }
	make := victim.begin
	victim.begin = func() (*camera, error) {
		begin.strike()
		c, err := make()
		if err == nil {
			c.decoder = badDecoder{c.decoder, &look}
			c.docket.Recorder = badRecorder{c.docket.Recorder, &recorder}
		}
		return c, err
	}
	recorder.armed.Store(true)
	if err := victim.open(); err != nil {
		t.Fatal(err)
	}
	stop := background(t, a.Run)
	struck := 0.0
	for _, place := range []struct {
		name   string
		faults []*fault // that strike one after the other
	}{
		{"as evidence is recorded", []*fault{&recorder}},
		{"as a picture is looked at", []*fault{&look}},
		{"on the goroutine of the packets", []*fault{&packet}},
		{"as it begins anew", []*fault{&begin, &look}},
	} {
		t.Run(place.name, func(t *testing.T) {
			eventually(t, "open stops of the camera on disk", func() bool { return stopsOnDisk(a, "struck") > 0 })
			resumed := strings.Count(said.String(), `msg="stops taken up again" camera=struck`)
			for _, f := range place.faults {
				f.armed.Store(true)
			}
			struck += float64(len(place.faults))
			eventually(t, "a panic that is told", func() bool {
				h := victim.Health()
				return h.State == ingest.Offline && len(h.Troubles) > 0 && h.Troubles[0].Kind == ingest.TroubleProgram
			})
			before := other.Newest()
			eventually(t, "the panics are counted", func() bool { return testutil.ToFloat64(victim.panics) == struck })
			eventually(t, "the other camera goes on", func() bool { return other.Newest() != before })
			eventually(t, "the camera comes back", func() bool { return victim.Health().State == ingest.Live })
			if n := strings.Count(said.String(), `msg="stops taken up again" camera=struck`); n <= resumed {
				t.Error("it does not take up its stops")
			}
		})
	}
	for _, id := range []string{"struck", "sound"} {
		eventually(t, "a case of camera "+id, func() bool { return len(casesOf(t, a, id)) > 0 })
	}
	stop()
	stops := map[string]bool{}
	for _, c := range casesOf(t, a, "struck") {
		if stops[c.Violation.StopID] {
			t.Errorf("two cases of stop %s", c.Violation.StopID)
		}
		stops[c.Violation.StopID] = true
	}
	if n := testutil.ToFloat64(other.panics); n != 0 {
		t.Errorf("%v panics of the other camera", n)
	}
	if text := said.String(); !strings.Contains(text, "badRecorder") || !strings.Contains(text, "badDecoder") {
		t.Error("the log does not say where it panicked")
	}
}

func stopsOnDisk(a *App, camera string) int {
	stops, _ := filepath.Glob(filepath.Join(a.cfg.Data, "stops", camera, "*.stop"))
	return len(stops)
}

func casesOf(t *testing.T, a *App, camera string) (of []enforce.Case) {
	t.Helper()
	all, err := a.store.cases.List(context.WithoutCancel(t.Context()), "", 100, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Violation.Camera.ID == camera {
			of = append(of, c)
		}
	}
	return of
}

// buffer is a log that is read while it is written.
type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
