package app

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce/exempt"
)

func TestTheListOfExemptVehiclesIsOpened(t *testing.T) {
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte("kind,plate,reference\nresident,川A12345,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	a := &App{cfg: &config.Config{Data: t.TempDir()}, log: slog.New(slog.DiscardHandler), registry: registry}
	a.system = newConditions(a.log, registry)
	if err := a.openExemptions(t.Context()); err != nil || a.exemptions() != nil {
		t.Errorf("without a list: %v", err)
	}
	a.cfg.Exemptions = &exempt.Config{File: file, Rules: exempt.Rules{Location: time.UTC}, Reload: time.Minute}
	if err := a.openExemptions(t.Context()); err != nil || a.exemptions()().Len() != 1 {
		t.Errorf("with a list of one: %v", err)
	}

	if bad := a.system.look(t.Context()); len(bad) != 0 {
		t.Errorf("conditions %+v", bad)
	}

	// A typo at the next start leaves the old list in force, and is said.
	if err := os.WriteFile(file, []byte("kind,plate,reference\nresident,川A1234,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.registry = prometheus.NewRegistry()
	a.system = newConditions(a.log, a.registry)
	if err := a.openExemptions(t.Context()); err != nil || a.exemptions()().Len() != 1 {
		t.Fatalf("with a typo: %v", err)
	}
	bad := a.system.look(t.Context())
	if len(bad) != 1 || bad[0].Name != "exemptions" || bad[0].Grave || !strings.Contains(bad[0].Why, "list.csv:2: plate: ") || strings.Contains(bad[0].Why, "A1234") {
		t.Errorf("conditions %+v", bad)
	}
}
