package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/replay"
	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
)

const vtestTruth = "../accuracybench/truth/vtest.json"

// TestReplayFindsWhatPeopleSaw scores a real clip, and shows it on a sheet.
func TestReplayFindsWhatPeopleSaw(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	clip, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	sheet := filepath.Join(t.TempDir(), "sheet.jpg")
	c := replayCmd{Video: clip, FPS: 1, Truth: vtestTruth, Sheet: sheet}
	film, err := c.truth()
	if err != nil {
		t.Fatal(err)
	}
	found, err := replay.Film{Path: clip, FPS: 1}.Stops(t.Context(), replayRig(t), noon, new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.compare(film, printer{json.NewEncoder(&out), noon, nil}, replay.Long(found)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := `{"type":"summary","matched":2,"missed":0,"false":0,"doubled":0,"aside":0,"f1":1,` +
		`"start_error_median":0,"end_error_median":0.5,"plates_right":0,"plates_wrong":0,"plates_unread":0}`
	if diff := cmp.Diff(want, lines[len(lines)-1]); diff != "" {
		t.Errorf("summary (-want +got):\n%s\n%s", diff, &out)
	}
	pic, err := picture.DecodeFile(sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer pic.Close()
	if size := pic.Size(); size.X < 900 || size.Y < 400 {
		t.Errorf("the sheet of two stops has %v pixels", size)
	}
}

func TestTruthOfAnotherFilm(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	clip, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(vtestTruth)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"size":   {strings.Replace(string(data), "[768, 576]", "[1920, 1080]", 1), "the truth is of a film of 1920x1080 pixels"},
		"length": {strings.ReplaceAll(string(data), "79.5", "12"), "the truth is of a film of 12.0 s"},
		"broken": {"{", "not the truth of a film"},
	} {
		path := filepath.Join(t.TempDir(), "truth.json")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := (&replayCmd{Video: clip, Truth: path}).truth()
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want %q", name, err, test.want)
		}
	}
}

func TestOutcomeLines(t *testing.T) {
	box := detect.Box{X: 0.1, Y: 0.5, W: 0.2, H: 0.2}
	there := detect.Box{X: 0.6, Y: 0.5, W: 0.2, H: 0.2}
	film := truth.Film{Stops: []truth.Stop{
		{Class: detect.Car, Box: box, Start: 10, End: 40, BoxAt: 20, Kind: truth.Parked, Plate: "京FTW139"},
		{Class: detect.Bus, Box: there, Start: 20, End: 40, BoxAt: 20, Kind: truth.Parked},
	}}
	stop := func(b detect.Box, from, until time.Duration) detect.Stop {
		return detect.Stop{Class: detect.Car, Box: b, Start: noon.Add(from), End: noon.Add(until), Plate: plate.Read{Text: "京FTW139", Accepted: true}}
	}
	var out strings.Builder
	err := printer{json.NewEncoder(&out), noon, nil}.compare(truth.Against(film, noon, []detect.Stop{
		stop(box, 11*time.Second, 38*time.Second), stop(there, time.Second, 9*time.Second),
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"false","class":"car","start":1,"end":9,"box":[0.6,0.5,0.2,0.2]}
{"type":"matched","class":"car","start":11,"end":38,"box":[0.1,0.5,0.2,0.2],"start_error":1,"end_error":-2,"plate":"right"}
{"type":"missed","class":"bus","start":20,"end":40,"box":[0.6,0.5,0.2,0.2]}
{"type":"summary","matched":1,"missed":1,"false":1,"doubled":0,"aside":0,"f1":0.5,"start_error_median":1,"end_error_median":2,"plates_right":1,"plates_wrong":0,"plates_unread":0}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
