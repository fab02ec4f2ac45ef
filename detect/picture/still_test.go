package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/detect"
	"tidewatch/ingest/decode"
)

func grey(t *testing.T, width, height int) *decode.Picture {
	t.Helper()
	pic := &decode.Picture{Mat: gocv.NewMatWithSizeFromScalar(gocv.NewScalar(128, 128, 128, 0), height, width, gocv.MatTypeCV8UC3)}
	t.Cleanup(func() { pic.Close() })
	return pic
}

func TestJPEGRoundTrip(t *testing.T) {
	pic, _ := signpost(t)
	for _, quality := range []int{-5, 50, 95, 300} {
		data, err := EncodeJPEG(pic, quality)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "picture.jpg")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		back, err := DecodeFile(path)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		if back.Size() != pic.Size() {
			t.Errorf("quality %d: size is %v, want %v", quality, back.Size(), pic.Size())
		}
		left, right := back.Mat.GetVecbAt(90, 150), back.Mat.GetVecbAt(110, 250)
		if left[2] < 200 || left[0] > 60 || right[0] < 200 || right[2] > 60 {
			t.Errorf("quality %d: left is %v, right %v; want red and blue", quality, left, right)
		}
	}
}

func TestCrop(t *testing.T) {
	tests := []struct {
		name   string
		box    detect.Box
		margin float64
		want   image.Point
	}{
		{"inside", detect.Box{X: 0.25, Y: 0.25, W: 0.5, H: 0.5}, 0, image.Pt(200, 100)},
		{"with margin", detect.Box{X: 0.25, Y: 0.25, W: 0.5, H: 0.5}, 0.1, image.Pt(240, 120)},
		{"margin beyond the edge", detect.Box{X: 0, Y: 0, W: 0.5, H: 0.5}, 0.1, image.Pt(220, 110)},
		{"less than a pixel", detect.Box{X: 0.5, Y: 0.5, W: 0.0001, H: 0.0001}, 0, image.Pt(1, 1)},
		{"larger than the picture", detect.Box{X: -5, Y: -5, W: 20, H: 20}, 1, image.Pt(400, 200)},
	}
	pic := grey(t, 400, 200)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			crop, err := Crop(pic, test.box, test.margin)
			if err != nil {
				t.Fatal(err)
			}
			defer crop.Close()
			if crop.Size() != test.want {
				t.Errorf("size is %v, want %v", crop.Size(), test.want)
			}
		})
	}
	if crop, err := Crop(pic, detect.Box{X: 1.2, Y: 0.2, W: 0.1, H: 0.1}, 0); err == nil {
		crop.Close()
		t.Error("a box outside the picture was cropped")
	}
}

func TestWrongPictures(t *testing.T) {
	single := &decode.Picture{Mat: gocv.NewMatWithSize(10, 10, gocv.MatTypeCV8U)}
	empty := &decode.Picture{Mat: gocv.NewMat()}
	defer single.Close()
	defer empty.Close()
	for name, pic := range map[string]*decode.Picture{"nil": nil, "empty": empty, "grey": single} {
		if _, err := EncodeJPEG(pic, 90); !errors.Is(err, ErrNotPicture) {
			t.Errorf("%s: encoding gave %v", name, err)
		}
		if _, err := Crop(pic, detect.Box{W: 1, H: 1}, 0); !errors.Is(err, ErrNotPicture) {
			t.Errorf("%s: cropping gave %v", name, err)
		}
		if _, err := NewLetterbox(pic, image.Pt(64, 64)); !errors.Is(err, ErrNotPicture) {
			t.Errorf("%s: scaling gave %v", name, err)
		}
		if _, err := new(Camera).Look(pic); !errors.Is(err, ErrNotPicture) {
			t.Errorf("%s: looking gave %v", name, err)
		}
	}
}

// hugePNG claims a size that OpenCV ends the process over.
func hugePNG(t testing.TB) []byte {
	var small bytes.Buffer
	if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	data := small.Bytes()
	header := data[12:29] // IHDR with its 13 bytes
	binary.BigEndian.PutUint32(header[4:], 1<<21)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(header))
	return data
}

func TestDecodeFileErrors(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty": {}, "text": []byte("no picture"), "huge": hugePNG(t), "cut off": hugePNG(t)[:40],
	} {
		path := filepath.Join(t.TempDir(), "picture")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if pic, err := DecodeFile(path); !errors.Is(err, ErrNotPicture) {
			t.Errorf("%s: got %v, %v; want ErrNotPicture", name, pic, err)
		}
	}
	if _, err := DecodeFile(filepath.Join(t.TempDir(), "none.jpg")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	var small bytes.Buffer
	if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		f.Fatal(err)
	}
	f.Add(small.Bytes())
	f.Add(hugePNG(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		pic, err := Decode(data)
		if err != nil {
			return
		}
		defer pic.Close()
		if err := check(pic); err != nil {
			t.Error(err)
		}
	})
}

func TestLetterbox(t *testing.T) {
	pic := grey(t, 200, 100)
	gocv.Rectangle(&pic.Mat, image.Rect(0, 0, 99, 99), color.RGBA{R: 255, G: 10, B: 20}, -1)
	l, err := NewLetterbox(pic, image.Pt(64, 64))
	if err != nil {
		t.Fatal(err)
	}
	if l.Inner != image.Pt(64, 32) {
		t.Fatalf("the picture takes %v, want (64,32)", l.Inner)
	}
	at := func(plane, x, y int) float32 { return l.BGR[plane*64*64+y*64+x] }
	for plane, want := range []float32{20, 10, 255} {
		if got := at(plane, 10, 10); got != want {
			t.Errorf("plane %d: the left half is %v, want %v", plane, got, want)
		}
		if got := at(plane, 50, 10); got != 128 {
			t.Errorf("plane %d: the right half is %v, want 128", plane, got)
		}
		if got := at(plane, 10, 40); got != letterboxGrey {
			t.Errorf("plane %d: below it is %v, want %v", plane, got, letterboxGrey)
		}
	}
	if box, ok := l.Box(16, 8, 80, 24); !ok || box != (detect.Box{X: 0.25, Y: 0.25, W: 0.75, H: 0.5}) {
		t.Errorf("box is %+v, %v", box, ok)
	}
	if box, ok := l.Box(0, 40, 64, 60); ok {
		t.Errorf("a box below the picture is %+v", box)
	}
}

func TestCentredLetterbox(t *testing.T) {
	for name, test := range map[string]struct{ size, at image.Point }{
		"room above and below": {image.Pt(64, 64), image.Pt(0, 16)},
		"room beside":          {image.Pt(96, 32), image.Pt(16, 0)},
		"no room":              {image.Pt(64, 32), image.Pt(0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			pic := grey(t, 200, 100)
			gocv.Rectangle(&pic.Mat, image.Rect(0, 0, 99, 99), color.RGBA{R: 255, G: 10, B: 20}, -1)
			l, err := NewCentredLetterbox(pic, test.size)
			if err != nil {
				t.Fatal(err)
			}
			if l.At != test.at || l.Inner != image.Pt(64, 32) {
				t.Fatalf("it lies at %v, %v large", l.At, l.Inner)
			}
			red := func(x, y int) float32 { return l.BGR[(2*test.size.Y+y)*test.size.X+x] }
			for x := range test.size.X {
				for y := range test.size.Y {
					want := float32(letterboxGrey)
					if in := image.Pt(x, y).Sub(l.At); in.In(image.Rectangle{Max: l.Inner}) {
						want = map[bool]float32{true: 255, false: 128}[in.X < 32]
					}
					if got := red(x, y); got != want && x-l.At.X != 31 && x-l.At.X != 32 { // the edge is soft
						t.Fatalf("red is %v at %d, %d; want %v", got, x, y, want)
					}
				}
			}
			x, y := float64(l.At.X), float64(l.At.Y)
			if box, ok := l.Box(x+16, y+8, x+80, y+24); !ok || box != (detect.Box{X: 0.25, Y: 0.25, W: 0.75, H: 0.5}) {
				t.Errorf("box is %+v, %v", box, ok)
			}
		})
	}
}
