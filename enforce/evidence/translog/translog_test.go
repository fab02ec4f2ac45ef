package translog_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tidewatch/enforce"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/evidence/translog"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/proof/sim"
	"tidewatch/storage/blob"
)

// recordEnv makes this program record cases into a folder until it is killed.
const recordEnv = "TIDEWATCH_TEST_RECORD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(recordEnv); dir != "" {
		record(dir)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"))
}

// record opens cases for ever: it writes a line for each whose evidence is
// recorded, as the docket writes the first event.
func record(dir string) {
	s, err := sim.Open(dir)
	for err == nil {
		s.Cases = nil
		if err = s.Record(context.Background(), 3); err != nil {
			break
		}
		for _, c := range s.Cases {
			line, _ := json.Marshal(c)
			fmt.Println(string(line))
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestNothingOpenedIsMissingAfterAKill kills a process that records evidence
// again and again: each case that it opened has its leaf in the log, which goes
// on where it was.
func TestNothingOpenedIsMissingAfterAKill(t *testing.T) {
	dir := t.TempDir()
	var opened []enforce.Case
	for round := range 5 {
		opened = append(opened, kill(t, dir, 4+5*round)...)
		asLeft(t, dir, opened)
	}
	s, err := sim.Open(dir)
	if err == nil {
		err = errors.Join(s.Record(t.Context(), 1), s.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	report := proof.NewReport(s.Keys.Public)
	log := proof.ReadLog(t.Context(), s.LogDir(), s.Keys.Public, report)
	if report.Wrong() > 0 {
		t.Fatalf("the log is damaged: %v", report.Findings)
	}
	if err := (&proof.Checker{Keys: s.Keys.Public, Report: report}).Cases(t.Context(), s.Files, log, opened); err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Wrong {
			t.Error(f)
		}
	}
	if len(opened) < 60 || log.Size() < uint64(2*len(opened)) {
		t.Errorf("%d cases, %d leaves", len(opened), log.Size())
	}
}

// asLeft checks what a killed process has left, before another one touches it:
// nothing about a case that it opened is wrong, not even for a moment.
func asLeft(t *testing.T, dir string, opened []enforce.Case) {
	t.Helper()
	public, err := keys.Public(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	report := proof.NewReport(public)
	log := proof.ReadLog(t.Context(), filepath.Join(dir, "log"), public, report)
	checker := proof.Checker{Keys: public, Report: report}
	if err := checker.Cases(t.Context(), blob.ReadDir(filepath.Join(dir, "files")), log, opened); err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Wrong {
			t.Errorf("after %d cases: %s", len(opened), f)
		}
	}
}

// kill has a process record into a folder, kills it after some cases, and
// returns those that it opened.
func kill(t *testing.T, dir string, after int) (opened []enforce.Case) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), recordEnv+"="+dir)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c enforce.Case
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			break // half a line: the case was not opened
		}
		if opened = append(opened, c); len(opened) == after {
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := command.Wait(); err == nil || command.ProcessState.Exited() {
		t.Fatalf("it was not killed: %v", err)
	}
	return opened
}

func open(t *testing.T, dir string) (*translog.Log, *keys.Ring) {
	t.Helper()
	ring, err := keys.Open(keys.Config{Dir: filepath.Join(dir, "keys"), Origin: "test"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	log, err := translog.Open(filepath.Join(dir, "log"), ring.Signer, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return log, ring
}

// TestClosingDrains closes the log while leaves are on their way: each whose
// place was told is under the last checkpoint, and later ones are refused.
func TestClosingDrains(t *testing.T) {
	dir := t.TempDir()
	log, ring := open(t, dir)
	places := make([]uint64, 100)
	var all sync.WaitGroup
	for i := range places {
		all.Go(func() {
			var err error
			if places[i], err = log.Append(t.Context(), proof.Leaf{Kind: proof.ManifestLeaf, Case: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), proof.Leaf{Kind: proof.ManifestLeaf}); !errors.Is(err, translog.ErrClosed) {
		t.Errorf("error %v, want %v", err, translog.ErrClosed)
	}
	report := proof.NewReport(ring.Public)
	read := proof.ReadLog(t.Context(), filepath.Join(dir, "log"), ring.Public, report)
	seen := map[string]uint64{}
	for leaf, at := range read.Manifests() {
		seen[leaf.Case] = at
	}
	for i, at := range places {
		if got, there := seen[fmt.Sprint(i)]; !there || got != at {
			t.Errorf("leaf %d is at %d, told %d", i, got, at)
		}
	}
	if report.Wrong() > 0 {
		t.Error(report.Findings)
	}
}

// TestAnAppendThatIsGivenUpIsHarmless ends the wait for a leaf; the log goes on.
func TestAnAppendThatIsGivenUpIsHarmless(t *testing.T) {
	log, _ := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := log.Append(ctx, proof.Leaf{Kind: proof.ManifestLeaf, Case: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := log.Append(t.Context(), proof.Leaf{Kind: proof.ManifestLeaf, Case: "b"}); err != nil {
		t.Error(err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

func TestAFolderThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ring, err := keys.Open(keys.Config{Dir: filepath.Join(dir, "keys"), Origin: "test"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := translog.Open(filepath.Join(dir, "log"), ring.Signer, slog.New(slog.DiscardHandler), prometheus.NewRegistry()); err == nil {
		t.Error("a log in a file")
	}
}

// What was cleared away is found out anew, so that a damaged number does no harm.
func TestWhatWasClearedIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	s, err := sim.Open(dir)
	if err == nil {
		err = errors.Join(s.Record(t.Context(), 1), s.Close())
	}
	number := filepath.Join(s.LogDir(), ".state", "gcState")
	if err == nil {
		err = os.WriteFile(number, []byte(`{"fromSize":99`), 0o644)
	}
	if err == nil {
		s, err = sim.Open(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := os.Stat(number); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the damaged number is still there: %v", err)
	}
}
