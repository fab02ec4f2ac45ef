package model

import (
	"bytes"
	_ "embed" // for the weights of our own reader
	"errors"
	"fmt"
	"image"
	"math"
	"strings"

	"gocv.io/x/gocv"

	"tidewatch/detect/plate"
)

// textFamily is what one kind of text network needs.
type textFamily struct {
	model      string
	dictionary string
	input      string
	output     string
	glyphs     image.Point // size of the plate in the input, in its upper left corner
	width      int         // of the input; what is right of the plate is 0
	// grey networks take one plane of mean 0 and deviation 1 instead of three of
	// -1..1.
	grey bool
}

// The first two readers. They were trained by different people on different
// pictures, which is what makes their agreement worth something.
var (
	textA = textFamily{
		model: "clp_v2_c_rec.onnx", dictionary: "clp_dict.txt",
		input: "x", output: "save_infer_model/scale_0.tmp_1", glyphs: image.Pt(112, 32), width: 320,
	}
	textB = textFamily{
		model: "ch_PP-OCRv4_rec_infer.onnx", dictionary: "ppocr_keys_v1.txt",
		input: "x", output: "softmax_11.tmp_0", glyphs: image.Pt(160, 48), width: 320,
	}
)

// ownText is the third reader. It was trained on drawn plates alone (see
// train/plates), and says plate.Index as it is, without a dictionary.
var ownText = textFamily{
	model: "plate_reader.onnx",
	input: "plate", output: "scores", glyphs: image.Pt(160, 48), width: 160, grey: true,
}

//go:embed weights/plate_reader.onnx
var ownWeights []byte

// OwnPlateReader is the network of our own that reads plates, which is part of
// the program.
func OwnPlateReader() (name string, weights []byte) { return "plate_reader.onnx", ownWeights }

// textNetwork reads the characters of a straightened plate.
type textNetwork struct {
	textFamily
	network *Network
	classes []int // the network's class -> plate.Index, 0 for what no plate has
}

func newTextNetwork(family textFamily, onnx, dictionary []byte) (*textNetwork, error) {
	network, err := NewNetwork(family.model, onnx, family.input, family.output)
	if err != nil {
		return nil, err
	}
	n := &textNetwork{textFamily: family, network: network, classes: ownClasses()}
	if family.dictionary != "" {
		n.classes = classes(dictionary)
	}
	if err := n.try(); err != nil {
		return nil, errors.Join(err, network.Close())
	}
	return n, nil
}

// try reads a blank, so that a dictionary that is not the network's shows when
// loading.
func (n *textNetwork) try() error {
	blank := gocv.NewMatWithSize(n.glyphs.Y, n.glyphs.X, gocv.MatTypeCV8UC3)
	defer blank.Close()
	_, err := n.scores(blank)
	return err
}

// classes reads a dictionary: class i is line i, and class 0 is none.
func classes(dictionary []byte) []int {
	found := []int{0}
	for line := range bytes.Lines(dictionary) {
		index := 0
		if character := []rune(strings.TrimRight(string(line), "\r\n")); len(character) == 1 {
			index, _ = plate.Index(character[0])
		}
		found = append(found, index)
	}
	return found
}

// ownClasses are those of a network that says plate.Index.
func ownClasses() []int {
	all := make([]int, plate.Classes)
	for i := range all {
		all[i] = i
	}
	return all
}

// read returns what a straightened plate of that colour says. The Mat is 8-bit
// BGR of any size, not empty.
func (n *textNetwork) read(straight gocv.Mat, colour plate.Kind) (plate.Sight, error) {
	scores, err := n.scores(straight)
	if err != nil {
		return plate.Sight{}, fmt.Errorf("read plate: %w", err)
	}
	sight := plate.Decode(scores, colour)
	step := float64(n.width) / float64(n.glyphs.X) / float64(len(scores))
	for i := range sight.Places {
		sight.Places[i] *= step
	}
	return sight, nil
}

func (n *textNetwork) scores(straight gocv.Mat) (plate.Scores, error) {
	tensor := n.tensor
	if n.grey {
		tensor = n.greyTensor
	}
	input, err := tensor(straight)
	if err != nil {
		return nil, err
	}
	outputs, err := n.network.Run(input)
	if err != nil {
		return nil, err
	}
	return n.decode(outputs[0])
}

// tensor fits a plate into the input as the network was trained: stretched to
// one size, normalised to -1..1, and the rest 0. A plate stretched over the
// whole input is not read.
func (n *textNetwork) tensor(straight gocv.Mat) (Tensor, error) {
	scaled := gocv.NewMat()
	defer scaled.Close()
	gocv.Resize(straight, &scaled, n.glyphs, 0, 0, gocv.InterpolationLinear)
	pixels, err := scaled.DataPtrUint8()
	if err != nil {
		return Tensor{}, err
	}
	plane := n.width * n.glyphs.Y
	data := make([]float32, 3*plane)
	for i, v := range pixels {
		x, y := i/3%n.glyphs.X, i/3/n.glyphs.X
		data[i%3*plane+y*n.width+x] = (float32(v)/255 - 0.5) / 0.5
	}
	return Tensor{Shape: []int64{1, 3, int64(n.glyphs.Y), int64(n.width)}, Data: data}, nil
}

// leastDeviation keeps the noise of a picture of nothing from being stretched,
// as it was in training.
const leastDeviation = 0.02

// greyTensor fits a plate into the input of our own network.
func (n *textNetwork) greyTensor(straight gocv.Mat) (Tensor, error) {
	grey := gocv.NewMat()
	defer grey.Close()
	gocv.CvtColor(straight, &grey, gocv.ColorBGRToGray)
	scaled := gocv.NewMat()
	defer scaled.Close()
	gocv.Resize(grey, &scaled, n.glyphs, 0, 0, gocv.InterpolationLinear)
	pixels, err := scaled.DataPtrUint8()
	if err != nil {
		return Tensor{}, err
	}
	return Tensor{Shape: []int64{1, 1, int64(n.glyphs.Y), int64(n.glyphs.X)}, Data: normalised(pixels)}, nil
}

// normalised gives lights of 0..255 the mean 0 and the deviation 1.
func normalised(lights []byte) []float32 {
	var sum, squares float64
	for _, v := range lights {
		sum += float64(v) / 255
		squares += float64(v) / 255 * float64(v) / 255
	}
	count := float64(len(lights))
	mean := sum / count
	deviation := math.Sqrt(max(squares/count-mean*mean, 0)) + leastDeviation
	data := make([]float32, len(lights))
	for i, v := range lights {
		data[i] = float32((float64(v)/255 - mean) / deviation)
	}
	return data
}

// decode keeps the characters that plates have. All else the network can say,
// the dot behind the office's letter first, counts as none. Some networks know
// a class behind their dictionary, the blank between words.
func (n *textNetwork) decode(out Tensor) (plate.Scores, error) {
	if len(out.Shape) != 3 || out.Shape[0] != 1 || len(out.Data) != int(out.Shape[1]*out.Shape[2]) ||
		int(out.Shape[2]) != len(n.classes) && int(out.Shape[2]) != len(n.classes)+1 {
		return nil, fmt.Errorf("model %s: output %v does not fit a dictionary of %d characters",
			n.model, out.Shape, len(n.classes)-1)
	}
	width := int(out.Shape[2])
	scores := make(plate.Scores, out.Shape[1])
	for t := range scores {
		for i, p := range out.Data[t*width : (t+1)*width] {
			index := 0
			if i < len(n.classes) {
				index = n.classes[i]
			}
			scores[t][index] += p
		}
	}
	return scores, nil
}
