package picture

import (
	"errors"
	"image/color"
	"testing"

	"tidewatch/detect"
)

func TestSheet(t *testing.T) {
	var sheet Sheet
	defer sheet.Close()
	if _, err := sheet.JPEG(); err == nil {
		t.Error("an empty sheet was encoded")
	}
	pic := grey(t, 800, 400)
	red := color.RGBA{R: 255}
	box := detect.Box{X: 0.4, Y: 0.4, W: 0.2, H: 0.2}
	for row, boxes := range [][]detect.Box{{box, box}, {{X: 2, Y: 2, W: 0.1, H: 0.1}}} {
		if err := sheet.Row(); err != nil {
			t.Fatal(err)
		}
		for _, b := range boxes {
			if err := sheet.Put(row, pic, b, []Mark{{b, red}}, "words"); err != nil {
				t.Fatal(err)
			}
		}
	}
	data, err := sheet.JPEG()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	if size := whole.Size(); size.X != 2*cellSize.X || size.Y != 2*cellSize.Y {
		t.Errorf("two rows of two pictures take %v", size)
	}
	// The box takes a quarter of the width shown: its left edge is at 3/8.
	edge, inside := whole.Mat.GetVecbAt(100, cellSize.X*3/8), whole.Mat.GetVecbAt(100, cellSize.X/2)
	if edge[2] < 180 || edge[1] > 90 || inside[1] < 110 || inside[1] > 146 {
		t.Errorf("the box's edge is %v and its inside %v, want red and grey", edge, inside)
	}
	if empty := whole.Mat.GetVecbAt(cellSize.Y+100, cellSize.X+200); empty[1] > 60 {
		t.Errorf("where no picture is, it is %v", empty)
	}
}

func TestSheetLimits(t *testing.T) {
	var sheet Sheet
	defer sheet.Close()
	if err := sheet.Put(0, grey(t, 10, 10), detect.Box{W: 1, H: 1}, nil, ""); err == nil {
		t.Error("a picture went into a row that there is not")
	}
	for range maxSheetRows {
		if err := sheet.Row(); err != nil {
			t.Fatal(err)
		}
	}
	if err := sheet.Row(); !errors.Is(err, ErrSheetFull) {
		t.Errorf("one row too many gives %v", err)
	}
	if err := sheet.Put(0, nil, detect.Box{W: 1, H: 1}, nil, ""); !errors.Is(err, ErrNotPicture) {
		t.Errorf("no picture gives %v", err)
	}
}
