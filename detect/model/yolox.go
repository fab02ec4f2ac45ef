package model

import (
	"fmt"
	"image"
	"math"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

const (
	yoloxInput  = "images"
	yoloxOutput = "output"
	yoloxRow    = 5 + 80 // box, objectness, COCO classes
)

// yoloxSize is the input that finds kerb vehicles best: 28-110 pixels high is
// where the network is at its best.
var yoloxSize = image.Pt(640, 384)

var yoloxStrides = []int{8, 16, 32}

// vehicleClasses are the vehicles among the classes of COCO.
var vehicleClasses = map[int]detect.Class{
	1: detect.Bicycle, 2: detect.Car, 3: detect.Motorcycle, 5: detect.Bus, 7: detect.Truck,
}

// yolox is the YOLOX family: BGR 0..255 in, one row for each grid cell out.
type yolox struct{}

func (yolox) prepare(pic *decode.Picture) (*picture.Letterbox, Tensor, error) {
	size := yoloxSize
	if shape := pic.Size(); shape.Y > shape.X {
		size = image.Pt(size.Y, size.X)
	}
	frame, err := picture.NewLetterbox(pic, size)
	if err != nil {
		return nil, Tensor{}, err
	}
	return frame, Tensor{Shape: []int64{1, 3, int64(size.Y), int64(size.X)}, Data: frame.BGR}, nil
}

func (yolox) decode(frame *picture.Letterbox, outputs []Tensor) ([]detect.Detection, error) {
	cells := 0
	for _, stride := range yoloxStrides {
		cells += (frame.Size.X / stride) * (frame.Size.Y / stride)
	}
	if len(outputs) != 1 || len(outputs[0].Data) != cells*yoloxRow {
		return nil, fmt.Errorf("the network's output is not that of YOLOX for %v", frame.Size)
	}
	rows := outputs[0].Data
	var found []detect.Detection
	for _, stride := range yoloxStrides {
		for gy := range frame.Size.Y / stride {
			for gx := range frame.Size.X / stride {
				if d, ok := yoloxCell(frame, rows[:yoloxRow], gx, gy, float64(stride)); ok {
					found = append(found, d)
				}
				rows = rows[yoloxRow:]
			}
		}
	}
	return found, nil
}

// yoloxCell reads one row. It is false when the row says no vehicle.
func yoloxCell(frame *picture.Letterbox, row []float32, gx, gy int, stride float64) (detect.Detection, bool) {
	objectness := float64(row[4])
	if !(objectness >= minScore) { // also false for what is not a number
		return detect.Detection{}, false
	}
	class, score := 0, 0.0
	for k := range row[5:] {
		if p := float64(row[5+k]); p > score {
			class, score = k, p
		}
	}
	score *= objectness
	vehicle, ok := vehicleClasses[class]
	if !ok || !(score >= minScore) {
		return detect.Detection{}, false
	}
	cx, cy := (float64(row[0])+float64(gx))*stride, (float64(row[1])+float64(gy))*stride
	w, h := math.Exp(float64(row[2]))*stride, math.Exp(float64(row[3]))*stride
	box, ok := frame.Box(cx-w/2, cy-h/2, cx+w/2, cy+h/2)
	return detect.Detection{Box: box, Class: vehicle, Score: min(score, 1)}, ok
}
