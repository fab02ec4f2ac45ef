package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// The two vehicles that stand in the film all the time, 768 by 576 pixels.
var (
	van = detect.Box{X: 652. / 768, Y: 44. / 576, W: 70. / 768, H: 56. / 576}
	car = detect.Box{X: 734. / 768, Y: 49. / 576, W: 33. / 768, H: 45. / 576}
)

// twoCases waits for the van's case and the car's.
func (w *tidewatch) twoCases() (ofVan, ofCar enforce.Case) {
	w.t.Helper()
	eventually(w.t, "two cases in the database", func() bool { return w.count(`SELECT toInt32(count()) FROM cases FINAL`) >= 2 })
	for _, row := range w.rows(`SELECT case_id, payload FROM cases FINAL`) {
		var c enforce.Case
		if err := json.Unmarshal([]byte(row[1].(string)), &c); err != nil {
			w.t.Fatal(err)
		}
		switch {
		case overlap(c.Violation.Box, van) > 0.4:
			ofVan = c
		case overlap(c.Violation.Box, car) > 0.4:
			ofCar = c
		default:
			w.t.Errorf("case %s is of a %s at %+v, where no vehicle stands", c.ID, c.Violation.Class, c.Violation.Box)
		}
		if !c.Violation.Class.Motor() {
			w.t.Errorf("case %s is of a %s", c.ID, c.Violation.Class)
		}
	}
	if ofVan.ID == "" || ofCar.ID == "" {
		w.t.Fatalf("cases: van %q, car %q", ofVan.ID, ofCar.ID)
	}
	return ofVan, ofCar
}

// overlap is the intersection of two boxes over their union.
func overlap(a, b detect.Box) float64 {
	w := min(a.X+a.W, b.X+b.W) - max(a.X, b.X)
	h := min(a.Y+a.H, b.Y+b.H) - max(a.Y, b.Y)
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / (a.W*a.H + b.W*b.H - w*h)
}

// TestWholeWay takes the street from the camera to the police platform, with a
// power cut between suspicion and decision.
func TestWholeWay(t *testing.T) {
	s := newStreet(t)
	w := s.run()
	password := w.says(`password:\s+(\S+)`)
	ofVan, ofCar := w.twoCases()
	s.checkFiles(ofVan)
	s.checkFiles(ofCar)
	checkpoint := s.checkpoint()
	s.verified("while it runs", checkpoint)

	w.stop(syscall.SIGKILL)
	s.verified("after a kill", checkpoint)
	w = s.run()
	eventually(t, "the same two stops after the restart", func() bool {
		return w.metric("tidewatch_enforce_open_stops", `camera="street"`) == 2 &&
			w.metric("tidewatch_ingest_key_units_total", `camera="street"`) > 8
	})
	if n := w.count(`SELECT toInt32(count()) FROM case_events WHERE type = 'suspected'`); n != 2 {
		t.Errorf("%d suspicions after the restart, want the 2 from before", n)
	}
	if n := w.count(`SELECT toInt32(count()) FROM cases FINAL`); n != 2 {
		t.Errorf("%d cases after the restart, want 2", n)
	}

	o := signIn(t, w.url, password)
	if seconds := o.clipPlays(ofVan.ID); seconds < 1 {
		t.Errorf("the clip lasts %v s", seconds)
	}
	o.confirm(ofVan.ID, "川A12345")
	o.seesUpload(ofVan.ID)
	o.reject(ofCar.ID)

	list := s.uploaded()
	if len(list) != 1 || list[0].Plate != "川A12345" || list[0].Received != 1 {
		t.Errorf("the platform lists %+v", list)
	} else if err := samePictures(list[0], ofVan.Violation.Evidence); err != nil {
		t.Error(err)
	}
	for id, want := range map[string]enforce.State{ofVan.ID: enforce.StateUploaded, ofCar.ID: enforce.StateRejected} {
		eventually(t, "the decision in the database", func() bool {
			var state enforce.State
			w.sql([]any{&state}, `SELECT toString(state) FROM cases FINAL WHERE case_id = ?`, id)
			return state == want
		})
	}
	if out, err := s.commandWith(password+"\n", "case", "hold", ofCar.ID, "--officer=officer", "--reason=objection"); err != nil || !strings.Contains(out, "is held") {
		t.Errorf("hold: %v, %s", err, out)
	}
	w.checkMetrics()
	s.checkExport(ofVan.ID, ofVan.Violation.Evidence)
	w.stop(syscall.SIGINT)
	if w.err != nil {
		t.Errorf("after the interrupt: %v", w.err)
	}
	s.checkExport(ofVan.ID, ofVan.Violation.Evidence)
	s.verified("at the end", checkpoint)
	s.tamper(ofVan)
	nothingLeft(t, s.Data)
}

// samePictures checks that every picture that arrived is one of the evidence.
func samePictures(u uploaded, kept enforce.Evidence) error {
	if len(u.Pictures) < 3 {
		return fmt.Errorf("%d pictures arrived", len(u.Pictures))
	}
	for _, p := range u.Pictures {
		if !slices.ContainsFunc(kept.Files, func(f enforce.File) bool { return f.SHA256 == p.SHA256 }) {
			return fmt.Errorf("picture %s is not of the evidence", p.SHA256)
		}
	}
	return nil
}

// file finds a stored file by its hash and checks that the hash is true.
func (s *street) file(sum string) (path string, content []byte) {
	s.t.Helper()
	err := filepath.WalkDir(filepath.Join(s.Data, "files"), func(p string, _ os.DirEntry, err error) error {
		if filepath.Base(p) == sum {
			path = p
		}
		return err
	})
	if err != nil || path == "" {
		s.t.Fatalf("file %s is not stored: %v", sum, err)
	}
	content, err = os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if actual := sha256.Sum256(content); hex.EncodeToString(actual[:]) != sum {
		s.t.Errorf("file %s has another hash", sum)
	}
	return path, content
}

// checkFiles holds the evidence of a case against what it says of itself.
func (s *street) checkFiles(c enforce.Case) {
	s.t.Helper()
	var m proof.Manifest
	if _, text := s.file(c.Violation.Evidence.Manifest); json.Unmarshal(text, &m) != nil || m.Violation.ID != c.ID {
		s.t.Errorf("manifest of case %s: %s", c.ID, text)
	}
	var kinds []enforce.FileKind
	for _, f := range m.Files {
		kinds = append(kinds, f.Kind)
		path, content := s.file(f.SHA256)
		if int64(len(content)) != f.Size || f.ArrivalTime.IsZero() {
			s.t.Errorf("file %+v has %d bytes", f, len(content))
		}
		// The beginning may be older than the camera's first word on the time.
		if f.Kind == enforce.SceneDue && (f.CameraTime.IsZero() || f.ClockError.Abs() > time.Second) {
			s.t.Errorf("%s: camera time %v, clock error %v", f.Kind, f.CameraTime, f.ClockError)
		}
		if strings.HasPrefix(f.MediaType, "video/H") {
			probe, err := exec.Command("ffprobe", "-v", "error", "-f", f.Codec, "-count_frames",
				"-show_entries", "stream=width,height,nb_read_frames", "-of", "csv=p=0", path).CombinedOutput()
			if got := strings.TrimSpace(string(probe)); err != nil || got != "768,576,1" {
				s.t.Errorf("ffprobe of %s: %s, %v; want one picture of 768x576", f.Kind, got, err)
			}
		}
		if f.Kind == enforce.Clip {
			probe, err := exec.Command("ffprobe", "-v", "error", "-count_packets",
				"-show_entries", "stream=codec_name,nb_read_packets", "-of", "csv=p=0", path).CombinedOutput()
			if err != nil || !strings.HasPrefix(string(probe), "h264,") {
				s.t.Errorf("ffprobe of the clip: %s, %v", probe, err)
			}
		}
	}
	want := []enforce.FileKind{
		enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp,
		enforce.Composite, enforce.MarkedBegin, enforce.MarkedMiddle, enforce.MarkedDue, enforce.MarkedCloseUp,
		enforce.Clip, enforce.UnitBegin, enforce.UnitMiddle, enforce.UnitDue,
	}
	if !slices.Equal(kinds, want) {
		s.t.Errorf("evidence of case %s is %v", c.ID, kinds)
	}
}

// checkMetrics looks at one metric of each stage.
func (w *tidewatch) checkMetrics() {
	w.t.Helper()
	for name, least := range map[string]float64{
		"tidewatch_ingest_units_total":      50,
		"tidewatch_ingest_up":               1,
		"tidewatch_detect_looks_total":      3, // looks at what stands are rare
		"tidewatch_enforce_open_stops":      2,
		"tidewatch_clickhouse_events_total": 3,
	} {
		if got := w.metric(name, ""); got < least {
			w.t.Errorf("metric %s = %v, want at least %v", name, got, least)
		}
	}
	for _, name := range []string{"tidewatch_enforce_stops_dropped_total", "tidewatch_enforce_failures_total", "tidewatch_detect_scene_doubts_total"} {
		if got := w.metric(name, ""); got != 0 {
			w.t.Errorf("metric %s = %v", name, got)
		}
	}
}

// nothingLeft looks for processes that still work on a data folder.
func nothingLeft(t *testing.T, data string) {
	t.Helper()
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range commands {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), data) {
			t.Errorf("left behind: %s", strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
}

// TestInsideTheWindow watches the same street while parking is permitted.
func TestInsideTheWindow(t *testing.T) {
	s := newStreet(t)
	s.window(-2*time.Hour, 4*time.Hour)
	w := s.run()
	eventually(t, "two stops that last", func() bool {
		return w.metric("tidewatch_enforce_open_stops", `camera="street"`) == 2 &&
			w.metric("tidewatch_detect_looks_total", `camera="street"`) > 15
	})
	if n := w.count(`SELECT toInt32(count()) FROM case_events`); n != 0 {
		t.Errorf("%d events, want none", n)
	}
	if got := w.metric("tidewatch_enforce_cases_opened_total", ""); got != 0 {
		t.Errorf("%v cases opened", got)
	}
}
