package proof

import (
	"context"
	"fmt"
	"io"
	"path"
	"runtime"

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

// Leaves looks for manifests in the log that no case refers to. pending says of
// the violation of such a manifest why its case is still to open; empty: it is
// not.
func (c *Checker) Leaves(ctx context.Context, files Files, log *Log, cases []enforce.Case, pending func(enforce.Violation) string) {
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
		default:
			if why := pending(c.violation(ctx, files, leaf)); why != "" {
				c.Report.Add(leaf.Case, name, NotChecked, "is of a case that has not opened yet: "+why, "Check again later")
				continue
			}
			c.Report.Add(leaf.Case, name, NoCase, "is of a case that the case log does not know",
				"The case was removed from the case log, or the recording was interrupted for good")
		}
	}
}

// violation is what a manifest is of, the ID alone if it cannot be read.
func (c *Checker) violation(ctx context.Context, files Files, leaf Leaf) enforce.Violation {
	only := enforce.Violation{ID: leaf.Case}
	data, err := files.Open(ctx, leaf.Manifest)
	if err != nil {
		return only
	}
	text, err := readText(data)
	if err != nil {
		return only
	}
	m, err := ParseManifest(text)
	if err != nil || m.Violation.ID != leaf.Case {
		return only
	}
	return m.Violation
}
