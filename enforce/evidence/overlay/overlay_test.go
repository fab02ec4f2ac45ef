package overlay

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect/plate"
	plates "tidewatch/detect/plate/draw"
	"tidewatch/enforce/typeface"
)

var update = flag.Bool("update", false, "rewrite the golden pictures")

func painter(t testing.TB) *Painter {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.Font(assets.EvidenceFont)
	if err != nil {
		t.Fatal(err)
	}
	f, err := typeface.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	p := New(f)
	p.cell = image.Pt(320, 180) // what is larger takes the race detector minutes
	return p
}

// street is a painted street with a vehicle on its kerb; light tells one picture
// from another.
func street(width, height int, light uint8) *image.RGBA {
	pic := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			shade := light + uint8(y*60/height)
			pic.SetRGBA(x, y, color.RGBA{shade, shade, shade + 8, 255})
		}
	}
	fill := func(x0, y0, x1, y1 float64, c color.RGBA) {
		part := image.Rect(int(x0*float64(width)), int(y0*float64(height)), int(x1*float64(width)), int(y1*float64(height)))
		draw.Draw(pic, part, image.NewUniform(c), image.Point{}, draw.Src)
	}
	fill(0, .45, 1, .47, color.RGBA{200, 190, 60, 255})
	fill(.40, .5, .62, .75, color.RGBA{150, 40, 40, 255})
	fill(.44, .52, .58, .60, color.RGBA{60, 80, 90, 255})
	return pic
}

// aPlate is a plate that nobody has.
func aPlate(t testing.TB) image.Image {
	t.Helper()
	fonts, err := plates.Open(plates.Measured)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := fonts.Draw(rand.New(rand.NewPCG(1, 2)), plates.Plate{Style: plates.Styles[0], Text: "川A0T000"})
	if err != nil {
		t.Fatal(err)
	}
	if !plate.Valid("川A0T000") {
		t.Fatal("not the text of a plate")
	}
	return drawn
}

func jpegOf(t testing.TB, pic image.Image) []byte {
	t.Helper()
	var data bytes.Buffer
	if err := jpeg.Encode(&data, pic, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func picture(t testing.TB, data []byte) image.Image {
	t.Helper()
	pic, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return pic
}

var words = []string{
	"时间 2026-03-17 21:09:05（服务器时间，摄像机慢 0.3 秒）", "地点 成华区建设路东门", "方向 由南向北",
	"设备编号 51010800001190000001", "违法代码 1039", "防伪码 7Q2M-0X9K-4TNC-EWB1",
}

func TestGoldenPictures(t *testing.T) {
	p := painter(t)
	wide, narrow := jpegOf(t, street(640, 360, 60)), jpegOf(t, street(90, 60, 60))
	for name, make := range map[string]func() ([]byte, error){
		"marked": func() ([]byte, error) { return p.Mark(wide, words) },
		"narrow": func() ([]byte, error) { return p.Mark(narrow, words) },
		"composite": func() ([]byte, error) {
			return p.Composite([]Cell{
				{wide, "远景 2026-03-17 21:04:05"},
				{jpegOf(t, street(480, 270, 100)), "远景 2026-03-17 21:09:05"},
				{narrow, "特写 2026-03-17 21:09:05"},
				{jpegOf(t, aPlate(t)), "号牌 2026-03-17 21:06:35"},
			}, words)
		},
		"composite without plate": func() ([]byte, error) {
			return p.Composite([]Cell{{wide, "远景 1"}, {wide, "远景 2"}, {narrow, "特写"}}, words)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := make()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "_")+".golden.jpg")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if share := different(picture(t, kept), picture(t, got)); share > 0.001 {
				t.Errorf("%.4f of the pixels are not those of %s", share, path)
			}
		})
	}
}

// different is the share of pixels that clearly differ, 1 for other sizes.
// Another release of the JPEG or font code may round otherwise.
func different(a, b image.Image) float64 {
	if a.Bounds() != b.Bounds() {
		return 1
	}
	x, y := rgba(a), rgba(b)
	far := 0
	for i := 0; i < len(x.Pix); i += 4 {
		if distance(x.Pix[i:i+3], y.Pix[i:i+3]) > 40 {
			far++
		}
	}
	return float64(far) / float64(len(x.Pix)/4)
}

func rgba(pic image.Image) *image.RGBA {
	copied := image.NewRGBA(pic.Bounds())
	draw.Draw(copied, copied.Rect, pic, pic.Bounds().Min, draw.Src)
	return copied
}

// distance is the largest difference of two colours' parts, 0..255.
func distance(a, b []byte) int {
	most := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		most = max(most, d, -d)
	}
	return most
}

func TestNothingOfTheStreetIsCovered(t *testing.T) {
	original := jpegOf(t, street(640, 360, 60))
	marked, err := painter(t).Mark(original, words)
	if err != nil {
		t.Fatal(err)
	}
	copied := picture(t, marked)
	if size := copied.Bounds().Size(); size.X != 640 || size.Y <= 360 {
		t.Errorf("the copy has %v", size)
	}
	within := copied.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(image.Rect(0, 0, 640, 352)) // the last rows of blocks share their coding with the bar
	if share := different(picture(t, original).(*image.YCbCr).SubImage(image.Rect(0, 0, 640, 352)), within); share > 0 {
		t.Errorf("%v of the street's pixels have changed", share)
	}
}

func TestWordsLongerThanALineAreBroken(t *testing.T) {
	b, err := painter(t).bar(640, []string{strings.Repeat("很长的地名", 40), "1039"})
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	if got := strings.Join(b.lines, ""); !strings.HasPrefix(got, strings.Repeat("很长的地名", 40)) || !strings.HasSuffix(got, "1039") {
		t.Errorf("lines %q", b.lines)
	}
	for _, line := range b.lines {
		if !b.holds(line) {
			t.Errorf("line %q is too long", line)
		}
	}
}

func TestFit(t *testing.T) {
	noisy := street(640, 360, 60)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range noisy.Pix {
		noisy.Pix[i] += uint8(random.IntN(40))
	}
	data := jpegOf(t, noisy)
	for name, tc := range map[string]struct {
		limits Limits
		want   image.Point
	}{
		"no limits":        {Limits{}, image.Pt(640, 360)},
		"just enough":      {Limits{len(data), 640}, image.Pt(640, 360)},
		"one byte less":    {Limits{len(data) - 1, 0}, image.Pt(640, 360)},
		"half as many":     {Limits{len(data) / 2, 0}, image.Pt(640, 360)},
		"fewer pixels":     {Limits{0, 320}, image.Pt(320, 180)},
		"both":             {Limits{len(data) / 8, 320}, image.Pt(320, 180)},
		"a side in a line": {Limits{0, 1}, image.Pt(1, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Fit(data, tc.limits)
			if err != nil {
				t.Fatal(err)
			}
			if size := picture(t, got).Bounds().Size(); size != tc.want {
				t.Errorf("it has %v, want %v", size, tc.want)
			}
			if tc.limits.Bytes > 0 && len(got) > tc.limits.Bytes {
				t.Errorf("it has %d bytes, allowed are %d", len(got), tc.limits.Bytes)
			}
			untouched := tc.limits == Limits{} || tc.limits.Bytes == len(data)
			if bytes.Equal(got, data) != untouched {
				t.Errorf("the same file: %v, want %v", !untouched, untouched)
			}
		})
	}
	_, err := Fit(data, Limits{Bytes: 2000})
	if err == nil || !strings.Contains(err.Error(), "2000 bytes are allowed, and 640x360 pixels take") {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNoPicture(t *testing.T) {
	p := painter(t)
	for name, err := range map[string]error{
		"mark":      second(p.Mark([]byte("no picture"), words)),
		"composite": second(p.Composite([]Cell{{[]byte("no picture"), "远景"}}, words)),
		"fit":       second(Fit([]byte("no picture"), Limits{})),
	} {
		if err == nil || !strings.Contains(err.Error(), "not a JPEG picture") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
