package model

import (
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"gocv.io/x/gocv"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/ingest/decode"
)

const plateFont = "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"

// openPlates opens the reader that all tests share.
var openPlates = sync.OnceValues(func() (*PlateReader, error) {
	dir, err := openRuntime()
	if err != nil {
		return nil, err
	}
	return NewPlateReader(dir.Model)
})

func openRuntime() (assets.Dir, error) {
	dir, err := assets.Default()
	if err != nil {
		return "", err
	}
	library, err := dir.Library("libonnxruntime.so.1.26.0")
	if err != nil {
		return "", err
	}
	return dir, Open(library)
}

func plateReader(t *testing.T) *PlateReader {
	t.Helper()
	reader, err := openPlates()
	if err != nil {
		t.Fatal(err)
	}
	return reader
}

// drawing is a plate as ffmpeg draws it: one row of text, or two.
type drawing struct {
	upper, lower       string
	ground, characters string
	size               string
}

func (d drawing) filter() string {
	text := func(text string, size int, y string) string {
		return fmt.Sprintf("drawtext=fontfile=%s:text='%s':fontsize=%d:fontcolor=%s:x=(w-tw)/2:y=%s",
			plateFont, text, size, d.characters, y)
	}
	if d.lower == "" {
		return text(d.upper, 76, "(h-th)/2")
	}
	return text(d.upper, 66, "18") + "," + text(d.lower, 104, "100")
}

// drawPlate draws a plate that nobody has.
func drawPlate(t *testing.T, d drawing) *decode.Picture {
	t.Helper()
	if _, err := os.Stat(plateFont); err != nil {
		t.Fatalf("drawing plates needs the package fonts-noto-cjk: %v", err)
	}
	path := filepath.Join(t.TempDir(), "plate.png")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color="+d.ground+":s="+d.size,
		"-vf", d.filter(), "-frames:v", "1", path).CombinedOutput()
	if err != nil {
		t.Fatalf("draw plate: %v: %s", err, out)
	}
	pic, err := picture.DecodeFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pic.Close() })
	return pic
}

const (
	blueGround   = "0x1040c0"
	greenGround  = "0x60d080"
	yellowGround = "0xf0c020"
	oneRow       = "440x140"
	twoRows      = "440x220"
)

func TestReadCrop(t *testing.T) {
	reader := plateReader(t)
	for _, tc := range []struct {
		name  string
		plate drawing
		text  string
		kind  plate.Kind
	}{
		{"blue", drawing{"苏E7K392", "", blueGround, "white", oneRow}, "苏E7K392", plate.Blue},
		{"green, small", drawing{"粤BD12345", "", greenGround, "black", oneRow}, "粤BD12345", plate.Green},
		{"green, large", drawing{"沪A06158F", "", greenGround, "black", oneRow}, "沪A06158F", plate.Green},
		{"yellow", drawing{"川A12345", "", yellowGround, "black", oneRow}, "川A12345", plate.Yellow},
		{"coach", drawing{"鲁B3F23学", "", yellowGround, "black", oneRow}, "鲁B3F23学", plate.Yellow},
		{"police", drawing{"京A1234警", "", "white", "black", oneRow}, "京A1234警", plate.White},
		{"Hong Kong", drawing{"粤Z1234港", "", "black", "white", oneRow}, "粤Z1234港", plate.Black},
		{"embassy", drawing{"使014578", "", "black", "white", oneRow}, "使014578", plate.Black},
		{"two rows", drawing{"湘A·", "93017", yellowGround, "black", twoRows}, "湘A93017", plate.Yellow},
		{"trailer", drawing{"冀D·", "H265挂", yellowGround, "black", twoRows}, "冀DH265挂", plate.Yellow},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := reader.ReadCrop(drawPlate(t, tc.plate))
			if err != nil {
				t.Fatal(err)
			}
			if got.Text != tc.text || got.Kind != tc.kind || !got.Accepted {
				t.Errorf("got %+v, want %s on a %s plate, accepted", got, tc.text, tc.kind)
			}
			if len(got.Chars) != len([]rune(tc.text)) || got.Confidence <= 0 || got.Confidence > 1 {
				t.Errorf("confidence %v, of characters %v", got.Confidence, got.Chars)
			}
		})
	}
}

func TestReadCropNeverAcceptsWhatIsNoPlate(t *testing.T) {
	reader := plateReader(t)
	for name, d := range map[string]drawing{
		"clock":          {"2026-11-23", "", "black", "white", oneRow},
		"clock on blue":  {"08\\:12\\:35", "", blueGround, "white", oneRow},
		"camera's name":  {"CAM 04 东门", "", "gray", "white", oneRow},
		"plate cut off":  {"E7K392", "", blueGround, "white", oneRow},
		"plate too long": {"苏E7K39215", "", blueGround, "white", oneRow},
		"nothing":        {" ", "", blueGround, "white", oneRow},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := reader.ReadCrop(drawPlate(t, d))
			if err != nil {
				t.Fatal(err)
			}
			if got.Accepted {
				t.Errorf("accepted %+v", got)
			}
		})
	}
}

// street is a picture of a road with one blue plate on a dark vehicle, seen
// aslant, and the corners of the plate and the box of the vehicle in it.
func street(t *testing.T) (*decode.Picture, plate.Corners, detect.Box) {
	t.Helper()
	const width, height = 960, 720
	vehicle := image.Rect(380, 260, 780, 620)
	corners := [4]image.Point{{520, 500}, {650, 512}, {650, 554}, {520, 540}}
	flat := drawPlate(t, drawing{"苏E7K392", "", blueGround, "white", oneRow})

	mat := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(110, 112, 108, 0), height, width, gocv.MatTypeCV8UC3)
	pic := &decode.Picture{Mat: mat}
	t.Cleanup(func() { pic.Close() })
	body := pic.Mat.Region(vehicle)
	defer body.Close()
	body.SetTo(gocv.NewScalar(48, 42, 40, 0))

	size := flat.Size()
	from := gocv.NewPointVectorFromPoints([]image.Point{{}, {X: size.X}, size, {Y: size.Y}})
	defer from.Close()
	to := gocv.NewPointVectorFromPoints(corners[:])
	defer to.Close()
	transform := gocv.GetPerspectiveTransform(from, to)
	defer transform.Close()
	placed, shape, white := gocv.NewMat(), gocv.NewMat(), gocv.NewMatWithSizeFromScalar(
		gocv.NewScalar(255, 0, 0, 0), size.Y, size.X, gocv.MatTypeCV8UC1)
	defer placed.Close()
	defer shape.Close()
	defer white.Close()
	gocv.WarpPerspective(flat.Mat, &placed, transform, image.Pt(width, height))
	gocv.WarpPerspective(white, &shape, transform, image.Pt(width, height))
	placed.CopyToWithMask(&pic.Mat, shape)

	var relative plate.Corners
	for i, p := range corners {
		relative[i] = plate.Point{X: float64(p.X) / width, Y: float64(p.Y) / height}
	}
	return pic, relative, detect.Box{X: 380. / width, Y: 260. / height, W: 400. / width, H: 360. / height}
}

func TestFindPlate(t *testing.T) {
	reader := plateReader(t)
	pic, corners, _ := street(t)
	found, err := reader.Find(pic)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		t.Fatalf("found %d plates, want 1: %+v", len(found), found)
	}
	got := found[0]
	if got.Text != "苏E7K392" || !got.Accepted || got.Kind != plate.Blue || got.Score < plateScore {
		t.Errorf("got %+v", got)
	}
	if farthest(got.Corners, corners) > 0.015 {
		t.Errorf("corners %.3f, want %.3f", got.Corners, corners)
	}
}

// farthest is how far apart two plates' corners are at most.
func farthest(a, b plate.Corners) float64 {
	most := 0.0
	for i := range a {
		most = max(most, math.Hypot(a[i].X-b[i].X, a[i].Y-b[i].Y))
	}
	return most
}

func TestReadVehicle(t *testing.T) {
	reader := plateReader(t)
	pic, corners, vehicle := street(t)
	for _, tc := range []struct {
		name string
		box  detect.Box
		text string
	}{
		{"the vehicle", vehicle, "苏E7K392"},
		{"a place without a plate", detect.Box{X: 0, Y: 0, W: .3, H: .3}, ""},
		{"a box beyond the edge", detect.Box{X: vehicle.X, Y: vehicle.Y, W: 1, H: 1}, "苏E7K392"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := reader.Read(pic, tc.box)
			if err != nil {
				t.Fatal(err)
			}
			if got.Text != tc.text || got.Accepted != (tc.text != "") {
				t.Errorf("got %+v, want %q", got, tc.text)
			}
			if tc.text != "" && farthest(got.Corners, corners) > 0.015 {
				t.Errorf("corners %.3f, want %.3f", got.Corners, corners)
			}
		})
	}
	if got, err := reader.Read(pic, detect.Box{X: 2, Y: 2, W: 1, H: 1}); err == nil {
		t.Errorf("a box outside the picture gave %+v", got)
	}
}

func TestReadInParallel(t *testing.T) {
	reader := plateReader(t)
	pic := drawPlate(t, drawing{"苏E7K392", "", blueGround, "white", oneRow})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got, err := reader.ReadCrop(pic); err != nil || got.Text != "苏E7K392" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	wg.Wait()
}

// What is not a picture must be an error: OpenCV would end the process.
func TestReadRefuses(t *testing.T) {
	reader := plateReader(t)
	empty := &decode.Picture{Mat: gocv.NewMat()}
	defer empty.Close()
	grey := &decode.Picture{Mat: gocv.NewMatWithSize(60, 200, gocv.MatTypeCV8UC1)}
	defer grey.Close()
	for name, pic := range map[string]*decode.Picture{"nil": nil, "empty": empty, "grey": grey} {
		t.Run(name, func(t *testing.T) {
			_, crop := reader.ReadCrop(pic)
			_, find := reader.Find(pic)
			_, read := reader.Read(pic, detect.Box{W: 1, H: 1})
			for what, err := range map[string]error{"ReadCrop": crop, "Find": find, "Read": read} {
				if !errors.Is(err, picture.ErrNotPicture) {
					t.Errorf("%s: got %v, want %v", what, err, picture.ErrNotPicture)
				}
			}
		})
	}
}

func TestNewPlateReaderFails(t *testing.T) {
	dir, err := openRuntime()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{cornersModel, textA.model, textA.dictionary, textB.model, textB.dictionary} {
		t.Run("without "+name, func(t *testing.T) {
			_, err := NewPlateReader(func(file string) (string, error) {
				if file == name {
					return assets.Dir(t.TempDir()).Model(file)
				}
				return dir.Model(file)
			})
			if !errors.Is(err, assets.ErrMissing) || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want %v naming it", err, assets.ErrMissing)
			}
		})
		if strings.HasSuffix(name, ".onnx") {
			t.Run("with a broken "+name, func(t *testing.T) {
				broken := filepath.Join(t.TempDir(), name)
				if err := os.WriteFile(broken, []byte("not a model"), 0o600); err != nil {
					t.Fatal(err)
				}
				_, err := NewPlateReader(func(file string) (string, error) {
					if file == name {
						return broken, nil
					}
					return dir.Model(file)
				})
				if err == nil || !strings.Contains(err.Error(), name) {
					t.Errorf("got %v, want an error naming the model", err)
				}
			})
		}
	}
}

func TestDictionaryMustFit(t *testing.T) {
	dir, err := openRuntime()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cut.txt")
	if err := os.WriteFile(path, []byte("0\r\n1\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := NewPlateReader(func(file string) (string, error) {
		if file == textA.dictionary {
			return path, nil
		}
		return dir.Model(file)
	})
	if err == nil {
		reader.Close()
		t.Fatal("a dictionary of two characters was taken")
	}
	if !strings.Contains(err.Error(), textA.model) {
		t.Errorf("got %v, want an error naming the model", err)
	}
}
