// Package networks opens the networks that set-up brought to this machine.
package networks

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/cpu"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect/model"
	"tidewatch/enforce/proof"
)

// runtimeLibrary is the file of the library that runs the networks.
const runtimeLibrary = "libonnxruntime.so.1.26.0"

// own are the files that stand for a family of vehicle networks, and how they
// are set up. A processor with instructions for int8 (VNNI) runs the int8 form,
// where there is one, in about half of the time; others would be slower with it.
var own = map[string]struct{ file, int8, setup string }{
	model.DefaultFamily: {"yolox_nano.onnx", "", "script/setup demo"},
	"yolov8":            {"yolov8s.onnx", "yolov8s_int8.onnx", "script/setup yolov8"},
}

// vnni reports whether this processor has them.
func vnni() bool { return cpu.X86.HasAVX512VNNI || cpu.X86.HasAVXVNNI }

// Vehicles opens the default network that finds vehicles. An empty dir stands
// for the default one; the caller closes what is returned.
func Vehicles(dir assets.Dir) (*model.Vehicles, error) {
	return Detector(dir, model.DefaultFamily, "", prometheus.NewRegistry())
}

// Detector opens a network of a family that finds vehicles: a file, or without
// one the family's own.
func Detector(dir assets.Dir, family, file string, reg prometheus.Registerer) (*model.Vehicles, error) {
	dir, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the vehicle network: %w", err)
	}
	if file, err = detectorFile(dir, family, file, vnni()); err != nil {
		return nil, fmt.Errorf("open the vehicle network: %w", err)
	}
	return model.LoadVehicles(family, file, model.NewMetrics(reg))
}

// detectorFile is the path of the network's file: the one named, or else the
// family's own.
func detectorFile(dir assets.Dir, family, file string, vnni bool) (string, error) {
	if file != "" {
		return file, nil
	}
	known, ok := own[family]
	if !ok {
		return "", fmt.Errorf("the family %q has no file of its own", family)
	}
	if vnni && known.int8 != "" {
		if file, err := dir.Model(known.int8); err == nil {
			return file, nil
		}
	}
	file, err := dir.Model(known.file)
	if err != nil {
		return "", fmt.Errorf("%w; %s brings it", err, known.setup)
	}
	return file, nil
}

// Models says which networks are in use, by name and content.
func Models(dir assets.Dir, family, file string) (models []proof.Model, err error) {
	if file, err = detectorFile(dir, family, file, vnni()); err != nil {
		return nil, fmt.Errorf("tell the networks: %w", err)
	}
	paths := []string{file}
	for _, name := range model.PlateModels() {
		path, err := dir.Model(name)
		if err != nil {
			return nil, fmt.Errorf("tell the networks: %w", err)
		}
		paths = append(paths, path)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("tell the networks: %w", err)
		}
		models = append(models, modelOf(filepath.Base(path), text))
	}
	return append(models, modelOf(model.OwnPlateReader())), nil
}

func modelOf(name string, content []byte) proof.Model {
	sum := sha256.Sum256(content)
	return proof.Model{Name: name, SHA256: hex.EncodeToString(sum[:])}
}

// Plates opens the networks that read plates, as Vehicles does.
func Plates(dir assets.Dir) (*model.PlateReader, error) {
	dir, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the plate networks: %w", err)
	}
	return model.NewPlateReader(dir.Model)
}

// open loads the library.
func open(dir assets.Dir) (assets.Dir, error) {
	if dir == "" {
		var err error
		if dir, err = assets.Default(); err != nil {
			return "", err
		}
	}
	library, err := dir.Library(runtimeLibrary)
	if err != nil {
		return "", err
	}
	return dir, model.Open(library)
}
