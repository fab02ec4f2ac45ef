package model

import (
	"fmt"
	"image"
	"math"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

const (
	yoloxInput  = "images"
	yoloxOutput = "output"
	yoloxRow    = 5 + cocoClasses // box, objectness, classes
)

// yolox is the YOLOX family: BGR 0..255 in, one row for each grid cell out.
type yolox struct{}

func (yolox) open(onnx []byte) ([]byte, string, []string, error) {
	edited, err := freeSize(onnx)
	return edited, yoloxInput, []string{yoloxOutput}, err
}

func (yolox) letterbox(shape, size image.Point) picture.Letterbox {
	return picture.NewLetterbox(shape, size)
}

func (yolox) prepare(bgr []float32) []float32 { return bgr }

func (yolox) decode(frame picture.Letterbox, outputs []Tensor) ([]detect.Detection, error) {
	cells := 0
	for _, stride := range strides {
		cells += (frame.Size.X / stride) * (frame.Size.Y / stride)
	}
	if len(outputs) != 1 || len(outputs[0].Data) != cells*yoloxRow {
		return nil, fmt.Errorf("the network's output is not that of YOLOX for %v", frame.Size)
	}
	rows := outputs[0].Data
	var found []detect.Detection
	for _, stride := range strides {
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
func yoloxCell(frame picture.Letterbox, row []float32, gx, gy int, stride float64) (detect.Detection, bool) {
	objectness := float64(row[4])
	if !(objectness >= minScore) { // also false for what is not a number
		return detect.Detection{}, false
	}
	d, ok := vehicle(func(class int) float64 { return objectness * float64(row[5+class]) })
	if !ok {
		return detect.Detection{}, false
	}
	cx, cy := (float64(row[0])+float64(gx))*stride, (float64(row[1])+float64(gy))*stride
	w, h := math.Exp(float64(row[2]))*stride, math.Exp(float64(row[3]))*stride
	d.Box, ok = frame.Box(cx-w/2, cy-h/2, cx+w/2, cy+h/2)
	return d, ok
}
