package model

import (
	"fmt"
	"image"
	"math"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

const (
	yolov8Input = "images"
	yolov8Bins  = 16 // for each of the four distances of a box
	yolov8Rows  = 4*yolov8Bins + cocoClasses
)

// yolov8Outputs are the tensors before the last part of the network, which is
// made for one size only: for each stride the distances, as distributions, and
// the classes.
var yolov8Outputs = []string{"/model.22/Concat_output_0", "/model.22/Concat_1_output_0", "/model.22/Concat_2_output_0"}

// yolov8 is the YOLOv8 family: RGB 0..1 in, three grids of distributions out.
type yolov8 struct{}

func (yolov8) open(onnx []byte) ([]byte, string, []string, error) {
	cut, err := cutAt(onnx, yolov8Outputs...)
	if err != nil {
		return nil, "", nil, err
	}
	edited, err := freeSize(cut)
	return edited, yolov8Input, yolov8Outputs, err
}

func (yolov8) letterbox(shape, size image.Point) picture.Letterbox {
	return picture.NewCentredLetterbox(shape, size)
}

func (yolov8) prepare(bgr []float32) []float32 {
	plane := len(bgr) / 3
	blue, red := bgr[:plane], bgr[2*plane:]
	for i, b := range blue {
		blue[i], red[i] = red[i], b
	}
	for i := range bgr {
		bgr[i] /= 255
	}
	return bgr
}

func (yolov8) decode(frame picture.Letterbox, outputs []Tensor) ([]detect.Detection, error) {
	if len(outputs) != len(strides) {
		return nil, fmt.Errorf("the network has %d outputs, not those of YOLOv8", len(outputs))
	}
	var found []detect.Detection
	for i, stride := range strides {
		grid := yolov8Grid{frame: frame, stride: stride, columns: frame.Size.X / stride, data: outputs[i].Data}
		grid.cells = grid.columns * (frame.Size.Y / stride)
		if len(grid.data) != grid.cells*yolov8Rows {
			return nil, fmt.Errorf("the network's output is not that of YOLOv8 for %v", frame.Size)
		}
		for cell := range grid.cells {
			if d, ok := grid.detection(cell); ok {
				found = append(found, d)
			}
		}
	}
	return found, nil
}

// yolov8Grid is the output for one stride: rows of all cells, one after the
// other.
type yolov8Grid struct {
	frame          picture.Letterbox
	stride         int
	columns, cells int
	data           []float32
}

func (g yolov8Grid) at(row, cell int) float64 { return float64(g.data[row*g.cells+cell]) }

// leastLogit is a score before the sigmoid that no class of a vehicle can be below
// in a cell where all five together have minScore.
var leastLogit = math.Log(minScore / (5 - minScore))

// detection reads one cell. It is false when the cell says no vehicle.
func (g yolov8Grid) detection(cell int) (detect.Detection, bool) {
	logit := func(class int) float64 { return g.at(4*yolov8Bins+class, cell) }
	promising := false
	for class, name := range vehicleClasses {
		promising = promising || name != "" && logit(class) >= leastLogit
	}
	if !promising {
		return detect.Detection{}, false
	}
	d, ok := vehicle(func(class int) float64 { return 1 / (1 + math.Exp(-logit(class))) })
	if !ok {
		return detect.Detection{}, false
	}
	var sides [4]float64 // left, top, right, bottom, in strides from the cell's middle
	for side := range sides {
		sides[side] = g.distance(side, cell)
	}
	stride := float64(g.stride)
	x, y := float64(cell%g.columns)+0.5, float64(cell/g.columns)+0.5
	d.Box, ok = g.frame.Box((x-sides[0])*stride, (y-sides[1])*stride, (x+sides[2])*stride, (y+sides[3])*stride)
	return d, ok
}

// distance is the mean of the distribution of one side.
func (g yolov8Grid) distance(side, cell int) float64 {
	top := math.Inf(-1)
	for bin := range yolov8Bins {
		top = max(top, g.at(side*yolov8Bins+bin, cell))
	}
	sum, weighted := 0.0, 0.0
	for bin := range yolov8Bins {
		share := math.Exp(g.at(side*yolov8Bins+bin, cell) - top)
		sum += share
		weighted += share * float64(bin)
	}
	return weighted / sum
}
