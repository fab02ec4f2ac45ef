package app

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect/picture"
	"tidewatch/enforce"
	"tidewatch/enforce/review"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

var update = flag.Bool("update", false, "write the golden files anew")

// told is a camera's feed that says what a test wants.
type told struct {
	health ingest.Health
	main   atomic.Pointer[ingest.Unit]
	sub    *ingest.Unit
}

func (s *told) Health() ingest.Health   { return s.health }
func (s *told) Newest() *ingest.Unit    { return s.main.Load() }
func (s *told) NewestSub() *ingest.Unit { return s.sub }

// slowDecoder counts the pictures that it makes, and how many at once.
type slowDecoder struct {
	made, busy, most atomic.Int64
	err              error
	hold             chan struct{} // where not nil, each picture waits for it
}

func (d *slowDecoder) DecodeWithin(_ context.Context, _ *ingest.Unit, limit image.Point) (*decode.Picture, error) {
	d.made.Add(1)
	now := d.busy.Add(1)
	defer d.busy.Add(-1)
	d.most.Store(max(d.most.Load(), now))
	if d.hold != nil {
		<-d.hold
	}
	if d.err != nil {
		return nil, d.err
	}
	var still bytes.Buffer
	if err := jpeg.Encode(&still, image.NewGray(image.Rect(0, 0, limit.X, limit.X/2)), nil); err != nil {
		return nil, err
	}
	return picture.Decode(still.Bytes())
}

var testConfig = &config.Config{
	Policies: enforce.Policies{
		"huxi": {{Section: enforce.RoadSection{ID: "huxi", Name: "湖西路潮汐路段", Location: time.FixedZone("Asia/Shanghai", 8*3600)}}},
	},
	Zones: []enforce.Zone{{ID: "kerb", Camera: "a", Polygon: enforce.Polygon{{X: .1, Y: .1}, {X: .5, Y: .1}, {X: .5, Y: .5}}}},
}

func unitAt(at time.Time) *ingest.Unit {
	return &ingest.Unit{Stamp: ingest.Stamp{Arrival: at}, Key: true, Format: &ingest.Format{Codec: ingest.H264}}
}

var noon = time.Date(2026, 3, 10, 12, 0, 0, 250_000_000, time.FixedZone("", 8*3600))

// newTestFleet is a fleet of cameras, each with a picture.
func newTestFleet(d decoder, ids ...string) (*fleet, map[string]*told) {
	f := newFleet(testConfig, nil, d)
	sources := map[string]*told{}
	for _, id := range ids {
		sources[id] = &told{health: ingest.Health{State: ingest.Live}}
		sources[id].main.Store(unitAt(noon))
		f.add(testConfig, ingest.Camera{ID: id}, sources[id])
	}
	return f, sources
}

func TestPictureIsMadeOnceForEachUnitAndWidth(t *testing.T) {
	d := &slowDecoder{}
	f, sources := newTestFleet(d, "b", "a", "c")
	ask := func() {
		var asking sync.WaitGroup
		for range 8 {
			for _, id := range []string{"a", "b", "c"} {
				for _, width := range []int{640, 1280} {
					asking.Go(func() {
						still, err := f.Picture(t.Context(), id, width)
						size, sizeErr := jpeg.DecodeConfig(bytes.NewReader(still.JPEG))
						if err := errors.Join(err, sizeErr); err != nil || size.Width != width || !still.Taken.Equal(sources[id].Newest().Arrival) {
							t.Errorf("camera %s: %d wide, taken %v, %v", id, size.Width, still.Taken, err)
						}
					})
				}
			}
		}
		asking.Wait()
	}
	ask()
	if d.made.Load() != 6 || d.most.Load() != 1 {
		t.Errorf("%d pictures were made, %d at once; want one for each of 3 cameras and 2 widths, one at a time", d.made.Load(), d.most.Load())
	}
	sources["b"].main.Store(unitAt(noon.Add(time.Second)))
	ask()
	if d.made.Load() != 8 {
		t.Errorf("%d more were made for a newer unit, want its 2 widths", d.made.Load()-6)
	}
}

func TestPictureThatCannotBeDecoded(t *testing.T) {
	d := &slowDecoder{err: fmt.Errorf("decode unit: %w", decode.ErrCorrupt)}
	f, sources := newTestFleet(d, "a")
	for range 3 {
		if _, err := f.Picture(t.Context(), "a", 640); !errors.Is(err, review.ErrNoPicture) {
			t.Errorf("got %v, want ErrNoPicture", err)
		}
	}
	if d.made.Load() != 1 {
		t.Errorf("tried %d times, want once for a unit", d.made.Load())
	}
	d.err = errors.New("out of memory")
	sources["a"].main.Store(unitAt(noon.Add(time.Second)))
	if _, err := f.Picture(t.Context(), "a", 640); !errors.Is(err, d.err) {
		t.Errorf("got %v, want the decoder's error", err)
	}
	d.err = nil
	if still, err := f.Picture(t.Context(), "a", 640); err != nil || len(still.JPEG) == 0 {
		t.Errorf("after the trouble: %v", err)
	}
}

func TestPictureThatIsNotThere(t *testing.T) {
	f, sources := newTestFleet(&slowDecoder{}, "a")
	sources["a"].main.Store(nil)
	for _, id := range []string{"a", "none"} {
		if _, err := f.Picture(t.Context(), id, 640); !errors.Is(err, review.ErrNoPicture) {
			t.Errorf("camera %s: %v, want ErrNoPicture", id, err)
		}
	}
	if _, ok := f.Camera("none"); ok {
		t.Error("a camera that is not there was found")
	}
}

func TestWhoeverLeavesDoesNotWaitForATurn(t *testing.T) {
	d := &slowDecoder{hold: make(chan struct{})}
	f, _ := newTestFleet(d, "a", "b")
	first := make(chan error, 1)
	go func() {
		_, err := f.Picture(t.Context(), "a", 640)
		first <- err
	}()
	eventually(t, "the first picture is being made", func() bool { return d.busy.Load() == 1 })
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := f.Picture(left, "b", 640); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	close(d.hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestFleetShowsARealCamera(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	footage, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	video, err := simcam.Prepare(t.Context(), footage, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	sim := simcam.New(simcam.Config{
		Listen: "127.0.0.1:0", Cameras: []simcam.Camera{{Path: "street", Video: video}}, Username: "tidewatch", Password: "secret",
	}, log)
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	defer background(t, sim.Run)()
	camera := ingest.Camera{
		ID: "a", Name: "Street", Section: "huxi", URL: sim.URL("street"), Username: "tidewatch", Password: "secret",
		ClockTolerance: time.Minute,
	}
	pulled := feed.New(camera, feed.DefaultConfig(), feed.NewMetrics(prometheus.NewRegistry()), log, time.Now)
	defer background(t, pulled.Run)()
	pool := decode.NewPool(1, decode.NewMetrics(prometheus.NewRegistry()))
	defer pool.Close()
	f := newFleet(testConfig, nil, pool)
	f.add(testConfig, camera, pulled)

	var seen review.Camera
	eventually(t, "the camera is live and its clock known", func() bool {
		seen, _ = f.Camera("a")
		return seen.Health.State == ingest.Live && !seen.Picture.IsZero() && seen.Clock != nil
	})
	want := []review.Stream{{Name: ingest.Main, State: review.StreamUp, Codec: ingest.H264, Size: image.Pt(768, 576)}}
	if diff := cmp.Diff(want, seen.Streams); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	if seen.Section.Name != "湖西路潮汐路段" || len(seen.Zones) != 1 {
		t.Errorf("section %+v, zones %v", seen.Section, seen.Zones)
	}
	for width, want := range map[int]image.Point{640: image.Pt(640, 480), 1280: image.Pt(768, 576)} {
		still, err := f.Picture(t.Context(), "a", width)
		if err != nil {
			t.Fatal(err)
		}
		size, err := jpeg.DecodeConfig(bytes.NewReader(still.JPEG))
		if got := image.Pt(size.Width, size.Height); err != nil || got != want {
			t.Errorf("picture is %v (%v), want %v", got, err, want)
		}
	}
}

// everyCamera is a fleet of cameras in all states.
func everyCamera() *fleet {
	f := newFleet(testConfig, nil, nil)
	live := &told{health: ingest.Health{State: ingest.Live, Since: noon.Add(-time.Hour)}}
	known := unitAt(noon)
	known.Camera = noon.Add(-125 * time.Millisecond)
	known.Clock = ingest.ClockReading{Offset: -125 * time.Millisecond, Drift: 1.5e-5, Settled: true}
	live.main.Store(known)
	live.sub = unitAt(noon)
	f.add(testConfig, ingest.Camera{
		ID: "b", Name: "湖西 2 号", DeviceID: "51010500001190000002", Place: "湖西路 4 号门前", Direction: "由北向南",
		Section: "huxi", URL: "rtsp://10.0.0.2/main", SubURL: "rtsp://10.0.0.2/sub", Username: "admin", Password: "secret",
	}, live)
	f.add(testConfig, ingest.Camera{ID: "c"}, &told{health: ingest.Health{State: ingest.Connecting, Since: noon}})
	troubles := []ingest.Trouble{
		{Kind: ingest.TroubleStream, State: ingest.Offline, Since: noon, Cause: ingest.Because(ingest.ConnectRefused, "host", "10.0.0.1:554")},
		{Kind: ingest.TroubleClock, State: ingest.Degraded, Since: noon.Add(-time.Minute), Cause: ingest.Because(ingest.ClockFast, "by", 4*time.Second)},
	}
	offline := &told{health: ingest.Health{State: ingest.Offline, Since: noon, Cause: troubles[0].Cause, Troubles: troubles}}
	offline.main.Store(unitAt(noon.Add(-time.Second)))
	f.add(testConfig, ingest.Camera{ID: "a", Name: "East gate"}, offline)
	return f
}

func TestGoldenCamerasJSON(t *testing.T) {
	answer := httptest.NewRecorder()
	everyCamera().report(answer, httptest.NewRequest(http.MethodGet, "/cameras.json", nil))
	if got := answer.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	path := filepath.Join("testdata", "cameras.json")
	if *update {
		if err := os.WriteFile(path, answer.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), answer.Body.String()); diff != "" {
		t.Errorf("answer differs from %s (-want +got), run with -update to take it:\n%s", path, diff)
	}
}

func TestNoCamerasAreAnEmptyList(t *testing.T) {
	answer := httptest.NewRecorder()
	newFleet(testConfig, nil, nil).report(answer, httptest.NewRequest(http.MethodGet, "/cameras.json", nil))
	if answer.Body.String() != "[]\n" {
		t.Errorf("answered %q", answer.Body.String())
	}
}

func TestSectionOf(t *testing.T) {
	east, west := enforce.Zone{Section: "east"}, enforce.Zone{Section: "west"}
	for name, each := range map[string]struct {
		configured string
		zones      []enforce.Zone
		want       string
	}{
		"configured":      {"west", []enforce.Zone{east}, "west"},
		"by its zones":    {"", []enforce.Zone{east, east}, "east"},
		"between the two": {"", []enforce.Zone{east, west}, ""},
		"without a zone":  {"", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sectionOf(ingest.Camera{Section: each.configured}, each.zones); got != each.want {
				t.Errorf("%q, want %q", got, each.want)
			}
		})
	}
}

func TestStreamOf(t *testing.T) {
	away := ingest.Health{Troubles: []ingest.Trouble{{Kind: ingest.TroubleSubStream, State: ingest.Degraded}}}
	unit := unitAt(noon)
	for name, each := range map[string]struct {
		unit   *ingest.Unit
		health ingest.Health
		want   review.StreamState
	}{
		"nothing yet":        {nil, ingest.Health{}, review.StreamWaiting},
		"it comes":           {unit, ingest.Health{}, review.StreamUp},
		"it never came":      {nil, away, review.StreamDown},
		"it came before":     {unit, away, review.StreamDown},
		"another is trouble": {unit, ingest.Health{Troubles: []ingest.Trouble{{Kind: ingest.TroubleStream}}}, review.StreamUp},
	} {
		t.Run(name, func(t *testing.T) {
			if got := streamOf(ingest.Sub, each.unit, each.health, ingest.TroubleSubStream); got.State != each.want {
				t.Errorf("%s, want %s", got.State, each.want)
			}
		})
	}
}
