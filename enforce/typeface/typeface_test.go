package typeface

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/font"

	"tidewatch/cmd/tidewatch/assets"
)

// collection is the font that set-up brings.
func collection(t testing.TB) []byte {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	path, err := dir.Font(assets.EvidenceFont)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestFontOfACollection(t *testing.T) {
	data := collection(t)
	f, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	face, err := f.Face(20)
	if err != nil {
		t.Fatal(err)
	}
	if wide := font.MeasureString(face, "防伪码").Round(); wide != 60 {
		t.Errorf("three Chinese characters of 20 pixels are %d wide", wide)
	}
	if _, err := Parse(f.TrueType()); err != nil {
		t.Errorf("the font as a file of its own: %v", err)
	}
}

func TestWhatIsNoFont(t *testing.T) {
	data := collection(t)
	for name, bad := range map[string][]byte{
		"nothing":   nil,
		"text":      []byte("This is not a font, not at all."),
		"cut short": data[:len(data)/2],
		"only head": data[:200],
		"far away":  append([]byte("ttcf\x00\x02\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff"), data[:100]...),
	} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%s was taken for a font", name)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.ttf")); err == nil {
		t.Error("a file that is not there was opened")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("ttcf\x00\x02\x00\x00\x00\x00\x00\x01\x00\x00\x00\x10\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00head\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x08"))
	f.Add([]byte("\x00\x01\x00\x00\x00\x00"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		if parsed, err := Parse(data); err == nil {
			_, _ = parsed.Face(12)
		}
	})
}
