package watch

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/plate"
	"tidewatch/ingest"
)

var (
	sps = []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x99}
	pps = []byte{0x68, 0xCE, 0x38, 0x80}
)

func keptUnit(n int) *ingest.Unit {
	return &ingest.Unit{
		Stamp: ingest.Stamp{Arrival: time.Unix(int64(n), 0).UTC()}, Session: 3, PTS: time.Duration(n) * time.Second,
		Format: ingest.NewFormat(ingest.H264, sps, pps),
		NALUs:  [][]byte{{byte(n)}, {5, 6, 7}}, Key: true,
	}
}

func keptPlace(id string, units ...*ingest.Unit) detect.Place {
	p := detect.Place{
		Stop:  detect.Stop{ID: id, Camera: "kerb", Start: time.Unix(1, 0).UTC(), End: time.Unix(9, 0).UTC(), Looks: 9},
		Box:   detect.Box{X: 0.1, Y: 0.2, W: 0.3, H: 0.4},
		Patch: make(detect.Patch, detect.PatchSide*detect.PatchSide),
		Backing: detect.Backing{
			Boxes: []detect.Box{{X: 0.1, Y: 0.2, W: 0.3, H: 0.4}},
			Votes: map[detect.Class]float64{detect.Car: 3},
		},
	}
	for _, u := range units {
		p.Stop.Observations = append(p.Stop.Observations, detect.Observation{At: u.Arrival, Box: p.Box, Unit: u})
	}
	return p
}

func newStore(t *testing.T, dir string) *store {
	t.Helper()
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func names(t *testing.T, dir, suffix string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && e.Name() != indexName {
			found = append(found, e.Name())
		}
	}
	return found
}

func TestStoreRoundTrip(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, dir)
	place := keptPlace("a", keptUnit(1), keptUnit(5))
	place.Stop.Observations = append(place.Stop.Observations, detect.Observation{At: time.Unix(7, 0).UTC(), Box: place.Box})
	place.Line = detect.Line{Came: true, Queue: []string{"b", "c"}, Freed: time.Unix(8, 0).UTC()}
	place.Doubt = detect.Doubt{Level: detect.Gone, Missed: 2, Absent: time.Unix(9, 0).UTC()}
	r := &reading{Reads: []plate.Read{{Text: "京A12345", Accepted: true}}, Attempts: 2, Next: time.Unix(20, 0).UTC()}
	r.Best, r.Shown = r.Reads[0], detect.Shot{At: time.Unix(6, 0).UTC(), Unit: keptUnit(6)}
	r.Best.Corners = plate.Corners{{X: 0.1}, {X: 0.2}, {X: 0.2, Y: 0.1}, {X: 0.1, Y: 0.1}}
	if err := s.save(place, r); err != nil {
		t.Fatal(err)
	}
	places, readings, err := newStore(t, dir).load()
	if err != nil {
		t.Fatal(err)
	}
	unexported := cmpopts.IgnoreUnexported(detect.Place{}, ingest.Unit{})
	if diff := cmp.Diff([]detect.Place{place}, places, unexported); diff != "" {
		t.Errorf("places (-saved +loaded):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]*reading{"a": r}, readings, unexported); diff != "" {
		t.Errorf("readings (-saved +loaded):\n%s", diff)
	}
}

// TestStoreKeepsWhatLeadsToAPicture keeps a picture between two key units, of a
// stream that changed its parameter sets on the way.
func TestStoreKeepsWhatLeadsToAPicture(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, dir)
	u, key, before := keptUnit(9), keptUnit(1), keptUnit(8)
	key.Format = ingest.NewFormat(ingest.H264, sps, []byte{0x68, 0xCE, 0x38, 0x81})
	before.Format, before.Key, u.Key = u.Format, false, false
	u.Lead = []*ingest.Unit{key, before}
	if err := s.save(keptPlace("a", u), nil); err != nil {
		t.Fatal(err)
	}
	places, _, err := newStore(t, dir).load()
	if err != nil {
		t.Fatal(err)
	}
	got := places[0].Stop.Observations[0].Unit
	for i, want := range u.Run() {
		of := got.Run()[i]
		if of.Key != want.Key || !cmp.Equal(want.Format, of.Format) || !cmp.Equal(want.NALUs, of.NALUs) {
			t.Errorf("number %d is %+v, want %+v", i, of, want)
		}
	}
	if got.Lead[1].Format != got.Format {
		t.Error("units of one format do not share it any more")
	}
}

func TestStoreSharesAndSweepsPictures(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, dir)
	for _, p := range []detect.Place{
		keptPlace("a", keptUnit(1), keptUnit(2)),
		keptPlace("b", keptUnit(2), keptUnit(3)),
		keptPlace("a", keptUnit(1), keptUnit(4)), // "a" again, thinned
	} {
		if err := s.save(p, nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir, unitSuffix); len(got) != 4 {
		t.Errorf("pictures on disk: %v, want 1 to 4", got)
	}
	if err := s.remove("b"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir, unitSuffix); len(got) != 2 {
		t.Errorf("pictures on disk: %v, want those of the stop that is left", got)
	}
	if err := s.remove("a"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir, ""); len(got) != 0 {
		t.Errorf("files left: %v", got)
	}
}

func TestStoreAfterACrash(t *testing.T) {
	tests := []struct {
		name   string
		damage func(t *testing.T, dir string)
		broken bool
		left   int
	}{
		{"nothing", func(*testing.T, string) {}, false, 2},
		{"a file half written", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "c.stop"+partialSuffix), "half")
		}, false, 2},
		{"a picture that no stop names", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "9-9-9"+unitSuffix), "orphan")
		}, false, 2},
		{"a stop spoilt", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "a"+stopSuffix), "spoilt")
		}, true, 1},
		{"a stop under another's name", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "a"+stopSuffix), filepath.Join(dir, "z"+stopSuffix)); err != nil {
				t.Fatal(err)
			}
		}, true, 1},
		{"a picture lost", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, unitName(keptUnit(1)))); err != nil {
				t.Fatal(err)
			}
		}, true, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := newStore(t, dir)
			for id, n := range map[string]int{"a": 1, "b": 2} {
				if err := s.save(keptPlace(id, keptUnit(n)), nil); err != nil {
					t.Fatal(err)
				}
			}
			test.damage(t, dir)
			places, _, err := newStore(t, dir).load()
			if (err != nil) != test.broken {
				t.Errorf("error is %v, want one: %v", err, test.broken)
			}
			if len(places) != test.left {
				t.Errorf("%d stops are left, want %d", len(places), test.left)
			}
			if got := len(names(t, dir, "")); got != 2*test.left {
				t.Errorf("%d files are left, want %d", got, 2*test.left)
			}
		})
	}
}

// TestEveryDamageToWhatIsKeptShows damages each file in every way that a disk
// or a person would.
func TestEveryDamageToWhatIsKeptShows(t *testing.T) {
	anchor := picture.Anchor{Width: 128, Height: 96, Grey: make([]byte, 128*96), Motion: [4]float64{1, 0, 0, 0}}
	dir := filepath.Join(t.TempDir(), "kerb")
	s := newStore(t, dir)
	for n := range 2 { // so that there is an older copy of each
		if n == 1 {
			copyFiles(t, dir, dir+".older")
		}
		for id, unit := range map[string]int{"a": 1, "b": 2} {
			if err := s.save(keptPlace(id, keptUnit(unit)), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.saveMemory("drawn", picture.Memory{Anchors: []picture.Anchor{anchor}}); err != nil {
			t.Fatal(err)
		}
	}
	for name, damage := range map[string]func(t *testing.T, path string, text []byte){
		"removed":    func(t *testing.T, path string, _ []byte) { remove(t, path) },
		"cut":        func(t *testing.T, path string, text []byte) { write(t, path, string(text[:len(text)/2])) },
		"emptied":    func(t *testing.T, path string, _ []byte) { write(t, path, "") },
		"zeroed":     func(t *testing.T, path string, text []byte) { write(t, path, string(make([]byte, len(text)))) },
		"first byte": func(t *testing.T, path string, text []byte) { text[0] ^= 1; write(t, path, string(text)) },
		"middle":     func(t *testing.T, path string, text []byte) { text[len(text)/2] ^= 4; write(t, path, string(text)) },
		"last byte":  func(t *testing.T, path string, text []byte) { text[len(text)-1] ^= 64; write(t, path, string(text)) },
		"an older copy": func(t *testing.T, path string, _ []byte) {
			older, err := os.ReadFile(filepath.Join(dir+".older", filepath.Base(path)))
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, string(older))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, file := range append(names(t, dir, ""), indexName) {
				if name == "an older copy" && (file == indexName || strings.HasSuffix(file, unitSuffix)) {
					continue // nothing is lost by the first, and the others never change
				}
				damaged := filepath.Join(t.TempDir(), "kerb")
				copyFiles(t, dir, damaged)
				path := filepath.Join(damaged, file)
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, path, text)
				s := newStore(t, damaged)
				_, _, said := s.load()
				if _, err := s.loadMemory("drawn"); said == nil && err == nil {
					t.Errorf("%s: nothing is said", file)
				}
			}
		})
	}
}

func TestAFolderThatWasTakenAwayIsMissed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kerb")
	s := newStore(t, dir)
	if err := errors.Join(s.save(keptPlace("a", keptUnit(1)), nil), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := newStore(t, dir).load(); err == nil || !strings.Contains(err.Error(), "was taken away") {
		t.Errorf("error %v", err)
	}
	if _, _, err := newStore(t, dir).load(); err != nil {
		t.Errorf("it is said twice: %v", err)
	}
}

func TestAnotherCamerasFileIsNotTaken(t *testing.T) {
	dir := t.TempDir()
	east, west := newStore(t, filepath.Join(dir, "east")), newStore(t, filepath.Join(dir, "west"))
	for _, s := range []*store{east, west} {
		if err := s.saveMemory("drawn", picture.Memory{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(east.path(memoryName), west.path(memoryName)); err != nil {
		t.Fatal(err)
	}
	if _, err := newStore(t, west.dir).loadMemory("drawn"); err == nil {
		t.Error("another camera's memory is taken")
	}
}

// TestFilesOfBeforeSealsAreRead takes up a folder that an older version left.
func TestFilesOfBeforeSealsAreRead(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, dir)
	if err := s.save(keptPlace("a", keptUnit(1)), nil); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, indexName))
	for _, name := range names(t, dir, "") {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, content, err := unseal(s.sealed(name), text)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(content))
	}
	if places, _, err := newStore(t, dir).load(); err != nil || len(places) != 1 {
		t.Errorf("%d stops, %v", len(places), err)
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("spoilt"))
	dir := f.TempDir()
	s := &store{dir: dir, units: map[string][]string{}}
	if err := s.save(keptPlace("a"), nil); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, "a"+stopSuffix))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "a"+stopSuffix), string(data))
		places, _, err := newStore(t, dir).load()
		if err == nil && len(places) != 1 {
			t.Error("a stop is lost and nothing is said")
		}
	})
}

func FuzzLoadMemory(f *testing.F) {
	f.Add([]byte("spoilt"))
	dir := f.TempDir()
	s := &store{dir: dir}
	anchor := picture.Anchor{Width: 128, Height: 96, Grey: make([]byte, 128*96), Motion: [4]float64{1, 0, 0, 0}}
	if err := s.saveMemory("drawn", picture.Memory{Anchors: []picture.Anchor{anchor}}); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(filepath.Join(dir, memoryName))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, memoryName), string(data))
		s := newStore(t, dir)
		known, err := s.loadMemory("drawn")
		if !known.Sound() {
			t.Error("the memory is not sound")
		}
		if left := len(names(t, dir, "")); (err == nil) != (left == 1) {
			t.Errorf("%d files and error %v", left, err)
		}
	})
}

func TestMemoryRoundTrip(t *testing.T) {
	anchor := picture.Anchor{Width: 128, Height: 96, Grey: make([]byte, 128*96), Motion: [4]float64{1, 0, 3, 4}, Fitted: 7}
	known := picture.Memory{Anchors: []picture.Anchor{anchor}}
	for name, test := range map[string]struct {
		zones  string
		damage func(string) error
		want   picture.Memory
		broken bool
	}{
		"the same zones": {"drawn", func(string) error { return nil }, known, false},
		"other zones":    {"drawn anew", func(string) error { return nil }, picture.Memory{}, false},
		"none":           {"drawn", os.Remove, picture.Memory{}, false},
		"spoilt":         {"drawn", func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }, picture.Memory{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, t.TempDir())
			if err := s.saveMemory("drawn", known); err != nil {
				t.Fatal(err)
			}
			if err := test.damage(s.path(memoryName)); err != nil {
				t.Fatal(err)
			}
			got, err := s.loadMemory(test.zones)
			if (err != nil) != test.broken {
				t.Errorf("error is %v, want one: %v", err, test.broken)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(picture.Anchor{})); diff != "" {
				t.Errorf("memory (-want +got):\n%s", diff)
			}
		})
	}
}
