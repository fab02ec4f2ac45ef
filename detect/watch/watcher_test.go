package watch_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/picture"
	"tidewatch/detect/watch"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

var start = time.Date(2026, 5, 1, 19, 0, 0, 0, time.UTC)

// network is the real one, loaded once for all tests.
var network = sync.OnceValues(func() (*model.Vehicles, error) {
	dir, err := assets.Default()
	if err != nil {
		return nil, err
	}
	library, err := dir.Library("libonnxruntime.so.1.26.0")
	if err != nil {
		return nil, err
	}
	if err := model.Open(library); err != nil {
		return nil, err
	}
	path, err := dir.Model("yolox_nano.onnx")
	if err != nil {
		return nil, err
	}
	return model.LoadVehicles(model.DefaultFamily, path, model.NewMetrics(prometheus.NewRegistry()))
})

func vehicles(t *testing.T) *model.Vehicles {
	t.Helper()
	v, err := network()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// rig is a watcher and what it reports to.
type rig struct {
	*watch.Watcher
	registry *prometheus.Registry
}

func newRig(t *testing.T, cfg watch.Config, v watch.Vehicles, p watch.PlateReader) rig {
	t.Helper()
	registry := prometheus.NewRegistry()
	w, err := watch.New(cfg, "kerb", v, p, jpegDecoder{}, slog.New(slog.DiscardHandler), watch.NewMetrics(registry))
	if err != nil {
		t.Fatal(err)
	}
	return rig{w, registry}
}

// metric is the sum of a metric's values over its labels.
func (r rig) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			return sum
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// jpegDecoder decodes units whose one NALU is a JPEG.
type jpegDecoder struct{}

func (jpegDecoder) Decode(_ context.Context, u *ingest.Unit) (*decode.Picture, error) {
	return picture.Decode(u.NALUs[0])
}

func (jpegDecoder) DecodeTo(_ context.Context, u *ingest.Unit, size image.Point) (*decode.Picture, error) {
	whole, err := jpeg.Decode(bytes.NewReader(u.NALUs[0]))
	if err != nil {
		return nil, err
	}
	scaled := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			scaled.Set(x, y, whole.At(x*whole.Bounds().Dx()/size.X, y*whole.Bounds().Dy()/size.Y))
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, scaled, &jpeg.Options{Quality: 95}); err != nil {
		return nil, err
	}
	return picture.Decode(file.Bytes())
}

// walkway yields the looks of a real clip: a van and a car stand there from
// beginning to end, and people walk by.
func walkway(t *testing.T, from, until int, visit func(second int, pic *decode.Picture)) {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	file, err := decode.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	second := 0
	for look, err := range file.Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		if second >= from && second < until {
			visit(second, look.Picture)
		}
		look.Picture.Close()
		if second++; second == until {
			return
		}
	}
}

func at(second int) time.Time { return start.Add(time.Duration(second) * time.Second) }

// unit is a picture as if it had come from a camera.
func unit(t *testing.T, second int, pic *decode.Picture) *ingest.Unit {
	t.Helper()
	data, err := picture.EncodeJPEG(pic, 90)
	if err != nil {
		t.Fatal(err)
	}
	return &ingest.Unit{
		Stamp: ingest.Stamp{Camera: at(second), Arrival: at(second)}, Session: 1,
		PTS: time.Duration(second) * time.Second, Format: &ingest.Format{Codec: ingest.H264},
		NALUs: [][]byte{data}, Key: true,
	}
}

// standing are the two vehicles of the clip.
var standing = map[string]detect.Box{
	"van": {X: 652. / 768, Y: 44. / 576, W: 73. / 768, H: 58. / 576},
	"car": {X: 734. / 768, Y: 51. / 576, W: 34. / 768, H: 43. / 576},
}

// checkStanding makes sure that exactly the van and the car stand, from the
// first look until at least the given second.
func checkStanding(t *testing.T, stops []detect.Stop, until int) {
	t.Helper()
	if len(stops) != len(standing) {
		t.Fatalf("%d stops, want %d: %+v", len(stops), len(standing), stops)
	}
	for name, box := range standing {
		matched := 0
		for _, s := range stops {
			if s.Box.IoU(box) < 0.7 || !s.Class.Motor() {
				continue
			}
			matched++
			if !s.Start.Equal(start) || s.End.Before(at(until)) || s.Ended {
				t.Errorf("the %s stands %v to %v (ended: %v), want %v to at least %v", name, s.Start, s.End, s.Ended, start, at(until))
			}
		}
		if matched != 1 {
			t.Errorf("the %s has %d stops", name, matched)
		}
	}
}

func TestRealClip(t *testing.T) {
	r := newRig(t, watch.DefaultConfig(), vehicles(t), nil)
	var stops []detect.Stop
	opened := map[string]bool{}
	walkway(t, 0, 80, func(second int, pic *decode.Picture) {
		var err error
		if stops, err = r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)}); err != nil {
			t.Fatal(err)
		}
		for _, s := range stops {
			opened[s.ID] = true
		}
	})
	checkStanding(t, stops, 77)
	if len(opened) != 2 {
		t.Errorf("%d stops were opened in all, want 2", len(opened))
	}
	for name, want := range map[string]float64{
		"tidewatch_detect_looks_total":        80,
		"tidewatch_detect_lost_looks_total":   0,
		"tidewatch_detect_stops_opened_total": 2,
		"tidewatch_detect_open_stops":         2,
		"tidewatch_detect_stops_ended_total":  0,
	} {
		if got := r.metric(t, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	if n := testutil.CollectAndCount(r.registry, "tidewatch_detect_inference_seconds"); n != 1 {
		t.Errorf("inference was timed in %d series, want 1", n)
	}
}

// TestGateChangesNoStop watches the clip with and without the gate, in the
// whole picture and around the two vehicles, at the pace of a watcher at rest.
func TestGateChangesNoStop(t *testing.T) {
	kerb := []detect.Box{{X: 0.83, Y: 0.05, W: 0.16, H: 0.14}}
	for name, test := range map[string]struct {
		areas  []detect.Box
		spared float64 // looks, at least
	}{
		"whole picture": {nil, 0},
		"kerb":          {kerb, 5},
	} {
		t.Run(name, func(t *testing.T) {
			open, gated := watch.DefaultConfig(), watch.DefaultConfig()
			open.Verify, gated.Areas = 0, test.areas
			a, b := newRig(t, open, vehicles(t), nil), newRig(t, gated, vehicles(t), nil)
			looks := 0
			walkway(t, 0, 80, func(second int, pic *decode.Picture) {
				looks++
				want, err := a.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)})
				if err != nil {
					t.Fatal(err)
				}
				got, err := b.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)})
				if err != nil {
					t.Fatal(err)
				}
				boxes := cmp.Comparer(func(a, b detect.Box) bool { return a.IoU(b) > 0.9 })
				// The van is a car or a truck by a hair's breadth.
				classes := cmp.Comparer(func(a, b detect.Class) bool { return a.Motor() == b.Motor() })
				if diff := cmp.Diff(want, got, boxes, classes, cmpopts.IgnoreFields(detect.Stop{}, "ID")); diff != "" {
					t.Errorf("second %d: stops (-without +with the gate):\n%s", second, diff)
				}
			})
			checkStanding(t, b.open(t), 77)
			spared := b.metric(t, "tidewatch_detect_spared_looks_total")
			if n := a.metric(t, "tidewatch_detect_spared_looks_total"); n != 0 || spared < test.spared || looks != 80 {
				t.Errorf("in %d looks the network was spared %v times without the gate and %v with it, want 0 and at least %v", looks, n, spared, test.spared)
			}
		})
	}
}

// TestGateRunsTheNetworkWhereItMust counts how often the network is run while
// the same picture is looked at.
func TestGateRunsTheNetworkWhereItMust(t *testing.T) {
	weak := detect.Detection{Box: detect.Box{X: 0.7, Y: 0.7, W: 0.1, H: 0.1}, Class: detect.Car, Score: 0.2}
	var passing [][]detect.Detection
	for look := range 100 { // never twice at a place, so that nothing comes to stand
		passing = append(passing, []detect.Detection{{Box: detect.Box{X: 0.009 * float64(look), Y: 0.1 * float64(look%9), W: 0.05, H: 0.05}, Class: detect.Car, Score: 0.36}})
	}
	for name, test := range map[string]struct {
		found       [][]detect.Detection
		least, most int // runs in 100 looks, one each second
	}{
		"an empty street":              {[][]detect.Detection{nil}, 9, 9}, // three at once, then each 15 s
		"a standing vehicle":           {[][]detect.Detection{sure(bay)}, 7, 10},
		"and what is hardly a vehicle": {[][]detect.Detection{append(sure(bay), weak)}, 7, 10},
		"what may be coming to stand":  {passing, 100, 100},
	} {
		t.Run(name, func(t *testing.T) {
			finder := &script{looks: test.found}
			r := newRig(t, watch.DefaultConfig(), finder, nil)
			pic := stage(t, true)
			for second := range 100 {
				if _, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)}); err != nil {
					t.Fatal(err)
				}
			}
			if finder.next < test.least || finder.next > test.most {
				t.Errorf("the network was run %d times, want %d to %d", finder.next, test.least, test.most)
			}
		})
	}
}

// onlooker finds in each picture what is known to be in it.
type onlooker map[*decode.Picture][]detect.Detection

func (o onlooker) Find(pic *decode.Picture) ([]detect.Detection, error) { return o[pic], nil }

// TestGateSeesComingAndLeaving has a vehicle come, stand and leave, with and
// without the gate.
func TestGateSeesComingAndLeaving(t *testing.T) {
	empty, taken := stage(t, false), stage(t, true)
	finder := onlooker{empty: nil, taken: sure(bay)}
	last := func(verify time.Duration) (stops map[string]detect.Stop, spared float64) {
		cfg := watch.DefaultConfig()
		cfg.Verify = verify
		r := newRig(t, cfg, finder, nil)
		stops = map[string]detect.Stop{}
		for second := range 120 {
			pic := empty
			if second >= 20 && second < 90 {
				pic = taken
			}
			seen, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range seen {
				stops[s.ID] = s
			}
		}
		return stops, r.metric(t, "tidewatch_detect_spared_looks_total")
	}
	want, never := last(0)
	got, spared := last(watch.DefaultConfig().Verify)
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 1 {
		t.Errorf("stops (-without +with the gate):\n%s", diff)
	}
	for _, s := range got {
		if !s.Start.Equal(at(20)) || !s.End.Equal(at(89)) || !s.Ended {
			t.Errorf("the vehicle stands %v to %v (ended: %v)", s.Start, s.End, s.Ended)
		}
	}
	if never != 0 || spared < 90 {
		t.Errorf("the network was spared %v looks without the gate and %v with it", never, spared)
	}
}

// open are the stops that a watcher returns for a look that is not made.
func (r rig) open(t *testing.T) []detect.Stop {
	t.Helper()
	stops, err := r.Look(t.Context(), at(-1), nil, detect.Shot{}) // earlier than the newest
	if err != nil {
		t.Fatal(err)
	}
	return stops
}

// TestLightChanges darkens the clip as a cloud would, and later lets a sharp
// shadow fall across both vehicles.
func TestLightChanges(t *testing.T) {
	r := newRig(t, watch.DefaultConfig(), vehicles(t), nil)
	var stops []detect.Stop
	walkway(t, 0, 40, func(second int, pic *decode.Picture) {
		switch {
		case second >= 25:
			pic = darkened(t, pic, 0.5, 0.13)
		case second >= 10:
			pic = darkened(t, pic, 0.6, 1)
		}
		var err error
		if stops, err = r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)}); err != nil {
			t.Fatal(err)
		}
	})
	checkStanding(t, stops, 39)
}

// TestRestartAtAnotherSize looks at a smaller stream after a restart: what is on
// disk came from the main one.
func TestRestartAtAnotherSize(t *testing.T) {
	cfg := watch.DefaultConfig()
	cfg.Dir = t.TempDir()
	finder := &script{looks: [][]detect.Detection{sure(bay)}}
	first := newRig(t, cfg, finder, nil)
	small := stage(t, true)
	defer small.Close()
	kept := unit(t, 0, small)
	large, err := jpegDecoder{}.DecodeTo(t.Context(), kept, small.Size().Mul(3))
	if err != nil {
		t.Fatal(err)
	}
	defer large.Close()
	for second := range 5 {
		shot := detect.Shot{At: at(second), Unit: unit(t, second, large)}
		if _, err := first.Look(t.Context(), at(second), small, shot); err != nil {
			t.Fatal(err)
		}
	}
	second := newRig(t, cfg, finder, nil)
	stops, err := second.Look(t.Context(), at(6), small, detect.Shot{At: at(6), Unit: unit(t, 6, large)})
	if err != nil || len(stops) != 1 || !stops[0].End.Equal(at(6)) {
		t.Errorf("after the restart: %+v, %v; want the stop to go on", stops, err)
	}
	if n := second.metric(t, "tidewatch_detect_lost_looks_total"); n != 0 {
		t.Errorf("%v looks were lost", n)
	}
}

// TestPace checks that a street is looked at often while something comes to
// stand, and rarely once it stands.
func TestPace(t *testing.T) {
	cfg := watch.DefaultConfig()
	r := newRig(t, cfg, vehicles(t), nil)
	if pace := r.Pace(); pace != cfg.Rest {
		t.Errorf("before anything was seen the pace is %s, want %s", pace, cfg.Rest)
	}
	paces := map[int]time.Duration{}
	walkway(t, 0, 40, func(second int, pic *decode.Picture) {
		if _, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)}); err != nil {
			t.Fatal(err)
		}
		paces[second] = r.Pace()
	})
	rests := 0
	for second := 2; second < 40; second++ {
		if paces[second] == cfg.Rest {
			rests++
		}
	}
	if paces[1] != cfg.Closest || rests < 30 {
		t.Errorf("paces %v, want %s while the vehicles have just come to stand, then mostly %s", paces, cfg.Closest, cfg.Rest)
	}
	if r.Blind() {
		t.Error("blind on a street that shows")
	}
	covered, err := picture.Decode(black(t))
	if err != nil {
		t.Fatal(err)
	}
	defer covered.Close()
	for second := 40; second < 46; second++ {
		if _, err := r.Look(t.Context(), at(second), covered, detect.Shot{At: at(second)}); err != nil {
			t.Fatal(err)
		}
	}
	if !r.Blind() || r.Pace() != cfg.Closest {
		t.Errorf("a covered lens: blind %v, pace %s", r.Blind(), r.Pace())
	}
}

// TestPaceWhereAVehicleComes shows one vehicle, once: where it may not stand it is
// looked at again soon, elsewhere it is not.
func TestPaceWhereAVehicleComes(t *testing.T) {
	pic := stage(t, true)
	defer pic.Close()
	vehicle := detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.1}
	cfg := watch.DefaultConfig()
	for name, test := range map[string]struct {
		area  detect.Box
		score float64
		want  time.Duration
	}{
		"in an area":         {detect.Box{X: 0.45, Y: 0.3, W: 0.3, H: 0.3}, 0.4, cfg.Closest},
		"beside it":          {detect.Box{X: 0.6, Y: 0.3, W: 0.3, H: 0.3}, 0.4, cfg.Rest},
		"hardly a vehicle":   {detect.Box{X: 0.45, Y: 0.3, W: 0.3, H: 0.3}, 0.3, cfg.Rest},
		"no area is watched": {detect.Box{}, 0.4, cfg.Rest},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			cfg.Areas = []detect.Box{test.area}
			found := onlooker{pic: {{Box: vehicle, Class: detect.Car, Score: test.score}}}
			r := newRig(t, cfg, found, nil)
			if _, err := r.Look(t.Context(), at(0), pic, detect.Shot{At: at(0)}); err != nil {
				t.Fatal(err)
			}
			if got := r.Pace(); got != test.want {
				t.Errorf("pace %s, want %s", got, test.want)
			}
		})
	}
}

// black is a covered lens, as a JPEG of the walkway's size.
func black(t *testing.T) []byte {
	t.Helper()
	var text bytes.Buffer
	if err := jpeg.Encode(&text, image.NewGray(image.Rect(0, 0, 768, 576)), nil); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// TestKilled drops a watcher in the middle of its work and lets another go on.
func TestKilled(t *testing.T) {
	cfg := watch.DefaultConfig()
	cfg.Dir = filepath.Join(t.TempDir(), "stops")
	var before, after []detect.Stop
	first := newRig(t, cfg, vehicles(t), nil)
	walkway(t, 0, 26, func(second int, pic *decode.Picture) {
		stops, err := first.Look(t.Context(), at(second), pic, detect.Shot{At: at(second), Unit: unit(t, second, pic)})
		if err != nil {
			t.Fatal(err)
		}
		before = stops
	})
	second := newRig(t, cfg, vehicles(t), nil)
	walkway(t, 40, 60, func(second_ int, pic *decode.Picture) {
		stops, err := second.Look(t.Context(), at(second_), pic, detect.Shot{At: at(second_), Unit: unit(t, second_, pic)})
		if err != nil {
			t.Fatal(err)
		}
		after = stops
	})
	checkStanding(t, after, 59)
	for i, s := range after {
		if s.ID != before[i].ID {
			t.Errorf("stop %s goes on as %s", before[i].ID, s.ID)
		}
		if diff := cmp.Diff(before[i].Observations[0], s.Observations[0], cmpopts.IgnoreUnexported(ingest.Unit{})); diff != "" {
			t.Errorf("the first picture has changed (-before +after):\n%.500s", diff)
		}
		if newest := s.Observations[len(s.Observations)-1]; !newest.At.Equal(at(59)) {
			t.Errorf("the newest picture is of %v", newest.At)
		}
	}
	if opened := second.metric(t, "tidewatch_detect_stops_opened_total"); opened != 0 {
		t.Errorf("the second watcher has opened %v stops", opened)
	}
}

// script gives a watcher prepared detections; one by one.
type script struct {
	looks [][]detect.Detection
	next  int
	err   error
}

func (s *script) Find(*decode.Picture) ([]detect.Detection, error) {
	if s.err != nil {
		return nil, s.err
	}
	found := s.looks[min(s.next, len(s.looks)-1)]
	s.next++
	return found, nil
}

var bay = detect.Box{X: 0.3, Y: 0.3, W: 0.2, H: 0.2}

func sure(box detect.Box) []detect.Detection {
	return []detect.Detection{{Box: box, Class: detect.Car, Score: 0.9}}
}

func TestEndedStopsAreKeptUntilSettled(t *testing.T) {
	cfg := watch.DefaultConfig()
	cfg.Dir = t.TempDir()
	finder := &script{looks: [][]detect.Detection{sure(bay)}}
	r := newRig(t, cfg, finder, nil)
	present, gone := stage(t, true), stage(t, false)
	end := 0
	for second := range 60 {
		pic := present
		if second >= 20 {
			pic, finder.looks = gone, [][]detect.Detection{nil}
		}
		stops, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second), Unit: unit(t, second, pic)})
		if err != nil {
			t.Fatal(err)
		}
		files := keptFiles(t, cfg.Dir)
		switch {
		case len(stops) == 1 && stops[0].Ended:
			end = second
			if !stops[0].End.Equal(at(19)) {
				t.Errorf("it ended at %v, want %v", stops[0].End, at(19))
			}
			if len(files) == 0 {
				t.Error("the stop is forgotten before the caller can have dealt with its end")
			}
		case end > 0 && len(files) == 0:
			t.Fatalf("second %d: the stop is forgotten, but nobody has dealt with its end", second)
		}
	}
	if end == 0 {
		t.Error("the stop never ended")
	}
	r.Settle()
	if files := keptFiles(t, cfg.Dir); len(files) > 0 {
		t.Errorf("left of a settled stop: %v", files)
	}
	if got := r.metric(t, "tidewatch_detect_stops_ended_total"); got != 1 {
		t.Errorf("%v stops ended, want 1", got)
	}
}

// keptFiles are the files of stops and their pictures in a folder.
func keptFiles(t *testing.T, dir string) []string {
	t.Helper()
	stops, err := filepath.Glob(filepath.Join(dir, "*.stop"))
	if err != nil {
		t.Fatal(err)
	}
	units, err := filepath.Glob(filepath.Join(dir, "*.unit"))
	if err != nil {
		t.Fatal(err)
	}
	return append(stops, units...)
}

func TestFinderFails(t *testing.T) {
	broken := errors.New("no network")
	r := newRig(t, watch.DefaultConfig(), &script{err: broken}, nil)
	if _, err := r.Look(t.Context(), start, stage(t, true), detect.Shot{At: start}); !errors.Is(err, broken) {
		t.Errorf("error is %v, want %v", err, broken)
	}
}

func TestFolderCannotBeMade(t *testing.T) {
	cfg := watch.DefaultConfig()
	cfg.Dir = filepath.Join(t.TempDir(), "file", "stops")
	if err := os.WriteFile(filepath.Dir(cfg.Dir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := watch.New(cfg, "kerb", &script{}, nil, nil, slog.New(slog.DiscardHandler), watch.NewMetrics(prometheus.NewRegistry()))
	if err == nil {
		t.Error("a watcher was made without its folder")
	}
}

// A clock that is set back a little stops nothing, and the looks that wait for
// it are counted.
func TestEarlyLooksAreCounted(t *testing.T) {
	r := newRig(t, watch.DefaultConfig(), &script{looks: [][]detect.Detection{sure(bay)}}, nil)
	pic := stage(t, true)
	for _, second := range []int{0, 1, 2, 3, 4, 5, 3, 4, 6} {
		stops, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)})
		if err != nil {
			t.Fatal(err)
		}
		if second > 3 && (len(stops) != 1 || stops[0].Ended) {
			t.Errorf("second %d: %d stops", second, len(stops))
		}
	}
	if got := r.metric(t, "tidewatch_detect_early_looks_total"); got != 2 {
		t.Errorf("%v early looks, want 2", got)
	}
}

// TestMorePicturesTellNoMore shows a vehicle that comes and leaves, once and
// many times a second: it is looked at about once, and the stop is the same.
func TestMorePicturesTellNoMore(t *testing.T) {
	for _, perSecond := range []int{1, 2, 8, 30} {
		t.Run(strconv.Itoa(perSecond), func(t *testing.T) {
			empty, taken := stage(t, false), stage(t, true)
			cfg := watch.DefaultConfig()
			cfg.Verify = 0
			r := newRig(t, cfg, onlooker{empty: nil, taken: sure(bay)}, nil)
			stops := map[string]detect.Stop{}
			for look := range 40 * perSecond {
				when := start.Add(time.Duration(look) * time.Second / time.Duration(perSecond))
				pic := empty
				if !when.Before(at(5)) && when.Before(at(15)) {
					pic = taken
				}
				seen, err := r.Look(t.Context(), when, pic, detect.Shot{At: when})
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range seen {
					stops[s.ID] = s
				}
			}
			if len(stops) != 1 {
				t.Errorf("%d stops, want 1", len(stops))
			}
			for _, s := range stops {
				late, early := s.Start.Sub(at(5)), at(15).Sub(s.End)
				if late < 0 || late >= time.Second || early <= 0 || early > time.Second || !s.Ended {
					t.Errorf("it begins %s late and ends %s early (ended: %v)", late, early, s.Ended)
				}
			}
			looked, passed := r.metric(t, "tidewatch_detect_looks_total"), r.metric(t, "tidewatch_detect_soon_looks_total")
			if looked+passed != float64(40*perSecond) || looked < 40 || looked > 50 {
				t.Errorf("of %d pictures %v were looked at and %v passed over", 40*perSecond, looked, passed)
			}
		})
	}
}
