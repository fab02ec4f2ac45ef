package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect/model"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
)

// blackPicture writes a picture with nothing on it.
func blackPicture(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "black.png")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(file, image.NewRGBA(image.Rect(0, 0, 320, 200))), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlatesPrintsALineForEachPicture(t *testing.T) {
	reader, err := networks.Plates("")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	dir := t.TempDir()
	black := blackPicture(t, dir)
	broken := filepath.Join(dir, "broken.jpg")
	if err := os.WriteFile(broken, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.jpg")

	var out bytes.Buffer
	command := platesCmd{Pictures: []string{missing, broken, black}}
	err = command.print(t.Context(), reader, &out)
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, picture.ErrNotPicture) {
		t.Errorf("got %v, want both bad pictures told", err)
	}
	for _, path := range []string{missing, broken} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want it to name %s", err, path)
		}
	}
	if want := `{"picture":"` + black + `","plates":[]}` + "\n"; out.String() != want {
		t.Errorf("got %s, want %s", out.String(), want)
	}
}

func TestPlatesOfACrop(t *testing.T) {
	reader, err := networks.Plates("")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	black := blackPicture(t, t.TempDir())
	var out bytes.Buffer
	command := platesCmd{Pictures: []string{black}, Crop: true}
	if err := command.print(t.Context(), reader, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"accepted":false`, `"corners":[[0,0],[1,0],[1,1],[0,1]]`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got %s, want %s in it", out.String(), want)
		}
	}
}

func TestPlatesStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	command := platesCmd{Pictures: []string{"never.jpg"}}
	if err := command.print(ctx, nil, &out); !errors.Is(err, context.Canceled) || out.Len() > 0 {
		t.Errorf("got %v and %q, want only %v", err, out.String(), context.Canceled)
	}
}

func TestPlatesWithoutAssets(t *testing.T) {
	dir := t.TempDir()
	err := (&platesCmd{Pictures: []string{"any.jpg"}, Assets: dir}).Run(t.Context())
	if !errors.Is(err, assets.ErrMissing) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want %v naming %s", err, assets.ErrMissing, dir)
	}
}

func TestPlateLine(t *testing.T) {
	got := newPlateLine(model.Found{
		Read: plate.Read{
			Text: "苏E7K392", Kind: plate.Blue, Confidence: 0.912345, Accepted: true,
			Chars: []float64{0.99999, 0.912345},
		},
		Corners: plate.Corners{{X: 1. / 3}},
		Score:   0.5,
	})
	want := plateLine{
		Text: "苏E7K392", Kind: plate.Blue, Confidence: 0.9123, Accepted: true,
		Chars: []float64{1, 0.9123}, Corners: [4][2]float64{{0.3333}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
