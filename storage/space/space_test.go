package space

import (
	"errors"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/sys/unix"
)

func newWatch(t *testing.T, dir string) *Watch {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Dir, cfg.Folders = dir, []string{"files", "missing"}
	return New(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}

func TestADiskThatIsWell(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	w := newWatch(t, dir)
	if len(w.volumes) != 1 {
		t.Errorf("one file system is taken for %d", len(w.volumes))
	}
	if w.volumes[0].broken != nil || w.Low() != nil {
		t.Errorf("it says %v, %v", w.Health(), w.Low())
	}
	for name, gauge := range map[string]*prometheus.GaugeVec{"free": w.metrics.free, "size": w.metrics.size, "writable": w.metrics.writable} {
		if testutil.ToFloat64(gauge.WithLabelValues(dir)) == 0 {
			t.Errorf("the metric %s is zero", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, probeName)); err == nil {
		t.Error("the small file stays")
	}
}

// TestWhatCannotBeWritten has folders that take nothing, and one that is a link
// to another file system.
func TestWhatCannotBeWritten(t *testing.T) {
	gone := newWatch(t, filepath.Join(t.TempDir(), "gone"))
	if err := gone.Health(); err == nil || !errors.Is(err, unix.ENOENT) {
		t.Errorf("of a folder that is gone it says %v", err)
	}
	dir := t.TempDir()
	if err := os.Symlink("/proc", filepath.Join(dir, "files")); err != nil {
		t.Fatal(err)
	}
	w := newWatch(t, dir)
	if err := w.Health(); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "files")+" takes no file") {
		t.Errorf("of a second file system that takes nothing it says %v", err)
	}
	if n := testutil.ToFloat64(w.metrics.failures.WithLabelValues(filepath.Join(dir, "files"))); n != 1 {
		t.Errorf("%v failures are counted", n)
	}
}

// TestADiskThatHangs has a look that does not end.
func TestADiskThatHangs(t *testing.T) {
	w := newWatch(t, t.TempDir())
	w.volumes = nil
	w.begin(time.Now().Add(-time.Minute))
	if err := w.Health(); err == nil || !strings.Contains(err.Error(), "has taken 1m0s so far") {
		t.Errorf("it says %v", err)
	}
}

func TestRoom(t *testing.T) {
	const giga = 1 << 30
	for name, test := range map[string]struct {
		room  room
		short bool
		says  string
	}{
		"plenty":                       {room{500 * giga, 1000 * giga, 1e6, 1e7}, false, "536.9 GB"},
		"little of a large one":        {room{giga - 1, 1000 * giga, 1e6, 1e7}, true, "1.1 GB"},
		"as much of a small one":       {room{giga - 1, 20 * giga, 1e6, 1e7}, false, "1.1 GB"},
		"little of a small one":        {room{20 << 20, 2 * giga, 1e6, 1e7}, true, "21.0 MB"},
		"nothing":                      {room{0, giga, 1e6, 1e7}, true, "0 B"},
		"no files":                     {room{500 * giga, 1000 * giga, 9, 1e7}, true, "536.9 GB and 9 files"},
		"a file system without limits": {room{500 * giga, 1000 * giga, 0, 0}, false, "536.9 GB"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.room.short() != test.short || test.room.String() != test.says {
				t.Errorf("short %v, %q", test.room.short(), test.room)
			}
		})
	}
}

// TestDaysLeft fills a disk of 1,000 GB by so many GB an hour, over restarts.
func TestDaysLeft(t *testing.T) {
	const giga = 1_000_000_000
	for name, test := range map[string]struct {
		used func(hour int) float64 // GB
		hour int
		want float64
	}{
		"nothing is known":          {func(hour int) float64 { return 100 }, 0, math.Inf(1)},
		"too young":                 {func(hour int) float64 { return float64(100 + 10*hour) }, 2, math.Inf(1)},
		"it fills":                  {func(hour int) float64 { return float64(100 + hour) }, 5, 895.0 / 24},
		"it does not":               {func(hour int) float64 { return 100 }, 100, math.Inf(1)},
		"it empties":                {func(hour int) float64 { return float64(500 - hour) }, 100, math.Inf(1)},
		"faster on the last day":    {func(hour int) float64 { return 100 + max(0, float64(hour-100))*4 }, 124, 804.0 / 96},
		"on the whole, not the day": {func(hour int) float64 { return 100 + float64(min(hour, 100))*2 }, 130, 700 / (200.0 / 130 * 24)},
		"full":                      {func(hour int) float64 { return min(1000, float64(500+100*hour)) }, 6, 0},
		"more than a week ago":      {func(hour int) float64 { return 100 + float64(min(hour, 10))*10 }, 400, math.Inf(1)},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "disk.json")
			begin := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
			days := 0.0
			for hour := range test.hour + 1 {
				g := openGrowth(path)
				used := uint64(test.used(hour) * giga)
				days = g.days("data", room{free: 1000*giga - used, size: 1000 * giga}, begin.Add(time.Duration(hour)*time.Hour))
				if err := g.save(); err != nil {
					t.Fatal(err)
				}
				if n := len(g.kept["data"]); n > 24*7+1 {
					t.Fatalf("%d samples are kept", n)
				}
			}
			if days != test.want && math.Abs(days-test.want) > 0.01 {
				t.Errorf("%v days, want %v", days, test.want)
			}
		})
	}
}

func TestFewDaysAreTold(t *testing.T) {
	w := newWatch(t, t.TempDir())
	w.volumes = []volume{{dir: "/data", room: room{free: 40_000_000_000, size: 1 << 40}, days: 3.2}, {dir: "/other", days: 30}}
	const want = "/data is full in about 3 days at the pace of late: 40.0 GB left; make room, or let evidence go earlier (retention)"
	if err := w.Low(); err == nil || err.Error() != want {
		t.Errorf("it says %v", err)
	}
}

// FuzzGrowth has anything lie where the growth was written down.
func FuzzGrowth(f *testing.F) {
	f.Add([]byte(`{"data":[{"at":"2026-05-04T12:00:00Z","used":1,"size":2}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "disk.json")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if days := openGrowth(path).days("data", room{free: 1, size: 2}, time.Now()); days < 0 || math.IsNaN(days) {
			t.Errorf("%v days", days)
		}
	})
}
