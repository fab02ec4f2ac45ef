package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDamagedCaseLog damages the case log between two runs: Tidewatch starts,
// says so and shows its pages, leaves the file as it is, and is ready again once
// the log is repaired.
func TestDamagedCaseLog(t *testing.T) {
	s := newStreet(t)
	w := s.run()
	ofVan, _ := w.twoCases()
	w.stop(syscall.SIGKILL)
	segment := s.largestSegment()
	text, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 {
		text[len(text)/2+i] ^= 0xff
	}
	if err := os.WriteFile(segment, text, 0o600); err != nil {
		t.Fatal(err)
	}

	p := start(t, secrets(), "tidewatch", "run", "--config="+s.configure())
	w = &tidewatch{process: p, street: s, url: p.says(`review page: (http://\S+)`)}
	var answer struct {
		Ready bool
		Why   string
	}
	eventually(t, "readiness that says where the log is damaged", func() bool {
		response := w.get("/readyz")
		defer response.Body.Close()
		return json.NewDecoder(response.Body).Decode(&answer) == nil && strings.Contains(answer.Why, segment+" at byte ")
	})
	if answer.Ready || !strings.Contains(answer.Why, "tidewatch log repair") {
		t.Errorf("it says %+v", answer)
	}
	if status := w.status("/"); status != http.StatusOK {
		t.Errorf("the pages answer with %d", status)
	}
	if out, err := s.command("log", "repair"); err == nil {
		t.Errorf("repaired beside a tidewatch that runs: %s", out)
	}
	w.stop(syscall.SIGINT)
	if now, err := os.ReadFile(segment); err != nil || string(now) != string(text) {
		t.Errorf("the damaged file was changed: %v", err)
	}

	if out, err := s.command("log", "repair"); err != nil || !strings.Contains(out, "nothing was changed") {
		t.Errorf("a dry repair: %v\n%s", err, out)
	}
	if out, err := s.command("log", "repair", "--write"); err != nil || !strings.Contains(out, "rebuilt from the database: ") {
		t.Fatalf("repair: %v\n%s", err, out)
	}
	w = s.run()
	if n := w.count(`SELECT toInt32(count()) FROM cases FINAL`); n != 2 {
		t.Errorf("%d cases after the repair, want 2", n)
	}
	eventually(t, "the repair in the history", func() bool {
		return w.count(`SELECT toInt32(count()) FROM case_events WHERE type = 'repaired'`) > 0
	})
	w.stop(syscall.SIGINT)
	if out, err := s.command("verify", "--case="+ofVan.ID); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// largestSegment is the file of the case log with the most events.
func (s *street) largestSegment() (path string) {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.Data, "kafka", "data", "partitions", "*", "0.dat"))
	if err != nil {
		s.t.Fatal(err)
	}
	most := int64(0)
	for _, f := range found {
		if info, err := os.Stat(f); err == nil && info.Size() > most {
			path, most = f, info.Size()
		}
	}
	if path == "" {
		s.t.Fatal("there is no case log")
	}
	return path
}
