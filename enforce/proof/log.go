package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// Log is a log of evidence as it lies in a folder, read whole. Leaves that
// cannot be read are nil.
type Log struct {
	dir    string
	size   uint64
	root   []byte   // that the checkpoint signs
	leaves [][]byte // as the entries say
	tiled  [][]byte // hashes of leaves, as the tiles say; nil where they cannot be read
	hashes [][]byte // of leaves, whichever of both the tiles above confirm

	places    map[string][]uint64 // of leaves, by their text
	deletions map[string]uint64   // leaf by which a file is deleted, by its SHA-256
	recorded  map[string]bool     // cases that have the leaf of a manifest
}

// tampered is what follows when the log is not what it was.
const tampered = "The log was altered after its checkpoint was signed; restore it from a backup, and compare checkpoints that were exported"

// ReadLog reads the log in a folder and checks it: the checkpoint's signature,
// every leaf, every tile, and that all add up to the root that was signed.
func ReadLog(ctx context.Context, dir string, keys Keys, report *Report) *Log {
	return ReadLogSlowly(ctx, dir, keys, report, func(context.Context, int) {})
}

// ReadLogSlowly is ReadLog, with a pause after so many bytes each time.
func ReadLogSlowly(ctx context.Context, dir string, keys Keys, report *Report, pause func(ctx context.Context, bytes int)) *Log {
	l := &Log{dir: dir, places: map[string][]uint64{}, deletions: map[string]uint64{}, recorded: map[string]bool{}}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return l // where nothing was signed yet there is none; where something was, its leaf is missing
	}
	state, known := l.readState(report)
	l.readCheckpoint(keys, report)
	if l.root == nil && known {
		l.size = min(state.Size, l.room())
	}
	l.leaves, l.tiled, l.hashes = make([][]byte, l.size), make([][]byte, l.size), make([][]byte, l.size)
	tiles := (l.size + layout.TileWidth - 1) / layout.TileWidth
	for tile := range tiles {
		if ctx.Err() != nil {
			return l
		}
		l.readEntries(ctx, tile, report)
		l.readHashes(ctx, tile, report)
		l.settle(ctx, tile)
		pause(ctx, l.weight(tile))
	}
	l.checkTiles(ctx, report)
	if known && l.root != nil {
		l.checkState(state, report)
	}
	report.Leaves = l.size
	for at := range l.size {
		l.index(at)
	}
	return l
}

// weight is about how many bytes were read for a tile.
func (l *Log) weight(tile uint64) (bytes int) {
	for from, until := l.span(tile); from < until; from++ {
		bytes += len(l.leaves[from]) + len(l.tiled[from])
	}
	return bytes
}

// Size is how many leaves the log has.
func (l *Log) Size() uint64 { return l.size }

// index notes where a leaf is. One that was altered is nowhere: what it says
// may be what whoever altered it wanted to be said.
func (l *Log) index(at uint64) {
	if !l.sound(at) {
		return
	}
	text := l.leaves[at]
	l.places[string(text)] = append(l.places[string(text)], at)
	leaf, err := ParseLeaf(text)
	if err == nil && leaf.Kind == ManifestLeaf {
		l.recorded[leaf.Case] = true
	}
	if err != nil || leaf.Kind != DeletionLeaf {
		return
	}
	for _, f := range leaf.Files {
		l.deletions[f.SHA256] = at
	}
}

func (l *Log) readCheckpoint(keys Keys, report *Report) {
	name := l.name(layout.CheckpointPath)
	signed, err := os.ReadFile(filepath.Join(l.dir, layout.CheckpointPath))
	if err != nil {
		report.find(name, problemOf(err), said(err), "Nothing says what the log was; every place in it is in doubt")
		return
	}
	checkpoint, _, err := keys.openCheckpoint(signed)
	if err != nil {
		report.find(name, BadSignature, err.Error(), "Nobody who is trusted says what the log was; every place in it is in doubt")
		_, _ = checkpoint.Unmarshal(signed) // what can be read is checked all the same
	}
	// A size that was altered must not cost all memory.
	if checkpoint.Size > l.room() {
		report.find(name, Inconsistent, fmt.Sprintf("speaks of %d leaves, which its folder has no room for", checkpoint.Size), tampered)
		checkpoint.Size, checkpoint.Hash = 0, nil
	}
	l.size, l.root = checkpoint.Size, checkpoint.Hash
}

// room is how many leaves the files of entries can hold at most.
func (l *Log) room() uint64 {
	files := uint64(0)
	_ = filepath.WalkDir(filepath.Join(l.dir, "tile", "entries"), func(_ string, _ fs.DirEntry, err error) error {
		if err == nil {
			files++
		}
		return nil
	})
	return files * layout.EntryBundleWidth
}

// name is how the report calls a file of the log.
func (l *Log) name(path string) string { return filepath.Join(filepath.Base(l.dir), path) }

// span is the leaves that a tile of the lowest level holds.
func (l *Log) span(tile uint64) (from, until uint64) {
	return tile * layout.TileWidth, min((tile+1)*layout.TileWidth, l.size)
}

func (l *Log) readEntries(ctx context.Context, tile uint64, report *Report) {
	partial := layout.PartialTileSize(0, tile, l.size)
	name := l.name(layout.EntriesPath(tile, partial))
	from, until := l.span(tile)
	data, err := client.FileFetcher{Root: l.dir}.ReadEntryBundle(ctx, tile, partial)
	var bundle api.EntryBundle
	if err == nil {
		err = bundle.UnmarshalText(data)
	}
	if err == nil && uint64(len(bundle.Entries)) < until-from {
		err = fmt.Errorf("holds %d leaves instead of %d", len(bundle.Entries), until-from)
	}
	if err != nil {
		report.find(name, problemOf(err), said(err), fmt.Sprintf("The leaves from %d to %d cannot be read. %s", from, until-1, tampered))
		return
	}
	for i := from; i < until; i++ {
		l.leaves[i] = bundle.Entries[i-from]
		l.hashes[i] = rfc6962.DefaultHasher.HashLeaf(l.leaves[i])
	}
}

// readTile reads the hashes of a tile.
func (l *Log) readTile(ctx context.Context, level, index, count uint64) ([][]byte, error) {
	data, err := client.FileFetcher{Root: l.dir}.ReadTile(ctx, level, index, layout.PartialTileSize(level, index, l.size))
	if err != nil {
		return nil, err
	}
	var tile api.HashTile
	if err := tile.UnmarshalText(data); err != nil {
		return nil, err
	}
	if uint64(len(tile.Nodes)) < count {
		return nil, fmt.Errorf("holds %d hashes instead of %d", len(tile.Nodes), count)
	}
	return tile.Nodes[:count], nil
}

// readHashes reads the hashes of a tile's leaves and compares the leaves.
func (l *Log) readHashes(ctx context.Context, tile uint64, report *Report) {
	from, until := l.span(tile)
	partial := layout.PartialTileSize(0, tile, l.size)
	name := l.name(layout.TilePath(0, tile, partial))
	nodes, err := l.readTile(ctx, 0, tile, until-from)
	if err != nil {
		report.find(name, problemOf(err), said(err), tampered)
		return
	}
	copy(l.tiled[from:until], nodes)
	for i := from; i < until; i++ {
		if l.hashes[i] != nil && !bytes.Equal(l.hashes[i], l.tiled[i]) {
			report.find(l.name(layout.EntriesPath(tile, partial)), Inconsistent,
				fmt.Sprintf("leaf %d has not the hash that is in %s", i, name), tampered)
		}
	}
}

// sound reports whether a leaf can be read and is what the tiles say it is.
func (l *Log) sound(at uint64) bool {
	return l.leaves[at] != nil && bytes.Equal(rfc6962.DefaultHasher.HashLeaf(l.leaves[at]), l.tiled[at])
}

// settle takes, where leaves and their tile differ, the ones that the tile
// above confirms.
func (l *Log) settle(ctx context.Context, tile uint64) {
	from, until := l.span(tile)
	said, tiled := l.hashes[from:until], l.tiled[from:until]
	if tiled[0] == nil {
		return
	}
	if said[0] == nil {
		copy(said, tiled)
		return
	}
	if until-from < layout.TileWidth {
		return
	}
	above, err := l.readTile(ctx, 1, tile/layout.TileWidth, tile%layout.TileWidth+1)
	if err == nil && bytes.Equal(rootOf(tiled), above[tile%layout.TileWidth]) {
		copy(said, tiled)
	}
}

// rootOf is the root over hashes.
func rootOf(hashes [][]byte) []byte {
	tree := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	for _, h := range hashes {
		if h == nil || tree.Append(h, nil) != nil {
			return nil
		}
	}
	root, err := tree.GetRootHash(nil)
	if err != nil || len(hashes) == 0 {
		return rfc6962.DefaultHasher.EmptyRoot()
	}
	return root
}

// checkTiles computes the tiles above the leaves, and the root, and compares.
func (l *Log) checkTiles(ctx context.Context, report *Report) {
	level := l.hashes
	for height := uint64(1); len(level) >= layout.TileWidth; height++ {
		var above [][]byte
		for full := level; len(full) >= layout.TileWidth; full = full[layout.TileWidth:] {
			above = append(above, rootOf(full[:layout.TileWidth]))
		}
		level = above
		for tile := uint64(0); tile*layout.TileWidth < uint64(len(level)); tile++ {
			nodes := level[tile*layout.TileWidth : min((tile+1)*layout.TileWidth, uint64(len(level)))]
			l.checkTile(ctx, height, tile, nodes, report)
		}
	}
	if l.root != nil && !bytes.Equal(rootOf(l.hashes), l.root) {
		report.find(l.name(layout.CheckpointPath), Inconsistent, "its root is not that of the leaves", tampered)
	}
}

func (l *Log) checkTile(ctx context.Context, level, tile uint64, want [][]byte, report *Report) {
	name := l.name(layout.TilePath(level, tile, layout.PartialTileSize(level, tile, l.size)))
	nodes, err := l.readTile(ctx, level, tile, uint64(len(want)))
	if err != nil {
		report.find(name, problemOf(err), said(err), tampered)
		return
	}
	for i, node := range nodes {
		if want[i] != nil && !bytes.Equal(node, want[i]) {
			report.find(name, Inconsistent, fmt.Sprintf("hash %d is not that of the tile below", i), tampered)
		}
	}
}

// statePath is where the writer of the log keeps how far it is.
const statePath = ".state/treeState"

// state is how far the writer of a log is.
type state struct {
	Size uint64 `json:"size"`
	Root []byte `json:"root"`
}

// noState is what follows when the writer's state is not as it should be.
const noState = "The log cannot be continued, or goes on with another root; restore it from a backup"

func (l *Log) readState(report *Report) (s state, known bool) {
	text, err := os.ReadFile(filepath.Join(l.dir, statePath))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		report.find(l.name(statePath), problemOf(err), said(err), noState)
	}
	return s, err == nil
}

// checkState compares how far the writer says it is. It may be a little ahead
// of the checkpoint.
func (l *Log) checkState(s state, report *Report) {
	if s.Size < l.size || (s.Size == l.size) != bytes.Equal(s.Root, l.root) {
		report.find(l.name(statePath), Inconsistent, "differs from the checkpoint", noState)
	} else if s.Size > l.size {
		report.find(l.name(layout.CheckpointPath), NotChecked, fmt.Sprintf("is %d leaves behind what was written", s.Size-l.size),
			"Beside a Tidewatch that runs the next one holds them within seconds; where that is not so, an older checkpoint was put back")
	}
}

// CheckConsistency holds the log against a checkpoint that was exported
// earlier, such as one that a third party kept: all that it spoke of must be in
// the log still, at its place. name says where the checkpoint is from.
func (l *Log) CheckConsistency(name string, signed []byte, keys Keys, report *Report) {
	old, _, err := keys.openCheckpoint(signed)
	if err != nil {
		report.find(name, BadSignature, err.Error(), "This checkpoint proves nothing about the log")
		return
	}
	switch {
	case old.Size > l.size:
		report.find(l.name(layout.CheckpointPath), Inconsistent,
			fmt.Sprintf("speaks of %d leaves; %s spoke of %d", l.size, name, old.Size), "Leaves were removed from the log")
	case !bytes.Equal(rootOf(l.hashes[:old.Size]), old.Hash):
		report.find(l.name(layout.CheckpointPath), Inconsistent,
			fmt.Sprintf("the first %d leaves have not the root that is in %s", old.Size, name), "The log was written anew")
	}
}

// problemOf tells a file that is not there from one that cannot be read.
func problemOf(err error) Problem {
	if errors.Is(err, fs.ErrNotExist) {
		return Missing
	}
	return Unreadable
}

// said puts an error about a file in words that do not repeat its path.
func said(err error) string {
	var inPath *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is not there"
	case errors.As(err, &inPath):
		return "cannot be read: " + inPath.Err.Error()
	}
	return err.Error()
}

// Manifests are the leaves of manifests.
func (l *Log) Manifests() iter.Seq2[Leaf, uint64] {
	return func(yield func(Leaf, uint64) bool) {
		for at := range l.size {
			if !l.sound(at) {
				continue
			}
			leaf, err := ParseLeaf(l.leaves[at])
			if err == nil && leaf.Kind == ManifestLeaf && !yield(leaf, at) {
				return
			}
		}
	}
}
