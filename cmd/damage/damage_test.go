package main

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKinds(t *testing.T) {
	for name, want := range map[string]string{
		"officers.json":      "officers.json",
		"keys/signing.key":   "keys/signing.key",
		"files/ab/abcdef":    "files/#",
		"log/tile/0/000.p/7": "log/tile/#.p/#",
		"stops/street03/1796058428034299-1-1200000000.unit":                                                  "stops/#.unit",
		"stops/street03/stops.index":                                                                         "stops/#stops.index",
		"stops/street03/jbcccei27zze3pnd.stop":                                                               "stops/#.stop",
		"clickhouse/data/store/a9a/a9a99fef-fcdd-4929-8d7d-6bcacc04352d/202611_1_6_2/columns.txt":            "clickhouse/data/store#columns.txt",
		"clickhouse/data/store/a9a/a9a99fef-fcdd-4929-8d7d-6bcacc04352d/all_1_6_2/columns.txt":               "clickhouse/data/store#all_#columns.txt",
		"kafka/data/partitions/tidewatch-cases-7/0.dat":                                                      "kafka/data/partitions/tidewatch-cases-#.dat",
		"clickhouse/data/store/c1d/c1df1ce3-b112-4e4f-91d5-68cb8c5867f2/tidewatch_database.sql":              "clickhouse/data/store#tidewatch_database.sql",
		"clickhouse/data/store/432/432e7f3d-01fa-4238-bccc-28c70b95cd93/202611_13_13_1/minmax_opened_at.idx": "clickhouse/data/store#minmax_opened_at.idx",
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%s is a %s, want a %s", name, got, want)
		}
	}
}

// TestEveryWayDoesDamage does each way many times: what it says that it did, it
// did.
func TestEveryWayDoesDamage(t *testing.T) {
	d := someDisk(t)
	random := rand.New(rand.NewPCG(1, 1))
	for i, way := range ways {
		done := 0
		for range 50 {
			text, err := os.ReadFile(filepath.Join(d.dir, "keys/one.key"))
			if err != nil {
				t.Fatal(err)
			}
			damaged, how, err := way(random, d, "keys/one.key", bytes.Clone(text))
			if errors.Is(err, errNothing) {
				continue
			}
			if err != nil || how == "" || damaged != nil && bytes.Equal(damaged, text) {
				t.Fatalf("way %d: %q, %v: %q", i, how, err, damaged)
			}
			done++
		}
		if done == 0 {
			t.Errorf("way %d does nothing", i)
		}
	}
}

func TestACopyIsDamagedAndTheOriginalStays(t *testing.T) {
	d := someDisk(t)
	before := contents(t, d.dir)
	for seed := range uint64(50) {
		copied := filepath.Join(t.TempDir(), "copy")
		if err := d.copy(copied); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, contents(t, copied)); diff != "" {
			t.Fatalf("the copy (-original +copy):\n%s", diff)
		}
		if _, how, err := d.damage(rand.New(rand.NewPCG(seed, 0)), copied); err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		if cmp.Equal(before, contents(t, copied)) {
			t.Errorf("seed %d: nothing was damaged", seed)
		}
		if diff := cmp.Diff(before, contents(t, d.dir)); diff != "" {
			t.Fatalf("the original was changed:\n%s", diff)
		}
	}
}

func TestVerdicts(t *testing.T) {
	d := someDisk(t)
	whole := map[string]any{"cases": map[string]any{"a": "1"}}
	lost := map[string]any{"cases": map[string]any{}}
	b := &bench{disk: d, whole: look{found: whole}, usual: map[string]bool{plain("level=WARN usual"): true}}
	for name, test := range map[string]struct {
		look look
		want outcome
	}{
		"all is there":                     {look{found: whole}, harmless},
		"all is there, and something else": {look{found: whole, said: []string{"level=WARN other"}}, repaired},
		"lost and said":                    {look{found: lost, said: []string{"level=WARN other"}}, said},
		"lost, and only the usual is said": {look{found: lost, said: []string{"level=WARN usual"}}, silent},
		"refused":                          {look{refused: true, said: []string{"tidewatch: no"}}, said},
		"panicked":                         {look{crashed: "panic"}, crashed},
	} {
		v := verdict{name: "kafka/x"}
		v.judge(b, test.look, d.dir)
		if v.outcome != test.want {
			t.Errorf("%s: %s, want %s", name, v.outcome, test.want)
		}
	}
	damaged := t.TempDir()
	if err := d.copy(filepath.Join(damaged, "copy")); err != nil {
		t.Fatal(err)
	}
	if err := replace(filepath.Join(damaged, "copy", "keys/one.key"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := verdict{name: "keys/one.key"}
	if v.judge(b, look{found: whole}, filepath.Join(damaged, "copy")); v.outcome != silent {
		t.Errorf("a file that stays damaged, and nobody says so: %s", v.outcome)
	}
}

func someDisk(t *testing.T) *disk {
	t.Helper()
	dir, older := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(dir, "keys/one.key"): "the first of two keys", filepath.Join(dir, "keys/two.key"): "the second of them",
		filepath.Join(dir, "files/ab/abcdef"): "a picture that was taken", filepath.Join(older, "keys/one.key"): "an older key",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	d, err := newDisk(dir, older, "")
	if err != nil {
		t.Fatal(err)
	}
	d.kinds["keys/one.key"] = []string{"keys/one.key", "keys/two.key"}
	return d
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
