package networks

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect/model"
)

// TestFamiliesAreTheConfigurations holds the three lists of families together.
func TestFamiliesAreTheConfigurations(t *testing.T) {
	configured := slices.Sorted(slices.Values(config.DetectorFamilies))
	if !slices.Equal(configured, model.Families()) {
		t.Errorf("the configuration knows %v, the code %v", configured, model.Families())
	}
	for _, family := range model.Families() {
		if own[family].file == "" || own[family].setup == "" {
			t.Errorf("%s has no file of its own", family)
		}
	}
}

func TestMissingNetworkSaysHowToGetIt(t *testing.T) {
	installed, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(string(installed), "lib"), filepath.Join(dir, "lib")); err != nil {
		t.Fatal(err)
	}
	for family, want := range map[string]string{
		"yolox": "script/setup demo brings it", "yolov8": "script/setup yolov8 brings it",
	} {
		v, err := Detector(assets.Dir(dir), family, "", prometheus.NewRegistry())
		if err == nil {
			v.Close()
		}
		if !errors.Is(err, assets.ErrMissing) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", family, err, want)
		}
	}
}

func TestInt8WhereTheProcessorKnowsIt(t *testing.T) {
	const float, int8 = "yolov8s.onnx", "yolov8s_int8.onnx"
	for name, test := range map[string]struct {
		there  []string
		family string
		vnni   bool
		want   string
	}{
		"both there":                    {[]string{float, int8}, "yolov8", true, int8},
		"a processor without":           {[]string{float, int8}, "yolov8", false, float},
		"not made":                      {[]string{float}, "yolov8", true, float},
		"a family that has no such one": {[]string{"yolox_nano.onnx", int8}, "yolox", true, "yolox_nano.onnx"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			models := filepath.Join(dir, "models")
			if err := os.Mkdir(models, 0o700); err != nil {
				t.Fatal(err)
			}
			for _, file := range test.there {
				if err := os.WriteFile(filepath.Join(models, file), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := detectorFile(assets.Dir(dir), test.family, "", test.vnni); err != nil || got != filepath.Join(models, test.want) {
				t.Errorf("file %s, %v; want %s", got, err, test.want)
			}
		})
	}
}
