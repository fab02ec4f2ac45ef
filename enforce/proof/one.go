package proof

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	"tidewatch/enforce"
)

// One checks the evidence of one case in a store whose log lies in a folder,
// without reading the log whole: the leaf of the case is looked for at its place,
// and that the log holds together is checked by ReadLog. What the case log says to
// be deleted is not missed.
func (c *Checker) One(ctx context.Context, files Files, dir string, one enforce.Case) {
	place := single{stored{files, &Log{dir: dir}}, one.Deleted}
	s := subject{Checker: c, place: place, ctx: ctx, id: one.ID, stored: &one.Violation}
	s.check()
}

// single is the place of one case in a store.
type single struct {
	stored
	deleted []enforce.FileName
}

// known is told by the whole log alone.
func (s single) known(string) bool { return false }

func (s single) deletion(sum string) (leaf Leaf, at uint64, found bool) {
	return Leaf{Kind: DeletionLeaf}, 0, slices.ContainsFunc(s.deleted, func(f enforce.FileName) bool { return f.SHA256 == sum })
}

func (s single) logged(_ string, leaf Leaf, at uint64) (name, what string) {
	if at == anywhere {
		return "", ""
	}
	text, err := leaf.Encode()
	if err != nil {
		return s.log.name(""), err.Error()
	}
	found, name, err := s.leaf(at)
	switch {
	case err != nil:
		return name, said(err)
	case string(found) != string(text):
		return name, fmt.Sprintf("leaf %d is not that of its %s", at, leaf.Kind)
	}
	return "", ""
}

// leaf reads one leaf of the log.
func (s single) leaf(at uint64) (text []byte, name string, err error) {
	name = s.log.name(layout.CheckpointPath)
	signed, err := os.ReadFile(filepath.Join(s.log.dir, layout.CheckpointPath))
	if err != nil {
		return nil, name, err
	}
	var c log.Checkpoint
	if _, err := c.Unmarshal(signed); err != nil {
		return nil, name, err
	}
	if at >= c.Size {
		return nil, name, fmt.Errorf("has no leaf %d, only %d leaves", at, c.Size)
	}
	tile := at / layout.EntryBundleWidth
	partial := layout.PartialTileSize(0, tile, c.Size)
	name = s.log.name(layout.EntriesPath(tile, partial))
	data, err := client.FileFetcher{Root: s.log.dir}.ReadEntryBundle(context.Background(), tile, partial)
	if err != nil {
		return nil, name, err
	}
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(data); err != nil {
		return nil, name, err
	}
	if at%layout.EntryBundleWidth >= uint64(len(bundle.Entries)) {
		return nil, name, fmt.Errorf("holds %d leaves and not leaf %d", len(bundle.Entries), at)
	}
	return bundle.Entries[at%layout.EntryBundleWidth], name, nil
}
