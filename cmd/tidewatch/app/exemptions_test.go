package app

import (
	"log/slog"
	"os"
	"path/filepath"
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
	a := &App{cfg: &config.Config{}, log: slog.New(slog.DiscardHandler), registry: prometheus.NewRegistry()}
	if err := a.openExemptions(t.Context()); err != nil || a.exemptions() != nil {
		t.Errorf("without a list: %v", err)
	}
	a.cfg.Exemptions = &exempt.Config{File: file, Rules: exempt.Rules{Location: time.UTC}, Reload: time.Minute}
	if err := a.openExemptions(t.Context()); err != nil || a.exemptions()().Len() != 1 {
		t.Errorf("with a list of one: %v", err)
	}
}
