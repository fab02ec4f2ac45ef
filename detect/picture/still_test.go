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

	"github.com/google/go-cmp/cmp"
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
		if _, err := NewLetterbox(image.Pt(64, 64), image.Pt(64, 64)).Fill(pic); !errors.Is(err, ErrNotPicture) {
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
	whole := detect.Box{W: 1, H: 1}
	tests := []struct {
		name      string
		letterbox Letterbox
		size, at  image.Point
		view      detect.Box
	}{
		{"corner", NewLetterbox(pic.Size(), image.Pt(64, 64)), image.Pt(64, 64), image.Pt(0, 0), whole},
		{"room above and below", NewCentredLetterbox(pic.Size(), image.Pt(64, 64)), image.Pt(64, 64), image.Pt(0, 16), whole},
		{"room beside", NewCentredLetterbox(pic.Size(), image.Pt(96, 32)), image.Pt(96, 32), image.Pt(16, 0), whole},
		{"no room", NewCentredLetterbox(pic.Size(), image.Pt(64, 32)), image.Pt(64, 32), image.Pt(0, 0), whole},
		{
			"a part", NewCentredLetterbox(pic.Size(), image.Pt(64, 64)).Part(detect.Box{X: 0.3, Y: 0.6, W: 0.3, H: 0.2}, 8),
			image.Pt(24, 16), image.Pt(-16, -16),
			detect.Box{X: 0.25, Y: 0.5, W: 0.375, H: 0.5},
		},
		{
			"a part with room above", NewCentredLetterbox(pic.Size(), image.Pt(64, 64)).Part(detect.Box{X: 0.9, Y: -0.1, W: 0.2, H: 0.2}, 32),
			image.Pt(32, 32), image.Pt(-32, 16),
			detect.Box{X: 0.5, Y: 0, W: 0.5, H: 0.5},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := test.letterbox
			if diff := cmp.Diff(Letterbox{Size: test.size, Inner: image.Pt(64, 32), At: test.at}, l); diff != "" {
				t.Fatal(diff)
			}
			if view := l.View(); view != test.view {
				t.Errorf("it shows %+v, want %+v", view, test.view)
			}
			bgr, err := l.Fill(pic)
			if err != nil {
				t.Fatal(err)
			}
			if want := 3 * l.Size.X * l.Size.Y; len(bgr) != want {
				t.Fatalf("it has %d pixels, want %d", len(bgr), want)
			}
			for i, got := range bgr {
				at := image.Pt(i%(l.Size.X*l.Size.Y)%l.Size.X, i%(l.Size.X*l.Size.Y)/l.Size.X)
				in := at.Sub(l.At)
				want := []float32{20, 10, 255}[i/(l.Size.X*l.Size.Y)]
				switch {
				case !in.In(image.Rectangle{Max: l.Inner}):
					want = letterboxGrey
				case in.X == 31 || in.X == 32: // the edge is soft
					continue
				case in.X > 32:
					want = 128
				}
				if got != want {
					t.Fatalf("pixel %d, at %v, is %v, want %v", i, at, got, want)
				}
			}
			x, y := float64(l.At.X), float64(l.At.Y)
			if box, ok := l.Box(x+16, y+8, x+80, y+24); !ok || box != (detect.Box{X: 0.25, Y: 0.25, W: 0.75, H: 0.5}) {
				t.Errorf("box is %+v, %v", box, ok)
			}
			if box, ok := l.Box(x, y+40, x+64, y+60); ok {
				t.Errorf("a box below the picture is %+v", box)
			}
		})
	}
}

func TestLetterboxOfNothing(t *testing.T) {
	part := NewLetterbox(image.Pt(200, 100), image.Pt(64, 64)).Part(detect.Box{X: 2, Y: 2, W: 1, H: 1}, 8)
	if part.Size != (image.Point{}) {
		t.Errorf("a part outside the picture has the size %v", part.Size)
	}
}
