package space

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// growth remembers how full each file system was, over restarts.
type growth struct {
	path    string
	changed bool
	kept    map[string][]sample // by folder, oldest first
}

// sample is how much a file system held at a moment.
type sample struct {
	At   time.Time `json:"at"`
	Used uint64    `json:"used"`
	// Size tells a file system from another one that was mounted in its place.
	Size uint64 `json:"size"`
}

const (
	sampleEvery = time.Hour
	sampleSpan  = 7 * 24 * time.Hour
	daySpan     = 24 * time.Hour
	// enough is how long must have been seen before a pace is told.
	enough = 3 * time.Hour
)

// openGrowth reads what was remembered. What cannot be read is forgotten: it is
// an estimate.
func openGrowth(path string) *growth {
	g := &growth{path: path}
	if text, err := os.ReadFile(path); err != nil || json.Unmarshal(text, &g.kept) != nil || g.kept == nil {
		g.kept = map[string][]sample{}
	}
	return g
}

// days is how long the room of a file system lasts at the faster of the last
// day's and the last week's pace; infinite where it does not fill, or too little is known.
func (g *growth) days(dir string, r room, now time.Time) float64 {
	latest := sample{At: now.UTC().Truncate(time.Second), Used: r.size - min(r.size, r.free), Size: r.size}
	known := slices.DeleteFunc(g.kept[dir], func(s sample) bool {
		return s.Size != latest.Size || s.At.After(latest.At) || latest.At.Sub(s.At) > sampleSpan
	})
	if len(known) == 0 || latest.At.Sub(known[len(known)-1].At) >= sampleEvery {
		known = append(known, latest)
		g.changed = true
	}
	g.kept[dir] = known
	pace := max(paceSince(known, latest, daySpan), paceSince(known, latest, sampleSpan))
	if pace <= 0 {
		return math.Inf(1)
	}
	return float64(r.free) / pace
}

// paceSince is by how many bytes a day a file system has filled over a span.
func paceSince(known []sample, latest sample, span time.Duration) float64 {
	for _, s := range known {
		if age := latest.At.Sub(s.At); age <= span && age >= enough {
			return (float64(latest.Used) - float64(s.Used)) / (age.Hours() / 24)
		}
	}
	return 0
}

// save writes down what is new.
func (g *growth) save() error {
	if !g.changed {
		return nil
	}
	text, err := json.Marshal(g.kept)
	if err != nil {
		return err
	}
	partial := g.path + ".partial"
	if err := os.WriteFile(partial, text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(partial, filepath.Clean(g.path)); err != nil {
		return err
	}
	g.changed = false
	return nil
}
