package model

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

func TestLoadVehiclesNamesFileAndFamily(t *testing.T) {
	yoloxFile := vehicleModel(t)
	text := filepath.Join(t.TempDir(), "text.onnx")
	if err := os.WriteFile(text, []byte("not a network"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ family, path, want string }{
		"unknown family":    {"ssd", yoloxFile, `there is no family of networks "ssd": want yolov8 or yolox`},
		"the other family":  {"yolov8", yoloxFile, "as yolov8: the model has no tensor /model.22/Concat_output_0"},
		"no network at all": {"yolov8", text, "as yolov8: not an ONNX model"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := LoadVehicles(test.family, test.path, NewMetrics(prometheus.NewRegistry()))
			if err == nil {
				v.Close()
				t.Fatal("it was loaded")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
		})
	}
}

// TestManyCamerasShareOneNetwork lets many cameras look at once: each gets what
// it would have got alone, and no more run than there are cores.
func TestManyCamerasShareOneNetwork(t *testing.T) {
	v := vehicles(t)
	registry := prometheus.NewRegistry()
	v.turns = newTurns(2, NewMetrics(registry))
	var pictures []*decode.Picture
	var alone [][]detect.Detection
	walkway(t, func(_ int, pic *decode.Picture) {
		if len(pictures) == 3 {
			return
		}
		found, err := v.Find(pic)
		if err != nil {
			t.Fatal(err)
		}
		pictures = append(pictures, &decode.Picture{Mat: pic.Mat.Clone()})
		alone = append(alone, found)
	})
	const cameras, looks = 32, 3
	var group sync.WaitGroup
	for camera := range cameras {
		group.Go(func() {
			for look := range looks {
				i := (camera + look) % len(pictures)
				found, err := v.Find(pictures[i])
				if diff := cmp.Diff(alone[i], found); err != nil || diff != "" {
					t.Errorf("camera %d, look %d: error %v, found (-alone +together):\n%s", camera, look, err, diff)
				}
			}
		})
	}
	group.Wait()
	for _, pic := range pictures {
		pic.Close()
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if h := f.GetMetric()[0].GetHistogram(); h != nil && h.GetSampleCount() != cameras*looks+uint64(len(pictures)) {
			t.Errorf("%d waits were counted", h.GetSampleCount())
		}
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
}

// TestTurnsAreTakenInOrder holds the only core until many wait in a known order.
func TestTurnsAreTakenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		metrics := NewMetrics(prometheus.NewRegistry())
		turns := newTurns(1, metrics)
		end := turns.take()
		const waiting = 50
		var served []int
		for i := range waiting {
			go func() {
				end := turns.take()
				defer end()
				served = append(served, i) // alone by the turn
			}()
			synctest.Wait()
		}
		if n := testutil.ToFloat64(metrics.waiting); n != waiting {
			t.Errorf("%v wait, want %d", n, waiting)
		}
		end()
		synctest.Wait()
		for i, n := range served {
			if i != n {
				t.Fatalf("served %v, want the order in which they came", served)
			}
		}
		if len(served) != waiting || testutil.ToFloat64(metrics.waiting) != 0 {
			t.Errorf("%d were served, %v wait", len(served), testutil.ToFloat64(metrics.waiting))
		}
	})
}

// TestNoMoreRunThanThereAreCores counts those that run at once.
func TestNoMoreRunThanThereAreCores(t *testing.T) {
	const cores = 3
	turns := newTurns(cores, NewMetrics(prometheus.NewRegistry()))
	var running, most atomic.Int32
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for range 50 {
				end := turns.take()
				if n := running.Add(1); n > most.Load() {
					most.Store(n)
				}
				runtime.Gosched()
				running.Add(-1)
				end()
			}
		})
	}
	group.Wait()
	if n := most.Load(); n > cores {
		t.Errorf("%d ran at once, want at most %d", n, cores)
	}
}

// TestYolov8FindsVehicles runs the networks that set-up brings only when asked.
func TestYolov8FindsVehicles(t *testing.T) {
	dir, err := openRuntime()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"yolov8n.onnx", "yolov8s.onnx", "yolov8s_int8.onnx"} {
		t.Run(file, func(t *testing.T) {
			path, err := dir.Model(file)
			if err != nil {
				t.Skipf("%v; script/setup yolov8 brings it", err)
			}
			v, err := LoadVehicles("yolov8", path, NewMetrics(prometheus.NewRegistry()))
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			looks := 0
			walkway(t, func(second int, pic *decode.Picture) {
				looks++
				found, err := v.Find(pic)
				if err != nil {
					t.Fatal(err)
				}
				for name, want := range parked {
					if !seen(found, want, 0.4) {
						t.Errorf("second %d: the %s was not found in %v", second, name, found)
					}
				}
			})
			if looks == 0 {
				t.Error("no looks")
			}
		})
	}
}

// parked are the vehicles that stand all the time on the walkway.
var parked = map[string]detect.Box{
	"van": {X: 652. / 768, Y: 44. / 576, W: 73. / 768, H: 58. / 576},
	"car": {X: 734. / 768, Y: 51. / 576, W: 34. / 768, H: 43. / 576},
}

// seen reports whether a vehicle was found where it is.
func seen(found []detect.Detection, want detect.Box, score float64) bool {
	for _, d := range found {
		if d.Class.Motor() && d.Score >= score && d.Box.IoU(want) >= 0.5 {
			return true
		}
	}
	return false
}

// BenchmarkFind is one picture of a real street for each network that is set
// up: how long it takes, and how well the two parked vehicles are found in a
// look each second. Of the int8 form it tells how many of the float form's
// vehicles it finds.
func BenchmarkFind(b *testing.B) {
	dir, err := openRuntime()
	if err != nil {
		b.Fatal(err)
	}
	path, err := dir.Footage("vtest.avi")
	if err != nil {
		b.Fatal(err)
	}
	file, err := decode.OpenFile(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var pictures []*decode.Picture
	for look, err := range file.Looks(1) {
		if err != nil {
			b.Fatal(err)
		}
		defer look.Picture.Close()
		pictures = append(pictures, look.Picture)
	}
	var float [][]detect.Detection
	for _, network := range []struct{ family, file string }{
		{"yolox", "yolox_nano.onnx"}, {"yolov8", "yolov8n.onnx"}, {"yolov8", "yolov8s.onnx"}, {"yolov8", "yolov8s_int8.onnx"},
	} {
		b.Run(network.file, func(b *testing.B) {
			path, err := dir.Model(network.file)
			if err != nil {
				b.Skip(err)
			}
			v, err := LoadVehicles(network.family, path, NewMetrics(prometheus.NewRegistry()))
			if err != nil {
				b.Fatal(err)
			}
			defer v.Close()
			found := benchmarkFind(b, v, pictures)
			if network.file == "yolov8s_int8.onnx" && len(float) == len(found) {
				b.ReportMetric(agreement(float, found), "as-float/vehicle")
			}
			float = found
		})
	}
}

// agreement is the share of the vehicles of which one network is sure that
// another one finds.
func agreement(sure, found [][]detect.Detection) float64 {
	agreed, all := 0, 0
	for look := range sure {
		for _, d := range sure[look] {
			if d.Score >= 0.4 {
				all++
				agreed += count(seen(found[look], d.Box, minScore))
			}
		}
	}
	return float64(agreed) / float64(max(all, 1))
}

func benchmarkFind(b *testing.B, v *Vehicles, pictures []*decode.Picture) (all [][]detect.Detection) {
	held, sure, wrong := 0, 0, 0
	for _, pic := range pictures {
		found, err := v.Find(pic)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, found)
		for _, want := range parked {
			held += count(seen(found, want, minScore))
			sure += count(seen(found, want, 0.4))
		}
		for _, d := range found {
			wrong += count(d.Score >= 0.4 && d.Box.IoU(parked["van"]) < 0.5 && d.Box.IoU(parked["car"]) < 0.5)
		}
	}
	i := 0
	for b.Loop() {
		if _, err := v.Find(pictures[i%len(pictures)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
	looks := float64(len(pictures))
	b.ReportMetric(float64(held)/looks/float64(len(parked)), "held/vehicle")
	b.ReportMetric(float64(sure)/looks/float64(len(parked)), "sure/vehicle")
	b.ReportMetric(float64(wrong)/looks, "wrong/look")
	return all
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestFamilies(t *testing.T) {
	if diff := cmp.Diff([]string{"yolov8", "yolox"}, Families()); diff != "" {
		t.Error(diff)
	}
	if _, err := familyOf(DefaultFamily); err != nil {
		t.Error(fmt.Errorf("the default: %w", err))
	}
}

func TestVehicleOfClasses(t *testing.T) {
	const person, bench, train = 0, 13, 6
	const bicycle, car, motorcycle, bus, truck = 1, 2, 3, 5, 7
	tests := []struct {
		name   string
		scores map[int]float64
		class  detect.Class // empty: it is none
		score  float64
	}{
		{"a car", map[int]float64{car: 0.7}, detect.Car, 0.7},
		{"a van is a little of three", map[int]float64{truck: 0.34, car: 0.27, bus: 0.22}, detect.Truck, 0.83},
		{"more than certain", map[int]float64{truck: 0.7, car: 0.8}, detect.Car, 1},
		{"enough in all", map[int]float64{truck: 0.06, car: 0.05}, detect.Truck, 0.11},
		{"too little in all", map[int]float64{truck: 0.05, car: 0.04}, "", 0},
		{"a rider", map[int]float64{person: 0.8, motorcycle: 0.3, bicycle: 0.1}, detect.Motorcycle, 0.4},
		{"somebody", map[int]float64{person: 0.8, bicycle: 0.05}, "", 0},
		{"rather a bench", map[int]float64{bench: 0.4, car: 0.3}, "", 0},
		{"something like a train", map[int]float64{train: 0.35, truck: 0.3, bus: 0.2}, detect.Truck, 0.5},
		{"no number", map[int]float64{car: math.NaN(), truck: 0.5}, "", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := vehicle(func(class int) float64 { return test.scores[class] })
			if ok != (test.class != "") {
				t.Fatalf("it is a vehicle: %v; %+v", ok, got)
			}
			if ok && (got.Class != test.class || math.Abs(got.Score-test.score) > 1e-9) {
				t.Errorf("it is a %s at %v, want a %s at %v", got.Class, got.Score, test.class, test.score)
			}
			for k, name := range vehicleClasses {
				if ok && name != "" && got.Classes[name] != test.scores[k] {
					t.Errorf("%s has %v of it, want %v", name, got.Classes[name], test.scores[k])
				}
			}
		})
	}
}
