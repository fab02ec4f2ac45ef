package app

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/proof"
)

// TestEvidenceWithoutACaseIsFoundAtOnce records the evidence of cases of which no
// event was ever written. What is under way is told from what is lost, while the
// process runs and after it was killed.
func TestEvidenceWithoutACaseIsFoundAtOnce(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	under := openingDir(k.cfg)
	stops := filepath.Join(k.cfg.Data, "stops", "gate")
	if err := os.MkdirAll(stops, 0o700); err != nil {
		t.Fatal(err)
	}
	record := func(id string) {
		v := enforce.Violation{ID: id, StopID: "stop-" + id, Policy: "p1"}
		_, err := k.seal.recorder(k.App.files).Manifest(t.Context(), proof.Manifest{Format: proof.Format, Violation: v})
		if err != nil {
			t.Fatal(err)
		}
	}
	touch := func(path string, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"lost", "interrupted", "given-up", "spooled", "opened"} {
		record(id)
	}
	for _, id := range []string{"interrupted", "given-up"} {
		if err := under.enter(id); err != nil {
			t.Fatal(err)
		}
	}
	touch(filepath.Join(stops, "stop-interrupted.stop"), nil)
	touch(filepath.Join(stops, "stop-lost.stop"), nil) // it stands still; its case had opened
	text, err := json.Marshal(suspicion("spooled"))
	if err != nil {
		t.Fatal(err)
	}
	opened := suspicion("opened")
	if err := k.store.log.Append(t.Context(), opened); err != nil {
		t.Fatal(err)
	}
	// Beside the spool of the log that is open, which would take it away.
	k.cfg.Data = aside(t, k.cfg.Data)
	touch(filepath.Join(k.cfg.Data, "spool", "00000000000000000001.json"), text)
	for _, test := range []struct {
		name    string
		running bool
		why     map[string]string
	}{
		{"while it runs", true, map[string]string{
			"interrupted": "its evidence is being recorded", "spooled": "its first event waits for kafka",
		}},
		{"after a kill", false, map[string]string{
			"interrupted": "its recording was interrupted, and the next start takes its stop up", "spooled": "its first event waits for the next start",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			waits := readPending(k.cfg)
			if waits.running {
				t.Error("another process is seen that is not there")
			}
			waits.running = test.running
			report := proof.NewReport(k.seal.keys.Public)
			log := proof.ReadLog(t.Context(), logDir(k.cfg), k.seal.keys.Public, report)
			(&proof.Checker{Report: report}).Leaves(t.Context(), k.App.files, log, []enforce.Case{{ID: "opened"}}, waits.why)
			found := map[string]proof.Finding{}
			for _, f := range report.Findings {
				found[f.Case] = f
			}
			for _, id := range []string{"lost", "given-up"} {
				if f := found[id]; f.Problem != proof.NoCase || !f.Wrong {
					t.Errorf("%s: %+v", id, f)
				}
			}
			for id, why := range test.why {
				if f := found[id]; f.Problem != proof.NotChecked || f.Wrong || !strings.HasSuffix(f.What, why) {
					t.Errorf("%s: %+v", id, f)
				}
			}
		})
	}
}

// aside is a folder with links to all that is in another, but for the lock and
// the spool.
func aside(t *testing.T, data string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"log", "keys", "files", "opening", "stops"} {
		if err := os.Symlink(filepath.Join(data, name), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestACaseIsEnteredWhileItOpens follows one through the docket's recorder and
// log.
func TestACaseIsEnteredWhileItOpens(t *testing.T) {
	under := opening(filepath.Join(t.TempDir(), "opening"))
	var during map[string]bool
	record := enteredRecorder{recorderFunc(func() { during = under.cases() }), under}
	if _, err := record.Record(t.Context(), enforce.Violation{ID: "a"}, evidence.Exhibits{}); err != nil {
		t.Fatal(err)
	}
	if !during["a"] || !under.cases()["a"] {
		t.Errorf("entered while it is recorded: %v, after it: %v", during, under.cases())
	}
	if err := (enteredLog{oneCase{}, under}).Append(t.Context(), enforce.Event{Case: "a", Type: enforce.Suspected}); err != nil {
		t.Fatal(err)
	}
	if len(under.cases()) != 0 {
		t.Errorf("still entered: %v", under.cases())
	}
}

// recorderFunc records nothing, and calls a function meanwhile.
type recorderFunc func()

func (f recorderFunc) Record(context.Context, enforce.Violation, evidence.Exhibits) (enforce.Evidence, error) {
	f()
	return enforce.Evidence{}, nil
}
