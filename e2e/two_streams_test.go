package e2e

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg" // the pictures of a case
	"os/exec"
	"path/filepath"
	"testing"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/enforce"
	"tidewatch/ingest"
)

// smaller makes the film's sub-stream.
func smaller(t *testing.T, film string) string {
	t.Helper()
	small := filepath.Join(t.TempDir(), "small.avi")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-i", film,
		"-vf", "scale=512:384", "-c:v", "mpeg4", "-q:v", "3", small).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return small
}

// TestTwoStreams watches the street by its smaller stream and proves what it
// finds by the main one.
func TestTwoStreams(t *testing.T) {
	s := newStreet(t)
	film, err := assets.Dir(s.Assets).Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	cameras := start(t, []string{"CAMERASIM_PASSWORD=" + cameraPassword},
		"camerasim", "--listen=127.0.0.1:0", "--cache-dir="+t.TempDir(), "main="+film, "sub="+smaller(t, film))
	s.Camera = cameras.says(`(rtsp://\S+/main)`)
	s.Replace = [2]string{"    username:", "    sub_url: " + cameras.says(`(rtsp://\S+/sub)`) + "\n    username:"}
	w := s.run()
	ofVan, ofCar := w.twoCases()
	for _, c := range []enforce.Case{ofVan, ofCar} {
		s.checkFiles(c)
		s.fullSize(c)
	}
	if n := w.metric("tidewatch_ingest_key_units_total", `stream="sub"`); n < 5 {
		t.Errorf("%v key units of the smaller stream", n)
	}

	eventually(t, "a live camera with a picture", func() bool {
		response := w.get("/cameras.json")
		defer response.Body.Close()
		var cameras []struct {
			ID          string
			State       ingest.State
			PictureTime string `json:"picture_time"`
		}
		return json.NewDecoder(response.Body).Decode(&cameras) == nil && len(cameras) == 1 &&
			cameras[0].ID == "street" && cameras[0].State == ingest.Live && cameras[0].PictureTime != ""
	})
}

// fullSize checks that the pictures of a case are those of the main stream.
func (s *street) fullSize(c enforce.Case) {
	s.t.Helper()
	for _, kind := range []enforce.FileKind{enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue} {
		f, ok := c.Violation.Evidence.File(kind)
		if !ok {
			s.t.Errorf("case %s has no %s", c.ID, kind)
			continue
		}
		_, content := s.file(f.SHA256)
		if header, _, err := image.DecodeConfig(bytes.NewReader(content)); err != nil || header.Width != 768 || header.Height != 576 {
			s.t.Errorf("%s of case %s is %dx%d (%v), want the main stream's size", kind, c.ID, header.Width, header.Height, err)
		}
		if f.At.Before(c.Violation.Since) {
			s.t.Errorf("%s of case %s is of %s, before the stretch began at %s", kind, c.ID, f.At, c.Violation.Since)
		}
	}
}
