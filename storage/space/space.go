// Package space watches the file systems that the data lies on: whether they
// take what is written, how much they have left, and for how many days that is
// enough at the pace of the last day or week. It writes and syncs a small file
// now and then, since a file system that is read-only, over a quota or broken
// often still says that it has room.
package space

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sys/unix"
)

// Config says what is watched, and from when on it is said.
type Config struct {
	Dir     string   // the data folder
	Folders []string // in it, that may be mounts of their own or links elsewhere
	Every   time.Duration
	// Patience is how long writing the small file may take.
	Patience time.Duration
	// FewDays is how many days of room left are worth a word.
	FewDays float64
}

// DefaultConfig leaves the folders to be filled in.
func DefaultConfig() Config {
	return Config{Every: 10 * time.Second, Patience: 20 * time.Second, FewDays: 7}
}

// Watch watches the file systems. Health and Low are safe for concurrent use.
type Watch struct {
	cfg     Config
	log     *slog.Logger
	metrics metrics
	now     func() time.Time
	growth  *growth

	mu      sync.Mutex
	volumes []volume
	begun   time.Time // of the look under way; zero while there is none
}

// volume is one file system, as the newest look has found it.
type volume struct {
	dir    string // the first of the folders on it
	room   room
	days   float64 // how long the room lasts; infinite: it does not shrink, or nothing is known
	broken error   // why the small file could not be written
}

// New looks once, and makes a watch that goes on looking in Run.
func New(cfg Config, log *slog.Logger, reg prometheus.Registerer) *Watch {
	w := &Watch{
		cfg: cfg, log: log, metrics: newMetrics(reg), now: time.Now,
		growth: openGrowth(filepath.Join(cfg.Dir, "disk.json")),
	}
	w.look()
	return w
}

// Run looks again and again until ctx is done.
func (w *Watch) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(w.cfg.Every):
			w.look()
		}
	}
}

// look looks at every file system once.
func (w *Watch) look() {
	w.begin(w.now())
	var found []volume
	for _, dir := range w.mounts() {
		v := volume{dir: dir, days: math.Inf(1)}
		if v.room, v.broken = measure(dir); v.broken == nil {
			v.days = w.growth.days(dir, v.room, w.now())
			v.broken = probe(dir)
		}
		w.metrics.enter(v)
		found = append(found, v)
	}
	if err := w.growth.save(); err != nil {
		w.log.Debug("growth of the data not written down", "error", err) // a full disk is told of by itself
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.volumes, w.begun = found, time.Time{}
}

func (w *Watch) begin(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = now
}

// mounts are the folders that lie on file systems of their own, the data folder
// first.
func (w *Watch) mounts() []string {
	dirs, seen := []string{w.cfg.Dir}, map[uint64]bool{}
	var stat unix.Stat_t
	if unix.Stat(w.cfg.Dir, &stat) == nil {
		seen[stat.Dev] = true
	}
	for _, name := range w.cfg.Folders {
		dir := filepath.Join(w.cfg.Dir, name)
		if unix.Stat(dir, &stat) == nil && !seen[stat.Dev] {
			seen[stat.Dev] = true
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Health says why what is judged may not be kept: a file system takes nothing,
// takes for ever, or is all but full.
func (w *Watch) Health() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	if late := w.now().Sub(w.begun); !w.begun.IsZero() && late > w.cfg.Patience {
		err = fmt.Errorf("writing a small file to %s has taken %s so far; check the disk", w.cfg.Dir, late.Round(time.Second))
	}
	for _, v := range w.volumes {
		switch {
		case v.broken != nil:
			err = errors.Join(err, fmt.Errorf("%s takes no file: %w; %s", v.dir, v.broken, remedy(v.broken)))
		case v.room.short():
			err = errors.Join(err, fmt.Errorf("%s is all but full: %s left; make room, or let evidence go earlier (retention)", v.dir, v.room))
		}
	}
	return err
}

// remedy is what to do about a file that cannot be written.
func remedy(err error) string {
	switch {
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return "make room"
	case errors.Is(err, unix.EROFS):
		return "see in the kernel's log why it became read-only, and mount it again"
	case errors.Is(err, fs.ErrPermission):
		return "make it writable for the user that tidewatch runs as"
	}
	return "check the disk"
}

// Low says that the room will not last for long.
func (w *Watch) Low() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var err error
	for _, v := range w.volumes {
		if v.days < w.cfg.FewDays {
			err = errors.Join(err, fmt.Errorf("%s is full in about %s at the pace of late: %s left; make room, or let evidence go earlier (retention)",
				v.dir, inWords(v.days), v.room))
		}
	}
	return err
}

func inWords(days float64) string {
	if days < 2 {
		return fmt.Sprintf("%.0f hours", days*24)
	}
	return fmt.Sprintf("%.0f days", days)
}

// probeName is the small file. It is there for a moment, or left by a crash.
const probeName = ".writable"

// probe writes and syncs a small file.
func probe(dir string) (err error) {
	file, err := os.OpenFile(filepath.Join(dir, probeName), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if _, err := file.Write(make([]byte, 4096)); err != nil {
		return err
	}
	return file.Sync()
}
