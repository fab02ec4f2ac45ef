package main

import (
	"image"
	"image/jpeg"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/ingest/simcam"
)

const drawnStreet = `
cameras:
  - {id: gate, name: 东门, url: "URL", username: tidewatch, password_env: GATE_PASSWORD}
  - {id: yard, url: "rtsp://127.0.0.1/yard"}
sections:
  - {id: road, observation_period: 5m}
zones:
  - {id: kerb, camera: gate, section: road, polygon: [[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]]}
bays:
  - {id: bay-1, camera: gate, polygon: [[0, 0], [0.15, 0], [0.15, 0.9], [0, 0.9]]}
`

// zonesFile writes the configuration of a camera at an address.
func zonesFile(t *testing.T, url string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tidewatch.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(drawnStreet, "URL", url, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func drawn(t *testing.T, path string) image.Image {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := jpeg.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// near reports whether a pixel has about a colour: JPEG changes it a little.
func near(picture image.Image, x, y int, r, g, b float64) bool {
	gotR, gotG, gotB, _ := picture.At(x, y).RGBA()
	far := func(got uint32, want float64) bool { return math.Abs(float64(got>>8)-want) > 25 }
	return !far(gotR, r) && !far(gotG, g) && !far(gotB, b)
}

// labelled reports whether the middle of a picture shows a zone's label: a good
// part of it has the full colour.
func labelled(picture image.Image) bool {
	size, full := picture.Bounds().Size(), 0
	for y := size.Y/2 - 10; y < size.Y/2+10; y++ {
		for x := size.X/2 - 15; x < size.X/2+15; x++ {
			if near(picture, x, y, 255, 221, 0) {
				full++
			}
		}
	}
	return full > 100
}

func TestZonesAreDrawnOverAPicture(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.jpg")
	command := zonesDrawCmd{
		Picture: blackPicture(t, dir), Camera: "gate", Output: out,
		configFlag: configFlag{Config: zonesFile(t, "rtsp://127.0.0.1/gate")},
	}
	if err := command.Run(t.Context()); err != nil { // no password is needed
		t.Fatal(err)
	}
	picture := drawn(t, out)
	if size := picture.Bounds().Size(); size != image.Pt(320, 200) {
		t.Errorf("the drawing is %v", size)
	}
	if !labelled(picture) {
		t.Error("the zone has no label")
	}
	for name, test := range map[string]struct {
		x, y    int
		r, g, b float64
	}{
		"outside":    {300, 20, 0, 0, 0},
		"in a zone":  {100, 150, 64, 55, 0},
		"in a bay":   {20, 150, 20, 55, 64},
		"other side": {240, 60, 64, 55, 0},
	} {
		if !near(picture, test.x, test.y, test.r, test.g, test.b) {
			t.Errorf("%s: the colour at %d,%d is %v", name, test.x, test.y, picture.At(test.x, test.y))
		}
	}
}

func TestZonesDrawSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	picture := blackPicture(t, dir)
	for name, test := range map[string]struct {
		command zonesDrawCmd
		want    string
	}{
		"no such camera":  {zonesDrawCmd{Picture: picture, Camera: "roof"}, `no camera "roof"; name one with --camera: gate, yard`},
		"which camera":    {zonesDrawCmd{Picture: picture}, "name one with --camera: gate, yard"},
		"nothing to draw": {zonesDrawCmd{Picture: picture, Camera: "yard"}, `no zone and no bay for camera "yard"`},
		"no picture":      {zonesDrawCmd{Picture: filepath.Join(dir, "none.jpg"), Camera: "gate"}, "none.jpg"},
		"not a picture":   {zonesDrawCmd{Picture: zonesFile(t, "rtsp://127.0.0.1/gate"), Camera: "gate"}, "neither JPEG nor PNG"},
		"no password":     {zonesDrawCmd{Live: true, Camera: "gate"}, "environment variable GATE_PASSWORD is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			test.command.Config = zonesFile(t, "rtsp://127.0.0.1/gate")
			test.command.Output = filepath.Join(dir, "out.jpg")
			if err := test.command.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
	for name, command := range map[string]zonesDrawCmd{
		"neither":      {Output: "a.jpg"},
		"both":         {Picture: "a.png", Live: true, Output: "a.jpg"},
		"other format": {Picture: "a.png", Output: "a.gif"},
	} {
		if command.Validate() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestZonesAreDrawnOverWhatTheCameraShows(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	film, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	video, err := simcam.Prepare(t.Context(), film, filepath.Join(string(dir), "prepared"))
	if err != nil {
		t.Fatal(err)
	}
	camera := simcam.New(simcam.Config{
		Listen: "127.0.0.1:0", Username: "tidewatch", Password: "kerb-side-42",
		Cameras: []simcam.Camera{{Path: "gate", Video: video}},
	}, slog.New(slog.DiscardHandler))
	if err := camera.Start(); err != nil {
		t.Fatal(err)
	}
	ran := make(chan error, 1)
	go func() { ran <- camera.Run(t.Context()) }()
	t.Cleanup(func() { <-ran }) // the test's context is done by then

	command := zonesDrawCmd{Live: true, Camera: "gate", Output: filepath.Join(t.TempDir(), "out.jpg")}
	command.Config = zonesFile(t, camera.URL("gate"))
	t.Setenv("GATE_PASSWORD", "kerb-side-42")
	if err := command.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	picture := drawn(t, command.Output)
	if size := picture.Bounds().Size(); size != image.Pt(768, 576) {
		t.Errorf("the drawing is %v", size)
	}
	if !labelled(picture) {
		t.Error("the zone has no label")
	}

	t.Setenv("GATE_PASSWORD", "hunter2")
	err = command.Run(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "password") {
		t.Errorf("with a wrong password: %v", err)
	}
}
