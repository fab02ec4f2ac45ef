package model

import (
	"errors"
	"image"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

func vehicles(t testing.TB) *Vehicles {
	t.Helper()
	v, err := LoadVehicles(DefaultFamily, vehicleModel(t), NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// vehicleModel is the path of the network's file; the runtime is open then.
func vehicleModel(t testing.TB) string {
	t.Helper()
	dir, err := openRuntime()
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.Model("yolox_nano.onnx")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// walkway yields every tenth second of a walkway with pedestrians, where a van
// and a car stand.
func walkway(t *testing.T, visit func(second int, pic *decode.Picture)) {
	t.Helper()
	dir, err := openRuntime()
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
	for look, err := range file.Looks(0.1) {
		if err != nil {
			t.Fatal(err)
		}
		visit(int(look.At.Seconds()), look.Picture)
		look.Picture.Close()
	}
}

func TestFindVehicles(t *testing.T) {
	v := vehicles(t)
	van := detect.Box{X: 652. / 768, Y: 44. / 576, W: 73. / 768, H: 58. / 576}
	car := detect.Box{X: 734. / 768, Y: 51. / 576, W: 34. / 768, H: 43. / 576}
	looks := 0
	walkway(t, func(second int, pic *decode.Picture) {
		looks++
		found, err := v.Find(pic)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]detect.Box{"van": van, "car": car} {
			sure := 0
			for _, d := range found {
				if d.Class.Motor() && d.Score >= 0.7 && d.Box.IoU(want) >= 0.8 {
					sure++
				}
			}
			if sure != 1 {
				t.Errorf("second %d: the %s was found %d times", second, name, sure)
			}
		}
		for _, d := range found {
			if d.Class.Motor() && d.Score >= 0.4 && d.Box.IoU(van) < 0.5 && d.Box.IoU(car) < 0.5 {
				t.Errorf("second %d: a %s at %+v that is not there", second, d.Class, d.Box)
			}
		}
	})
	if looks != 8 {
		t.Errorf("%d looks, want 8", looks)
	}
}

func TestInputFollowsTheShape(t *testing.T) {
	tests := []struct {
		name        string
		shape, want image.Point
	}{
		{"16:9", image.Pt(1920, 1080), image.Pt(640, 384)},
		{"16:9, small", image.Pt(640, 360), image.Pt(640, 384)},
		{"16:9, upright", image.Pt(1080, 1920), image.Pt(384, 640)},
		{"4:3", image.Pt(768, 576), image.Pt(576, 416)},
		{"5:4", image.Pt(1280, 1024), image.Pt(544, 448)},
		{"square", image.Pt(500, 500), image.Pt(480, 480)},
		{"panorama", image.Pt(4096, 800), image.Pt(1088, 224)},
		{"a strip", image.Pt(5000, 10), image.Pt(1536, 160)},
		{"tiny", image.Pt(3, 2), image.Pt(576, 384)},
		{"one pixel", image.Pt(1, 1), image.Pt(480, 480)},
	}
	v := vehicles(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := inputSize(test.shape); got != test.want {
				t.Errorf("input of %v is %v, want %v", test.shape, got, test.want)
			}
			pic := blank(test.shape)
			defer pic.Close()
			if found, err := v.Find(pic); err != nil || len(found) > 0 {
				t.Errorf("in a grey picture there are %v (%v)", found, err)
			}
		})
	}
}

// TestFreeSizeChangesNothing runs the network as it came and as it was edited
// on the same input of the size it was made for.
func TestFreeSizeChangesNothing(t *testing.T) {
	fixed, err := os.ReadFile(vehicleModel(t))
	if err != nil {
		t.Fatal(err)
	}
	free, err := freeSize(fixed)
	if err != nil {
		t.Fatal(err)
	}
	input := Tensor{Shape: []int64{1, 3, 416, 416}, Data: make([]float32, 3*416*416)}
	random := rand.New(rand.NewPCG(1, 2))
	for i := range input.Data {
		input.Data[i] = float32(random.IntN(256))
	}
	var outputs []Tensor
	for _, onnx := range [][]byte{fixed, free} {
		network, err := NewNetwork("test", onnx, yoloxInput, yoloxOutput)
		if err != nil {
			t.Fatal(err)
		}
		defer network.Close()
		out, err := network.Run(input)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, out...)
	}
	if diff := cmp.Diff(outputs[0], outputs[1]); diff != "" {
		t.Errorf("the edit changed the result:\n%s", diff[:min(len(diff), 500)])
	}
}

func TestLoadVehiclesErrors(t *testing.T) {
	good, err := os.ReadFile(vehicleModel(t))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		file []byte // nil: no file
		want string
	}{
		{"missing", nil, "load vehicle model"},
		{"empty", []byte{}, "not an ONNX model"},
		{"text", []byte("version https://git-lfs.github.com/spec/v1\n"), "not an ONNX model"},
		{"cut off", good[:len(good)/2], "not an ONNX model"},
		{"weights overwritten", overwritten(good), "load vehicle model"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vehicles.onnx")
			if test.file != nil {
				if err := os.WriteFile(path, test.file, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			v, err := LoadVehicles(DefaultFamily, path, NewMetrics(prometheus.NewRegistry()))
			if err == nil {
				v.Close()
				t.Fatal("it was loaded")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %q does not say %q and the path", err, test.want)
			}
			if test.file == nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error %q is not ErrNotExist", err)
			}
		})
	}
}

// overwritten spoils the middle of a file and leaves its length.
func overwritten(file []byte) []byte {
	spoilt := append([]byte(nil), file...)
	for i := 2000; i < 4000; i++ {
		spoilt[i] = 0xff
	}
	return spoilt
}

func TestDistinct(t *testing.T) {
	box := detect.Box{X: 0.2, Y: 0.2, W: 0.2, H: 0.2}
	near := detect.Box{X: 0.22, Y: 0.2, W: 0.2, H: 0.2}
	far := detect.Box{X: 0.32, Y: 0.2, W: 0.2, H: 0.2}
	got := distinct([]detect.Detection{
		{Box: near, Class: detect.Truck, Score: 0.5},
		{Box: far, Class: detect.Car, Score: 0.2},
		{Box: box, Class: detect.Car, Score: 0.9},
	})
	want := []detect.Detection{{Box: box, Class: detect.Car, Score: 0.9}, {Box: far, Class: detect.Car, Score: 0.2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("distinct (-want +got):\n%s", diff)
	}
}
