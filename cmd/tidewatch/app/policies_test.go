package app

import (
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/storage/blob"
)

func TestEveryPolicyIsKeptUnderItsID(t *testing.T) {
	files, err := blob.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	policies := enforce.Policies{}
	for _, effective := range []enforce.Date{{}, {Year: 2026, Month: 7, Day: 1}} {
		policies.Add(enforce.NewPolicy(enforce.RoadSection{
			ID: "road", Location: time.UTC, Effective: effective, ObservationPeriod: time.Minute,
		}))
	}
	a := &App{cfg: &config.Config{Policies: policies}, files: files, log: slog.New(slog.DiscardHandler)}
	for range 2 { // every start stores them again
		if err := a.keepPolicies(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range policies["road"] {
		if got := policyOf(t, files, want.ID); !cmp.Equal(want.Document(), got.Document()) {
			t.Errorf("kept as\n%s\nwant\n%s", got.Document(), want.Document())
		}
	}
}

func policyOf(t *testing.T, files *blob.Dir, id string) enforce.Policy {
	t.Helper()
	file, err := files.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := enforce.ParsePolicy(text)
	if err != nil || p.ID != id {
		t.Fatalf("policy %s, %v; want %s", p.ID, err, id)
	}
	return p
}

func TestPoliciesThatCannotBeKeptStopTheStart(t *testing.T) {
	dir := t.TempDir()
	files, err := blob.NewDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	policies := enforce.Policies{}
	policies.Add(enforce.NewPolicy(enforce.RoadSection{ID: "road", Location: time.UTC}))
	a := &App{cfg: &config.Config{Policies: policies}, files: files, log: slog.New(slog.DiscardHandler)}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := a.keepPolicies(t.Context()); err == nil {
		t.Error("no error, and nowhere to keep them")
	}
}
