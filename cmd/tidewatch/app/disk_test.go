package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// inOwnMounts runs a test again in a process that can mount what nobody else
// sees, and reports whether this is that process.
func inOwnMounts(t *testing.T) bool {
	t.Helper()
	const inside = "TIDEWATCH_TEST_MOUNTS"
	if os.Getenv(inside) == t.Name() {
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("only root may mount a small disk")
	}
	again := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v")
	again.Env = append(os.Environ(), inside+"="+t.Name())
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	said, err := again.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this machine lets not even root mount anything")
	}
	t.Logf("%s", said)
	if err != nil {
		t.Error(err)
	}
	return false
}

// smallDisk mounts a file system of 400 MB on a folder.
func smallDisk(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=400m"); err != nil {
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// keeper keeps events, files and leaves in an app's stores, and remembers what
// they took.
type keeper struct {
	*App
	t      *testing.T
	events map[string]bool
	files  map[string]bool
	leaves map[uint64]string
	n      int
	stop   func()
}

// openKeeper opens all stores in a folder.
func openKeeper(t *testing.T, data string) *keeper {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	a := &App{
		cfg: &config.Config{Data: data, Assets: dir, Kafka: config.Kafka{Topic: "cases"}},
		log: slog.New(slog.NewTextHandler(t.Output(), nil)), registry: prometheus.NewRegistry(),
	}
	a.cfg.Evidence.Origin = "tidewatch"
	a.system, a.panics = newConditions(a.log, a.registry), newPanics(a.registry)
	t.Cleanup(func() { _ = a.Close() })
	for _, open := range []work{a.openData, a.openSpace, a.openFiles, a.openSeal, a.openStore} {
		if err := open(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stops := []func(){background(t, a.store.run), background(t, a.space.Run)}
	stop := func() {
		for _, stop := range stops {
			stop()
		}
	}
	return &keeper{App: a, t: t, stop: stop, events: map[string]bool{}, files: map[string]bool{}, leaves: map[uint64]string{}}
}

// keep tries to keep one of each. What is refused is not lost: whoever has it
// knows, and tries again.
func (k *keeper) keep() (refused error) {
	k.n++
	ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
	defer cancel()
	id := fmt.Sprintf("case-%d", k.n)
	sum, _, err := k.App.files.Put(ctx, io.LimitReader(strings.NewReader(strings.Repeat(id, 100_000)), 300_000))
	if err == nil {
		k.files[sum] = true
	}
	refused = errors.Join(refused, err)
	at, err := k.seal.log.Append(ctx, proof.Leaf{Kind: proof.ManifestLeaf, Case: id, Manifest: sum})
	if err == nil {
		k.leaves[at] = id
	}
	refused = errors.Join(refused, err)
	if err = k.store.log.Append(ctx, suspicion(id)); err == nil {
		k.events[id] = true
	}
	return errors.Join(refused, err)
}

// kept checks that all that was taken is there.
func (k *keeper) kept() {
	k.t.Helper()
	eventually(k.t, "all events that were taken in the database", func() bool {
		cases, err := k.store.cases.List(k.t.Context(), "", 1000, time.Time{})
		return err == nil && len(cases) >= len(k.events)
	})
	cases, err := k.store.cases.List(k.t.Context(), enforce.StateSuspected, 1000, time.Time{})
	if err != nil {
		k.t.Fatal(err)
	}
	found := map[string]bool{}
	for _, c := range cases {
		found[c.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(k.events)) {
		if !found[id] {
			k.t.Errorf("%s is lost", id)
		}
	}
	for _, sum := range slices.Sorted(maps.Keys(k.files)) {
		if err := k.App.files.Verify(k.t.Context(), sum); err != nil {
			k.t.Errorf("a file that was taken: %v", err)
		}
	}
	k.stop()
	if err := k.App.Close(); err != nil { // which signs the newest checkpoint
		k.t.Error(err)
	}
	report := proof.NewReport(k.seal.keys.Public)
	logged := map[uint64]string{}
	for leaf, at := range proof.ReadLog(k.t.Context(), logDir(k.cfg), k.seal.keys.Public, report).Manifests() {
		logged[at] = leaf.Case
	}
	if report.Wrong() > 0 {
		k.t.Errorf("the log of evidence: %v", report.Findings)
	}
	for at, id := range k.leaves {
		if logged[at] != id {
			k.t.Errorf("leaf %d is of %q; want that of %s", at, logged[at], id)
		}
	}
}

// TestAFullDiskIsSaidAndLosesNothing fills the file system that all stores lie
// on, and later makes it read-only.
func TestAFullDiskIsSaidAndLosesNothing(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	data := t.TempDir()
	smallDisk(t, data)
	k := openKeeper(t, data)
	for range 3 {
		if err := k.keep(); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "readiness", func() bool { return k.ready(t) == nil })

	fill(t, filepath.Join(data, "filler"))
	k.says(t, "disk: "+data)
	var refused error
	for range 3 {
		refused = errors.Join(refused, k.keep())
	}
	if !errors.Is(refused, syscall.ENOSPC) {
		t.Errorf("a full disk refuses with %v", refused)
	}
	if err := os.Remove(filepath.Join(data, "filler")); err != nil {
		t.Fatal(err)
	}
	k.recovers(t)
	if err := k.keep(); err != nil {
		t.Errorf("once there is room: %v", err)
	}
	k.kept()
}

// says waits until readiness fails for a reason.
func (k *keeper) says(t *testing.T, why string) {
	t.Helper()
	eventually(t, "readiness that fails for "+why, func() bool {
		err := k.ready(t)
		return err != nil && strings.Contains(err.Error(), why)
	})
}

func (k *keeper) recovers(t *testing.T) {
	t.Helper()
	var last error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if last = k.ready(t); last == nil {
			return
		}
	}
	t.Fatalf("it does not recover: %v", last)
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 1<<20))
	}
	for size := 1 << 16; size > 0; size /= 2 { // the last page, too
		for err = nil; err == nil; {
			_, err = file.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// TestAReadOnlyDiskIsSaidAndLosesNothing makes the file system with the
// evidence read-only while everything runs.
func TestAReadOnlyDiskIsSaidAndLosesNothing(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	data := t.TempDir()
	for _, dir := range []string{data, filepath.Join(data, "kafka"), filepath.Join(data, "clickhouse")} {
		smallDisk(t, dir)
	}
	k := openKeeper(t, data)
	if err := k.keep(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a moment in which no file is being written", func() bool {
		return syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=400m") == nil
	})
	k.says(t, "disk: "+data+" takes no file")
	if err := k.keep(); !errors.Is(err, syscall.EROFS) {
		t.Errorf("a read-only disk refuses with %v", err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT, "size=400m"); err != nil {
		t.Fatal(err)
	}
	k.recovers(t)
	if err := k.keep(); err != nil {
		t.Errorf("once it can be written: %v", err)
	}
	k.kept()
}
