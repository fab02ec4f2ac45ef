package model

import (
	"cmp"
	"fmt"
	"image"
	"os"
	"runtime"
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

// Vehicles finds vehicles in pictures. It is safe for concurrent use: all
// cameras share one, and take turns at the cores.
type Vehicles struct {
	network *Network
	family  family
	turns   *turns
}

// LoadVehicles loads a network of a family from an ONNX file. Open must have
// succeeded before.
func LoadVehicles(familyName, modelPath string, metrics *Metrics) (*Vehicles, error) {
	kind, err := familyOf(familyName)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model: %w", err)
	}
	onnx, err := os.ReadFile(modelPath)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model: %w", err)
	}
	onnx, input, outputs, err := kind.open(onnx)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model %s as %s: %w", modelPath, familyName, err)
	}
	network, err := NewNetwork("vehicles", onnx, input, outputs...)
	if err != nil {
		return nil, fmt.Errorf("load vehicle model %s as %s: %w", modelPath, familyName, err)
	}
	return &Vehicles{network: network, family: kind, turns: newTurns(runtime.NumCPU(), metrics)}, nil
}

// Find returns the vehicles in a picture down to a score of 0.10, best first.
func (v *Vehicles) Find(pic *decode.Picture) ([]detect.Detection, error) {
	return v.find(pic, v.letterbox(pic.Size()))
}

// letterbox is the input for the whole of a picture of a shape.
func (v *Vehicles) letterbox(shape image.Point) picture.Letterbox {
	return v.family.letterbox(shape, inputSize(shape))
}

// find returns the vehicles that show in an input.
func (v *Vehicles) find(pic *decode.Picture, frame picture.Letterbox) ([]detect.Detection, error) {
	bgr, err := frame.Fill(pic)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	size := frame.Size
	input := Tensor{Shape: []int64{1, 3, int64(size.Y), int64(size.X)}, Data: v.family.prepare(bgr)}
	outputs, err := v.run(input)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	found, err := v.family.decode(frame, outputs)
	if err != nil {
		return nil, fmt.Errorf("find vehicles: %w", err)
	}
	return distinct(found), nil
}

// run waits for a core and runs the network on it.
func (v *Vehicles) run(input Tensor) ([]Tensor, error) {
	defer v.turns.take()()
	return v.network.Run(input)
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
