package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// TestSpoiltEvidenceIsSaid spoils a file of a case beside a custody that runs:
// the condition names case and file, and readiness stays.
func TestSpoiltEvidenceIsSaid(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	k.cfg.Evidence.CheckRate = 1 << 30
	k.cfg.Retention.Every, k.cfg.Retention.Orphans = time.Hour, time.Hour
	sum, size, err := k.App.files.Put(t.Context(), strings.NewReader("a clip"))
	if err != nil {
		t.Fatal(err)
	}
	v := suspicion("spoilt").Violation
	file := enforce.File{Kind: enforce.Clip, SHA256: sum, Size: size, MediaType: "video/mp4"}
	at := time.Now().UTC().Truncate(time.Microsecond)
	v.Evidence, err = k.seal.recorder(k.App.files).Manifest(t.Context(), proof.Manifest{
		Format: proof.Format, Violation: *v, Files: []enforce.File{file}, RecordedAt: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	event := suspicion("spoilt")
	event.Violation = v
	if err := k.store.log.Append(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(k.cfg.Data, "files", sum[:2], sum)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("a clip?"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.openCustody(t.Context()); err != nil {
		t.Fatal(err)
	}
	background(t, k.custody)
	var found state
	eventually(t, "the condition of the evidence", func() bool {
		for _, s := range k.system.look(t.Context()) {
			if s.Name == "evidence" {
				found = s
			}
		}
		return found.Name != ""
	})
	if want := "case spoilt: files/" + sum[:2] + "/" + sum + ": the clip has SHA-256"; !strings.HasPrefix(found.Why, want) || found.Grave {
		t.Errorf("it says %+v, want %s", found, want)
	}
	if err := k.ready(t); err != nil {
		t.Errorf("readiness fails: %v", err)
	}
}
