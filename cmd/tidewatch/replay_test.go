package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/cmd/tidewatch/replay"
	"tidewatch/detect"
	"tidewatch/detect/watch"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func replayRig(t *testing.T) *watch.Watcher { return replayRigOf(t, watch.DefaultConfig()) }

func replayRigOf(t *testing.T, cfg watch.Config) *watch.Watcher {
	t.Helper()
	vehicles, err := networks.Vehicles("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vehicles.Close() })
	watcher, err := watch.New(cfg, "replay", vehicles, nil, nil, quiet(), watch.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		t.Fatal(err)
	}
	return watcher
}

// TestReplay runs a real clip in which a van and a car stand all the time while
// people walk by.
func TestReplay(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	clip, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	var out, progress bytes.Buffer
	found, err := replay.Film{Path: clip, FPS: 1}.Stops(t.Context(), replayRig(t), noon, &progress)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (printer{json.NewEncoder(&out), noon, nil}).print(found); err != nil {
		t.Fatal(err)
	}
	want := []detect.Box{
		{X: 652. / 768, Y: 44. / 576, W: 73. / 768, H: 58. / 576},
		{X: 734. / 768, Y: 51. / 576, W: 34. / 768, H: 43. / 576},
	}
	lines := json.NewDecoder(&out)
	lines.DisallowUnknownFields()
	stops := 0
	for ; lines.More(); stops++ {
		var got stopLine
		if err := lines.Decode(&got); err != nil {
			t.Fatal(err)
		}
		box := detect.Box{X: got.Box[0], Y: got.Box[1], W: got.Box[2], H: got.Box[3]}
		switch {
		case stops >= len(want):
			t.Errorf("one stop too many: %+v", got)
		case got.Type != "stop" || !got.Class.Motor() || box.IoU(want[stops]) < 0.7 || got.Plate != nil:
			t.Errorf("stop %d is %+v, want a motor vehicle at %+v", stops, got, want[stops])
		case got.Start > 2 || got.End < 77 || got.Looks < 70:
			t.Errorf("stop %d lasts %v to %v in %d looks, want the whole clip", stops, got.Start, got.End, got.Looks)
		}
	}
	if stops != len(want) {
		t.Errorf("%d stops, want %d", stops, len(want))
	}
	if n := strings.Count(progress.String(), "\n"); n != 7 {
		t.Errorf("progress has %d lines, want one for each ten seconds:\n%s", n, &progress)
	}
}

// TestReplayIsTheSameWithoutGate prints the stops of a real clip with the gate
// that spares the network, and with the network run on every picture.
func TestReplayIsTheSameWithoutGate(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	clip, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	printed := func(cfg watch.Config) string {
		found, err := replay.Film{Path: clip, FPS: 1}.Stops(t.Context(), replayRigOf(t, cfg), noon, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if _, err := (printer{json.NewEncoder(&out), noon, nil}).print(found); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	all := watch.DefaultConfig()
	all.Verify = 0
	with, without := printed(watch.DefaultConfig()), printed(all)
	if diff := cmp.Diff(without, with); diff != "" || strings.Count(with, "\n") != 2 {
		t.Errorf("stops (-without +with the gate):\n%s%s", diff, with)
	}
}

func TestReplayErrors(t *testing.T) {
	film := replay.Film{Path: filepath.Join(t.TempDir(), "none.mp4"), FPS: 1}
	stops, err := film.Stops(t.Context(), replayRig(t), noon, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "none.mp4") || len(stops) > 0 {
		t.Errorf("a missing video gave %v and error %v", stops, err)
	}
	if (&replayCmd{FPS: 1, Config: "rules.yaml", Truth: "truth.json"}).Validate() == nil {
		t.Error("a truth with the zones of a configuration was accepted")
	}
	for _, fps := range []float64{0, -1, 1e9} {
		if (&replayCmd{FPS: fps}).Validate() == nil {
			t.Errorf("%v pictures a second were accepted", fps)
		}
	}
}

const rules = `
cameras:
  - {id: street, url: "rtsp://127.0.0.1/street", password_env: NOT_SET_ANYWHERE}
sections:
  - {id: road, time_zone: UTC, observation_period: 30s, windows: [{announcement: "1", from: "13:00", until: "14:00"}]}
zones:
  - {id: kerb, camera: street, section: road, polygon: [[0.5, 0.5], [1, 0.5], [1, 1], [0.5, 1]]}
`

// TestReplayJudges prints stops of a minute: in the zone, elsewhere, in the zone in
// a queue, and there while parking is permitted.
func TestReplayJudges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	judge, err := openBench(path, "")
	if err != nil {
		t.Fatal(err)
	}
	stop := func(x float64, start time.Time) detect.Stop {
		return detect.Stop{Class: detect.Car, Box: detect.Box{X: x, Y: 0.6, W: 0.1, H: 0.1}, Start: start, End: start.Add(time.Minute)}
	}
	queued := stop(0.6, noon) // but for two seconds
	queued.Queued = []detect.Span{{From: noon, Until: queued.End.Add(-2 * time.Second)}}
	var out strings.Builder
	_, err = printer{json.NewEncoder(&out), noon, judge}.print([]detect.Stop{
		stop(0.6, noon), stop(0.1, noon), queued, stop(0.6, noon.Add(time.Hour)),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"stop","class":"car","start":0,"end":60,"box":[0.6,0.6,0.1,0.1],"looks":0,"plate":null}
{"type":"violation","section":"road","zone":"kerb","class":"car","since":0,"due":30,"reasons":[{"code":"no_window"},` +
		`{"code":"period_ran_out","from":"2026-03-02T12:00:00Z","until":"2026-03-02T12:01:00Z","required_ns":30000000000}]}
{"type":"stop","class":"car","start":0,"end":60,"box":[0.6,0.6,0.1,0.1],"looks":0,"queued":[[0,58]],"plate":null}
{"type":"stop","class":"car","start":3600,"end":3660,"box":[0.6,0.6,0.1,0.1],"looks":0,"plate":null}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if _, err := openBench(path, "gate"); err == nil || !strings.Contains(err.Error(), `no zone for camera "gate"`) {
		t.Errorf("another camera gives error %v", err)
	}
}
