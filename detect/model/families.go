package model

import (
	"fmt"
	"image"
	"maps"
	"slices"
	"strings"

	"tidewatch/detect"
	"tidewatch/detect/picture"
)

// family is a kind of vehicle network: how its file becomes a network for any
// size, what goes in, and what comes out means.
type family interface {
	// open edits the bytes of a file, and names the tensors of the result.
	open(onnx []byte) (edited []byte, input string, outputs []string, err error)
	// letterbox places a picture of a shape in an input of a size, as the network
	// learnt to see them.
	letterbox(shape, size image.Point) picture.Letterbox
	// prepare makes the network's input of a picture at its size, which it may
	// overwrite: planes of blue, green and red, 0..255.
	prepare(bgr []float32) []float32
	// decode reads the network's outputs; overlapping boxes are left in.
	decode(picture.Letterbox, []Tensor) ([]detect.Detection, error)
}

// DefaultFamily is the one that set-up brings.
const DefaultFamily = "yolox"

var families = map[string]family{
	DefaultFamily: yolox{},
	"yolov8":      yolov8{},
}

// Families names the kinds of network that can be loaded.
func Families() []string { return slices.Sorted(maps.Keys(families)) }

func familyOf(name string) (family, error) {
	f, ok := families[name]
	if !ok {
		return nil, fmt.Errorf("there is no family of networks %q: want %s", name, strings.Join(Families(), " or "))
	}
	return f, nil
}

// strides are the sizes of a grid cell, in pixels of the input, of all families.
var strides = []int{8, 16, 32}

// COCO's classes, by their numbers.
const (
	cocoClasses = 80
	cocoPerson  = 0
)

// vehicleClasses are the vehicles among them; the others have no name.
var vehicleClasses = [cocoClasses]detect.Class{
	1: detect.Bicycle, 2: detect.Car, 3: detect.Motorcycle, 5: detect.Bus, 7: detect.Truck,
}

// vehicle is what the scores of COCO's classes say of one box, which it leaves
// open. A van is shared out among car, truck and bus, so the score is that of all
// vehicles together. It is false where that is too low, or where something else is
// likelier, unless it is a person: that may be the driver, or a rider.
func vehicle(score func(class int) float64) (d detect.Detection, ok bool) {
	best, other := 0.0, 0.0
	for k, class := range vehicleClasses {
		s := min(score(k), 1)
		switch {
		case class != "":
			d.Score += s
			if d.Class == "" || s > best {
				d.Class, best = class, s
			}
		case k != cocoPerson:
			other = max(other, s)
		}
	}
	if !(d.Score >= minScore) || other > d.Score { // the former also for what is not a number
		return d, false
	}
	d.Score = min(d.Score, 1)
	d.Classes = map[detect.Class]float64{}
	for k, class := range vehicleClasses {
		if class != "" {
			d.Classes[class] = min(score(k), 1)
		}
	}
	return d, true
}

const (
	// inputArea is the input's, in pixels: 640x384, at which vehicles at a kerb
	// have the size that the networks know best. More of it costs as much more.
	inputArea = 640 * 384
	inputGrid = 32 // sides are multiples of it
	leastSide = 5 * inputGrid
)

// inputSize is the input in which a picture appears largest: 640x384 for 16:9,
// the same upright, and others for other shapes, none costing more.
func inputSize(shape image.Point) image.Point {
	var best image.Point
	largest := 0.0
	for h := leastSide; h*leastSide <= inputArea; h += inputGrid {
		for w := leastSide; w*h <= inputArea; w += inputGrid {
			fits := min(float64(w)/float64(shape.X), float64(h)/float64(shape.Y))
			if fits > largest || fits == largest && w*h < best.X*best.Y {
				best, largest = image.Pt(w, h), fits
			}
		}
	}
	return best
}
