// Package networks opens the networks that set-up brought to this machine.
package networks

import (
	"fmt"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect/model"
)

// runtimeLibrary is the file of the library that runs the networks.
const runtimeLibrary = "libonnxruntime.so.1.26.0"

// Vehicles opens the network that finds vehicles. An empty dir stands for the
// default one; the caller closes what is returned.
func Vehicles(dir assets.Dir) (*model.Vehicles, error) {
	dir, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the vehicle network: %w", err)
	}
	path, err := dir.Model("yolox_nano.onnx")
	if err != nil {
		return nil, fmt.Errorf("open the vehicle network: %w", err)
	}
	return model.NewVehicles(path)
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
