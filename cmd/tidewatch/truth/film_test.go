package truth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
	"tidewatch/enforce"
)

const film = `{"clip": "kerb.mp4", "fps": 25, "size": [640, 360], "duration": 60.2, "zone": [[0, 0.5], [1, 0.5], [1, 1]], "stops": [
  {"class": "car", "kind": "parked", "start": 2.5, "end": 60.2, "box": [0.1, 0.2, 0.3, 0.4], "plate": "京FTW139"},
  {"class": "bus", "kind": "pause", "start": 2, "end": 12, "box_at": 3, "box": [0.5, 0.5, 0.5, 0.5], "ignore": true}
]}`

func TestParse(t *testing.T) {
	got, err := truth.Parse([]byte(film))
	if err != nil {
		t.Fatal(err)
	}
	want := truth.Film{
		Clip: "kerb.mp4", Camera: truth.Fixed, FPS: 25, Size: [2]int{640, 360}, Duration: 60.2,
		Zone: enforce.Zone{Polygon: enforce.Polygon{{X: 0, Y: 0.5}, {X: 1, Y: 0.5}, {X: 1, Y: 1}}},
		Stops: []truth.Stop{
			{Class: detect.Car, Kind: truth.Parked, Start: 2.5, End: 60.2, BoxAt: 31.35, Box: detect.Box{X: 0.1, Y: 0.2, W: 0.3, H: 0.4}, Plate: "京FTW139"},
			{Class: detect.Bus, Kind: truth.Pause, Start: 2, End: 12, BoxAt: 3, Box: detect.Box{X: 0.5, Y: 0.5, W: 0.5, H: 0.5}, Ignore: true},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("film (-want +got):\n%s", diff)
	}
	for _, test := range []struct {
		width, height int
		duration      float64
		want          string // of the error
	}{
		{640, 360, 60.9, ""},
		{640, 360, 0, ""},
		{360, 640, 60.2, "640x360 pixels, this one has 360x640"},
		{640, 360, 30, "60.2 s, this one has 30.0 s"},
	} {
		err := got.Fits(test.width, test.height, test.duration)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%dx%d of %v s: error is %v, want %q", test.width, test.height, test.duration, err, test.want)
		}
	}
}

func TestWrongFilms(t *testing.T) {
	tests := []struct{ name, old, new, want string }{
		{"not JSON", `{"clip"`, `clip`, `not the truth of a film`},
		{"unknown field", `"clip"`, `"film": 1, "clip"`, `unknown field "film"`},
		{"more than one", `"ignore": true}
]}`, `"ignore": true}
]} {}`, `one file holds one film`},
		{"no name", `"kerb.mp4"`, `""`, `clip: it is empty`},
		{"camera", `"fps"`, `"camera": "drone", "fps"`, `camera: it is "drone"; give "fixed" or "carried"`},
		{"no pictures", `"fps": 25`, `"fps": 0`, `fps: it is 0`},
		{"no size", `[640, 360]`, `[640]`, `size: it is [640]; give width and height`},
		{"no length", `60.2, "zone"`, `-1, "zone"`, `duration: it is -1`},
		{"a line as zone", `, [1, 1]]`, `]`, `zone: it has 2 points`},
		{"half a point", `[1, 1]]`, `[1]]`, `zone[2]: it is [1]`},
		{"zone outside", `[1, 1]]`, `[1, 7]]`, `zone[2]: it is [1 7]`},
		{"class", `"car"`, `"tank"`, `stops[0].class: it is "tank"; give one of [car bus truck motorcycle bicycle]`},
		{"kind", `"pause"`, `"rest"`, `stops[1].kind: it is "rest"; give one of [parked pause queue]`},
		{"half a box", `[0.1, 0.2, 0.3, 0.4]`, `[0.1, 0.2]`, `stops[0].box: it is [0.1 0.2]`},
		{"pixels", `[0.1, 0.2, 0.3, 0.4]`, `[10, 20, 30, 40]`, `stops[0].box: it is [10 20 30 40]`},
		{"box beyond the edge", `[0.1, 0.2, 0.3, 0.4]`, `[0.8, 0.2, 0.3, 0.4]`, `stops[0].box`},
		{"flat box", `[0.1, 0.2, 0.3, 0.4]`, `[0.8, 0.2, 0, 0.4]`, `stops[0].box`},
		{"no start", `"start": 2.5, `, ``, `stops[0]: start is missing and end is 60.2`},
		{"ends before it starts", `"start": 2.5`, `"start": 60.2`, `stops[0]: start is 60.2 and end is 60.2`},
		{"ends after the film", `"end": 12`, `"end": 61`, `stops[1]: start is 2 and end is 61`},
		{"box of another moment", `"box_at": 3`, `"box_at": 13`, `stops[1].box_at: it is 13`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(film, test.old) {
				t.Fatalf("the film has no %s", test.old)
			}
			_, err := truth.Parse([]byte(strings.Replace(film, test.old, test.new, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
	_, err := truth.Parse([]byte(`{"stops": [{}]}`))
	if err == nil || strings.Count(err.Error(), "\n") != 7 {
		t.Errorf("all that is wrong is %v, want eight lines", err)
	}
}

// TestFilmsOfTheBench reads the truths that the accuracy bench measures with.
func TestFilmsOfTheBench(t *testing.T) {
	paths, err := filepath.Glob("../../accuracybench/truth/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no truths: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		film, err := truth.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if name := strings.TrimSuffix(filepath.Base(path), ".json"); !strings.HasPrefix(film.Clip, name) {
			t.Errorf("%s is of %s", path, film.Clip)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(film))
	f.Add([]byte(`{"stops": [{"box": [1e999]}]}`))
	f.Add([]byte(`{"zone": [[]], "size": [0, 0], "stops": [{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		film, err := truth.Parse(data)
		if err != nil {
			return
		}
		for _, s := range film.Stops {
			if !(s.Box.Area() > 0 && s.Start < s.End && s.BoxAt >= s.Start && s.BoxAt <= s.End) {
				t.Errorf("accepted %+v", s)
			}
		}
		var stops []detect.Stop
		for _, s := range film.Stops {
			stops = append(stops, detect.Stop{Box: s.Box, Start: at(s.Start), End: at(s.End)})
		}
		if tally := truth.Against(film, start, stops).Tally(); tally.Matched+tally.Missed > len(film.Stops) {
			t.Errorf("%d stops give %+v", len(film.Stops), tally)
		}
	})
}
