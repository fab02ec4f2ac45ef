package proof

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera/api/layout"
	"golang.org/x/sync/errgroup"

	"tidewatch/enforce"
)

// Files opens what is stored under a SHA-256 in hex.
type Files interface {
	Open(ctx context.Context, sum string) (io.ReadSeekCloser, error)
}

// stored is the place of a case in the store of a running system.
type stored struct {
	files Files
	log   *Log
}

func (s stored) open(ctx context.Context, _, sum string) (string, io.ReadCloser, error) {
	name := "files"
	if len(sum) > 2 {
		name = path.Join("files", sum[:2], sum)
	}
	data, err := s.files.Open(ctx, sum)
	return name, data, err
}

func (s stored) logged(_ string, leaf Leaf, at uint64) (name, what string) {
	return s.log.logged(leaf, at)
}

func (s stored) known(violation string) bool { return s.log.recorded[violation] }

func (s stored) deletion(sum string) (Leaf, uint64, bool) { return s.log.deletion(sum) }

// logged says what is wrong with a leaf's place.
func (l *Log) logged(leaf Leaf, at uint64) (name, what string) {
	text, err := leaf.Encode()
	places := l.places[string(text)]
	switch {
	case err != nil:
		return l.name(""), err.Error()
	case at == anywhere && len(places) == 0:
		return l.name(""), fmt.Sprintf("has no leaf for its %s", leaf.Kind)
	case at == anywhere:
		return "", ""
	case at >= l.size:
		return l.name(""), fmt.Sprintf("has no leaf %d, only %d leaves", at, l.size)
	case string(l.leaves[at]) != string(text):
		return l.name(""), fmt.Sprintf("leaf %d is not that of its %s", at, leaf.Kind)
	case !l.sound(at):
		return l.name(""), fmt.Sprintf("leaf %d has another hash in the tiles", at)
	}
	return "", ""
}

func (l *Log) deletion(sum string) (leaf Leaf, at uint64, found bool) {
	at, found = l.deletions[sum]
	if found {
		leaf, _ = ParseLeaf(l.leaves[at])
	}
	return leaf, at, found
}

// Cases checks the evidence of cases, as the case log has them, in a store.
func (c *Checker) Cases(ctx context.Context, files Files, log *Log, cases []enforce.Case) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for _, one := range cases {
		group.Go(func() error {
			s := subject{Checker: c, place: stored{files, log}, ctx: ctx, id: one.ID, stored: &one.Violation}
			s.check()
			return ctx.Err()
		})
	}
	return group.Wait()
}

// opening is how long a case may take from its manifest to its first event:
// Kafka may be away for as long.
const opening = time.Hour

// AwaitCheckpoint waits until a checkpoint holds the leaves of cases that were
// read while the log is written. One comes within a second; where none comes, the
// check says what is missing.
func AwaitCheckpoint(ctx context.Context, dir string, cases []enforce.Case) {
	need := uint64(0)
	for _, c := range cases {
		if c.Violation.Evidence.Signature != "" {
			need = max(need, c.Violation.Evidence.Leaf+1)
		}
	}
	for range 50 {
		var c log.Checkpoint
		signed, err := os.ReadFile(filepath.Join(dir, layout.CheckpointPath))
		if err != nil {
			return
		}
		if _, err := c.Unmarshal(signed); err != nil || c.Size >= need {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Leaves looks for manifests in the log that no case refers to.
func (c *Checker) Leaves(ctx context.Context, files Files, log *Log, cases []enforce.Case, now time.Time) {
	manifests := map[string]string{} // of cases
	for _, one := range cases {
		manifests[one.ID] = one.Violation.Evidence.Manifest
	}
	for leaf, i := range log.Manifests() {
		name := fmt.Sprintf("%s leaf %d", log.name(""), i)
		switch manifest, known := manifests[leaf.Case]; {
		case known && manifest == leaf.Manifest:
		case known:
			c.Report.Add(leaf.Case, name, Superseded, "is of a manifest that the case does not refer to",
				"The recording was interrupted and done again before the case opened")
		case c.recorded(ctx, files, leaf).After(now.Add(-opening)):
			c.Report.Add(leaf.Case, name, NotChecked, "is of a case that has not opened yet", "Check again later")
		default:
			c.Report.Add(leaf.Case, name, NoCase, "is of a case that the case log does not know",
				"The case was removed from the case log, or the recording was interrupted for good")
		}
	}
}

// recorded is when a manifest says that it was written, zero if that cannot be
// read.
func (c *Checker) recorded(ctx context.Context, files Files, leaf Leaf) time.Time {
	data, err := files.Open(ctx, leaf.Manifest)
	if err != nil {
		return time.Time{}
	}
	text, err := readText(data)
	if err != nil {
		return time.Time{}
	}
	m, _ := ParseManifest(text)
	return m.RecordedAt
}
