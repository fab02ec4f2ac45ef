package model

import (
	"encoding/binary"
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/ingest/decode"
)

func blank(size image.Point) *decode.Picture {
	return &decode.Picture{Mat: gocv.NewMatWithSizeFromScalar(gocv.NewScalar(128, 128, 128, 0), size.Y, size.X, gocv.MatTypeCV8UC3)}
}

// yoloxFrame is a picture of 1280x720 at the network's size.
func yoloxFrame() picture.Letterbox {
	return picture.Letterbox{Size: image.Pt(640, 384), Inner: image.Pt(640, 360)}
}

const yoloxCells = 80*48 + 40*24 + 20*12

// withoutClasses compares detections but for how the score is shared out.
var withoutClasses = cmpopts.IgnoreFields(detect.Detection{}, "Classes")

func TestYoloxDecode(t *testing.T) {
	// row sets one cell: what the network says, and of which class.
	type row struct {
		cell          int
		dx, dy, w, h  float32
		sure, classIs float32
		class         int
	}
	tests := []struct {
		name string
		rows []row
		want []detect.Detection
	}{
		{"nothing", nil, nil},
		{
			"a car in a fine cell",
			[]row{{80*10 + 20, 0.5, 0.5, 2, 1, 0.9, 0.8, 2}},
			[]detect.Detection{{Box: relative(164, 84, 8*math.Exp(2), 8*math.E), Class: detect.Car, Score: 0.72}},
		},
		{
			"a bus in a coarse cell",
			[]row{{80*48 + 40*24 + 20*5 + 7, 0, 0, 1, 1, 1, 0.5, 5}},
			[]detect.Detection{{Box: relative(7*32, 5*32, 32*math.E, 32*math.E), Class: detect.Bus, Score: 0.5}},
		},
		{"a person", []row{{80*10 + 20, 0.5, 0.5, 2, 1, 0.9, 0.8, 0}}, nil},
		{"too unsure", []row{{80*10 + 20, 0.5, 0.5, 2, 1, 0.3, 0.3, 2}}, nil},
		{"below the picture", []row{{80*47 + 20, 0.5, 0.5, 0, 0, 0.9, 0.8, 2}}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := make([]float32, yoloxCells*yoloxRow)
			for _, r := range test.rows {
				out := data[r.cell*yoloxRow:]
				copy(out, []float32{r.dx, r.dy, r.w, r.h, r.sure})
				out[5+r.class] = r.classIs
			}
			got, err := yolox{}.decode(yoloxFrame(), []Tensor{{Data: data}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateApprox(0, 1e-5), withoutClasses); diff != "" {
				t.Errorf("detections (-want +got):\n%s", diff)
			}
		})
	}
}

// relative is a box of the picture by its centre and size in the network's
// pixels, of which the picture fills 640x360.
func relative(cx, cy, w, h float64) detect.Box {
	return detect.Box{X: (cx - w/2) / 640, Y: (cy - h/2) / 360, W: w / 640, H: h / 360}
}

func TestYoloxDecodeRefusesOtherOutputs(t *testing.T) {
	for name, outputs := range map[string][]Tensor{
		"none":       nil,
		"other size": {{Data: make([]float32, 3549*yoloxRow)}},
		"two":        {{Data: make([]float32, yoloxCells*yoloxRow)}, {}},
	} {
		if found, err := (yolox{}).decode(yoloxFrame(), outputs); err == nil {
			t.Errorf("%s: found %v, want an error", name, found)
		}
	}
}

// FuzzYoloxCell feeds the decoding with any numbers, those that are not numbers
// included.
func FuzzYoloxCell(f *testing.F) {
	floats := func(values ...float32) []byte {
		var b []byte
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	f.Add(floats(0.5, 0.5, 1, 1, 0.9, 0, 0, 0.9), 3, 4)
	f.Add(floats(nan, nan, nan, nan, 1, 0, 0, 1), 0, 0)
	f.Add(floats(inf, -inf, inf, inf, inf, 0, 0, inf), 79, 47)
	f.Add(floats(0, 0, 200, -200, 2, 0, 0, nan), 79, 47)
	f.Fuzz(func(t *testing.T, data []byte, gx, gy int) {
		row := make([]float32, yoloxRow)
		for i := range row {
			if len(data) >= 4*i+4 {
				row[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
			}
		}
		d, ok := yoloxCell(yoloxFrame(), row, gx, gy, 8)
		if !ok {
			return
		}
		b := d.Box
		inside := b.X >= 0 && b.Y >= 0 && b.W > 0 && b.H > 0 && b.X+b.W <= 1+1e-9 && b.Y+b.H <= 1+1e-9
		if !inside || !(d.Score >= minScore && d.Score <= 1) || d.Class == "" {
			t.Errorf("row %v gave %+v", row[:8], d)
		}
	})
}

// FuzzFreeSize feeds the edit with any bytes: it may refuse, never crash.
func FuzzFreeSize(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x3a, 0x04, 0x5a, 0x00, 0x62, 0x00})
	f.Add([]byte{0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{0x3a, 0x0e, 0x5a, 0x0c, 0x12, 0x0a, 0x0a, 0x08, 0x12, 0x06, 0x0a, 0x00, 0x0a, 0x00, 0x0a, 0x00})
	f.Fuzz(func(t *testing.T, onnx []byte) {
		edited, err := freeSize(onnx)
		if err != nil {
			return
		}
		again, err := freeSize(edited)
		if err != nil || !cmp.Equal(edited, again) {
			t.Errorf("editing twice is not editing once: %x, %x (%v)", edited, again, err)
		}
	})
}
