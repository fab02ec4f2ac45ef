package model

import (
	"encoding/binary"
	"errors"
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"

	"tidewatch/detect"
)

// yolov8Silence is an output that finds nothing, for an input size.
func yolov8Silence(size image.Point) []Tensor {
	var outputs []Tensor
	for _, stride := range strides {
		cells := (size.X / stride) * (size.Y / stride)
		data := make([]float32, cells*yolov8Rows)
		for i := 4 * yolov8Bins * cells; i < len(data); i++ {
			data[i] = -20
		}
		outputs = append(outputs, Tensor{Data: data})
	}
	return outputs
}

func TestYolov8Decode(t *testing.T) {
	frame := yoloxFrame()
	// say makes one cell of a grid speak: sides in strides, a class and its logit.
	say := func(outputs []Tensor, grid, cell int, sides [4]int, class int, logit float32) {
		cells := len(outputs[grid].Data) / yolov8Rows
		for side, bin := range sides {
			outputs[grid].Data[(side*yolov8Bins+bin)*cells+cell] = 30 // all of the distribution
		}
		outputs[grid].Data[(4*yolov8Bins+class)*cells+cell] = logit
	}
	tests := []struct {
		name string
		say  func([]Tensor)
		want []detect.Detection
	}{
		{"nothing", func([]Tensor) {}, nil},
		{
			"a car in a fine cell", // column 20, row 10: its middle is at 164, 84
			func(o []Tensor) { say(o, 0, 80*10+20, [4]int{2, 1, 4, 3}, 2, 0) },
			[]detect.Detection{{Box: relative(172, 92, 48, 32), Class: detect.Car, Score: 0.5}},
		},
		{
			"a motorcycle in a coarse cell", // column 7, row 5: its middle is at 240, 176
			func(o []Tensor) { say(o, 2, 20*5+7, [4]int{1, 1, 1, 1}, 3, float32(math.Log(3))) },
			[]detect.Detection{{Box: relative(240, 176, 64, 64), Class: detect.Motorcycle, Score: 0.75}},
		},
		{
			"a lorry, a car or a bus",
			func(o []Tensor) {
				for class, logit := range map[int]float32{2: -3, 5: -3, 7: -2.5} {
					say(o, 0, 80*10+20, [4]int{2, 1, 4, 3}, class, logit)
				}
			},
			[]detect.Detection{{Box: relative(172, 92, 48, 32), Class: detect.Truck, Score: 2/(1+math.Exp(3)) + 1/(1+math.Exp(2.5))}},
		},
		{"a person", func(o []Tensor) { say(o, 0, 900, [4]int{1, 1, 1, 1}, 0, 5) }, nil},
		{"too unsure", func(o []Tensor) { say(o, 0, 900, [4]int{1, 1, 1, 1}, 2, -2.3) }, nil},
		{"below the picture", func(o []Tensor) { say(o, 0, 80*47+20, [4]int{1, 0, 1, 1}, 2, 5) }, nil},
		{"not a number", func(o []Tensor) { say(o, 0, 900, [4]int{1, 1, 1, 1}, 2, float32(math.NaN())) }, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			outputs := yolov8Silence(frame.Size)
			test.say(outputs)
			got, err := yolov8{}.decode(frame, outputs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 1e-5), withoutClasses); diff != "" {
				t.Errorf("detections (-want +got):\n%s", diff)
			}
		})
	}
}

func TestYolov8RefusesOtherOutputs(t *testing.T) {
	good := yolov8Silence(image.Pt(640, 384))
	for name, outputs := range map[string][]Tensor{
		"none":       nil,
		"two":        good[:2],
		"other size": yolov8Silence(image.Pt(640, 640)),
		"no numbers": {{}, {}, {}},
	} {
		if found, err := (yolov8{}).decode(yoloxFrame(), outputs); err == nil {
			t.Errorf("%s: found %v, want an error", name, found)
		}
	}
}

func TestYolov8Input(t *testing.T) {
	bgr := []float32{0, 51, 102, 153, 204, 255}
	want := []float32{0.8, 1, 0.4, 0.6, 0, 0.2} // red first
	if diff := cmp.Diff(want, yolov8{}.prepare(bgr), cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Error(diff)
	}
}

// FuzzYolov8Cell feeds the decoding with any numbers, those that are not
// numbers included.
func FuzzYolov8Cell(f *testing.F) {
	nan, inf := math.Float32bits(float32(math.NaN())), math.Float32bits(float32(math.Inf(1)))
	var words []byte
	for range 4 * yolov8Bins {
		words = binary.LittleEndian.AppendUint32(words, inf)
	}
	f.Add(words, uint(0))
	f.Add(binary.LittleEndian.AppendUint32(nil, nan), uint(79))
	f.Fuzz(func(t *testing.T, data []byte, cell uint) {
		outputs := yolov8Silence(image.Pt(640, 384))[2].Data
		grid := yolov8Grid{frame: yoloxFrame(), stride: 32, columns: 20, cells: 240, data: outputs}
		at := int(cell % 240)
		for row := range yolov8Rows {
			if len(data) >= 4*row+4 {
				outputs[row*grid.cells+at] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*row:]))
			}
		}
		d, ok := grid.detection(at)
		if !ok {
			return
		}
		b := d.Box
		inside := b.X >= 0 && b.Y >= 0 && b.W > 0 && b.H > 0 && b.X+b.W <= 1+1e-9 && b.Y+b.H <= 1+1e-9
		if !inside || !(d.Score >= minScore && d.Score <= 1) || d.Class == "" {
			t.Errorf("a cell gave %+v", d)
		}
	})
}

// message is a field of bytes.
func message(field protowire.Number, parts ...[]byte) []byte {
	var content []byte
	for _, p := range parts {
		content = append(content, p...)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), content)
}

func node(in, out string) []byte {
	return message(graphNode, message(nodeInput, []byte(in)), message(nodeOutput, []byte(out)))
}

func TestCutAtDropsWhatComesAfter(t *testing.T) {
	model := message(modelGraph,
		node("images", "a"), node("a", "b"), node("a", "aside"), node("b", "c"), node("c", "end"),
		message(graphOutput, message(valueName, []byte("end"))),
	)
	edited, err := cutAt(model, "b", "a")
	if err != nil {
		t.Fatal(err)
	}
	want := message(modelGraph, node("images", "a"), node("a", "b"),
		message(graphOutput, floatTensor("b")), message(graphOutput, floatTensor("a")))
	if diff := cmp.Diff(want, edited); diff != "" {
		t.Errorf("model (-want +got):\n%s", diff)
	}
	if _, err := cutAt(model, "nowhere"); err == nil || err.Error() != "the model has no tensor nowhere" {
		t.Errorf("error is %v", err)
	}
	if _, err := cutAt(nil, "a"); !errors.Is(err, errNotONNX) {
		t.Errorf("an empty file gives %v", err)
	}
}

// FuzzCutAt feeds the edit with any bytes: it may refuse, never crash.
func FuzzCutAt(f *testing.F) {
	f.Add([]byte{})
	f.Add(message(modelGraph, node("images", "a"), node("a", "b")))
	f.Add([]byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, onnx []byte) {
		edited, err := cutAt(onnx, "a")
		if err != nil {
			return
		}
		again, err := cutAt(edited, "a")
		if err != nil || !cmp.Equal(edited, again) {
			t.Errorf("editing twice is not editing once: %x, %x (%v)", edited, again, err)
		}
	})
}
