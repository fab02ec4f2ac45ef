package model

import (
	"cmp"
	"fmt"
	"os"
	"slices"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

// minScore is the lowest score of a detection that is reported: too low to
// believe that a vehicle is there, enough to believe that it is still there.
const minScore = 0.10

// sameVehicle is the overlap (intersection over union) from which two boxes of
// one picture are taken for one vehicle, whatever their classes.
const sameVehicle = 0.5

// family is a kind of vehicle network: what goes in, and what comes out means.
type family interface {
	// prepare brings a picture to the network's input.
	prepare(*decode.Picture) (*picture.Letterbox, Tensor, error)
	// decode reads the network's output; overlapping boxes are left in.
	decode(*picture.Letterbox, []Tensor) ([]detect.Detection, error)
}

// Vehicles finds vehicles in pictures. It is safe for concurrent use.
type Vehicles struct {
	network *Network
	family  family
}

// NewVehicles loads a vehicle network from an ONNX file. Open must have
// succeeded before.
func NewVehicles(modelPath string) (*Vehicles, error) {
	onnx, err := os.ReadFile(modelPath)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model: %w", err)
	}
	onnx, err = freeSize(onnx)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model %s: %w", modelPath, err)
	}
	network, err := NewNetwork("vehicles", onnx, yoloxInput, yoloxOutput)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model %s: %w", modelPath, err)
	}
	return &Vehicles{network: network, family: yolox{}}, nil
}

// Find returns the vehicles in a picture down to a score of 0.10, best first.
func (v *Vehicles) Find(pic *decode.Picture) ([]detect.Detection, error) {
	frame, input, err := v.family.prepare(pic)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	outputs, err := v.network.Run(input)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	found, err := v.family.decode(frame, outputs)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	return distinct(found), nil
}

// Close frees the network.
func (v *Vehicles) Close() error { return v.network.Close() }

// distinct keeps the best of each group of boxes that overlap.
func distinct(found []detect.Detection) []detect.Detection {
	slices.SortStableFunc(found, func(a, b detect.Detection) int { return cmp.Compare(b.Score, a.Score) })
	var kept []detect.Detection
	for _, d := range found {
		overlaps := slices.ContainsFunc(kept, func(k detect.Detection) bool { return k.Box.IoU(d.Box) > sameVehicle })
		if !overlaps {
			kept = append(kept, d)
		}
	}
	return kept
}
