package model

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/detect/plate"
)

const cornersModel = "clp_det.onnx"

const (
	// plateScore is the least score of a plate; with more, recall falls.
	plateScore = 0.3
	// plateOverlap is the intersection over union from which two boxes are one
	// plate.
	plateOverlap = 0.4
)

// plateMeans are taken off blue, green and red.
var plateMeans = [3]float32{104, 117, 123}

// foundPlate is a plate in a picture, relative to it.
type foundPlate struct {
	corners plate.Corners
	box     detect.Box
	score   float64
}

// cornerNetwork finds plates and their corners (RetinaFace's head on a small
// MobileNet). It sees plates best that are 60-200 pixels wide.
type cornerNetwork struct{ network *Network }

func newCornerNetwork(onnx []byte) (*cornerNetwork, error) {
	network, err := NewNetwork(cornersModel, onnx, "image", "loc", "conf", "landms")
	if err != nil {
		return nil, err
	}
	return &cornerNetwork{network}, nil
}

// find returns the plates of an 8-bit BGR Mat, the best first, corners
// relative to it.
func (n *cornerNetwork) find(mat gocv.Mat) ([]foundPlate, error) {
	input, err := plateTensor(mat)
	if err != nil {
		return nil, fmt.Errorf("find plates: %w", err)
	}
	outputs, err := n.network.Run(input)
	if err != nil {
		return nil, fmt.Errorf("find plates: %w", err)
	}
	plates, err := decodePlates(outputs, image.Pt(mat.Cols(), mat.Rows()))
	if err != nil {
		return nil, fmt.Errorf("find plates: %w", err)
	}
	return plates, nil
}

func plateTensor(mat gocv.Mat) (Tensor, error) {
	pixels, err := mat.DataPtrUint8()
	if err != nil {
		return Tensor{}, err
	}
	plane := mat.Rows() * mat.Cols()
	data := make([]float32, 3*plane)
	for i, v := range pixels {
		data[i%3*plane+i/3] = float32(v) - plateMeans[i%3]
	}
	return Tensor{Shape: []int64{1, 3, int64(mat.Rows()), int64(mat.Cols())}, Data: data}, nil
}

// prior is a square that the network's answers are relative to.
type prior struct{ x, y, side float64 }

// priors are the squares for an input of that size, in the order of the
// network's answers.
func priors(size image.Point) []prior {
	var all []prior
	for _, level := range []struct {
		stride int
		sides  [2]float64
	}{{8, [2]float64{24, 48}}, {16, [2]float64{96, 192}}, {32, [2]float64{384, 768}}} {
		s := float64(level.stride)
		columns, rows := (size.X+level.stride-1)/level.stride, (size.Y+level.stride-1)/level.stride
		for y := range rows {
			for x := range columns {
				for _, side := range level.sides {
					all = append(all, prior{(float64(x) + .5) * s, (float64(y) + .5) * s, side})
				}
			}
		}
	}
	return all
}

// decodePlates reads the network's loc [1,N,4], conf [1,N,2] and landms
// [1,N,8] for an input of that size.
func decodePlates(outputs []Tensor, size image.Point) ([]foundPlate, error) {
	all := priors(size)
	for i, width := range []int{4, 2, 8} {
		if len(outputs) != 3 || len(outputs[i].Data) != width*len(all) {
			return nil, fmt.Errorf("model %s: outputs do not fit an input of %v", cornersModel, size)
		}
	}
	loc, conf, landms := outputs[0].Data, outputs[1].Data, outputs[2].Data
	var plates []foundPlate
	for i, p := range all {
		score := float64(conf[2*i+1])
		if !(score >= plateScore) {
			continue
		}
		plates = append(plates, p.plate(score, size, loc[4*i:4*i+4], landms[8*i:8*i+8]))
	}
	return suppress(plates), nil
}

func (p prior) plate(score float64, size image.Point, loc, landms []float32) foundPlate {
	width, height := float64(size.X), float64(size.Y)
	at := func(d []float32) plate.Point {
		return plate.Point{
			X: (p.x + float64(d[0])*0.1*p.side) / width,
			Y: (p.y + float64(d[1])*0.1*p.side) / height,
		}
	}
	center := at(loc)
	w, h := p.side*math.Exp(float64(loc[2])*0.2)/width, p.side*math.Exp(float64(loc[3])*0.2)/height
	return foundPlate{
		// The network starts at the right bottom and goes on clockwise.
		corners: plate.Corners{at(landms[4:]), at(landms[6:]), at(landms), at(landms[2:])},
		box:     detect.Box{X: center.X - w/2, Y: center.Y - h/2, W: w, H: h},
		score:   score,
	}
}

// suppress keeps the best of the boxes that are about the same plate.
func suppress(plates []foundPlate) []foundPlate {
	slices.SortStableFunc(plates, func(a, b foundPlate) int { return cmp.Compare(b.score, a.score) })
	var kept []foundPlate
	for _, p := range plates {
		if !slices.ContainsFunc(kept, func(k foundPlate) bool { return k.box.IoU(p.box) > plateOverlap }) {
			kept = append(kept, p)
		}
	}
	return kept
}
