package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"tidewatch/enforce"
)

// checkExport has a case written down, and looks at what was written. The
// passwords of camera and police are not known to the command.
func (s *street) checkExport(id string, kept enforce.Evidence) {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "case")
	out, err := exec.Command(program("tidewatch"), "case", "export", id, "--config="+s.configure(), "--to="+dir, "--zip").CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), dir) {
		s.t.Fatalf("export: %v: %s", err, out)
	}
	for kind, name := range map[enforce.FileKind]string{
		enforce.SceneDue: "scene_due.jpg", enforce.MarkedDue: "marked_due.jpg", enforce.Composite: "composite.jpg",
		enforce.Clip: "clip.mp4", enforce.UnitDue: "unit_due.h264",
	} {
		f, _ := kept.File(kind)
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != f.Size {
			s.t.Errorf("%s: %v, want %d bytes", name, err, f.Size)
		}
	}
	s.verifyExported(dir)
	if info, err := os.Stat(dir + ".zip"); err != nil || info.Size() == 0 {
		s.t.Errorf("packed: %v", err)
	}
	s.checkPackage(dir)
	var record []enforce.Event
	text, err := os.ReadFile(filepath.Join(dir, "events.json"))
	if err != nil || json.Unmarshal(text, &record) != nil || len(record) < 3 {
		s.t.Errorf("%d events, %v", len(record), err)
	}
	printed, err := exec.Command("pdftotext", "-layout", filepath.Join(dir, "case.pdf"), "-").CombinedOutput()
	for _, want := range []string{"违法停车案件材料", "川A·12345", "建设路", "51010000001190000001", kept.Manifest} {
		if err != nil || !strings.Contains(string(printed), want) {
			s.t.Errorf("the case file does not say %q (%v):\n%s", want, err, printed)
		}
	}
}

// verifyExported checks what was exported, as somebody would who has only the
// public key.
func (s *street) verifyExported(dir string) {
	s.t.Helper()
	keys, err := s.command("log", "keys")
	if err != nil {
		s.t.Fatal(err)
	}
	trusted := filepath.Join(s.t.TempDir(), "keys")
	if err := os.WriteFile(trusted, []byte(keys), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if out, err := exec.Command(program("tidewatch"), "verify", "--keys="+trusted, dir).CombinedOutput(); err != nil {
		s.t.Errorf("verify what was exported: %v\n%s", err, out)
	}
}
