package proof

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"
)

// inclusionHeader begins a file that proves that a leaf is in a log; the form
// is C2SP's tlog-proof.
const inclusionHeader = "c2sp.org/tlog-proof@v1"

// inclusion is a leaf's place in a log, and what shows that it is there.
type inclusion struct {
	index      uint64
	hashes     [][]byte
	checkpoint []byte // signed
}

func (i inclusion) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nindex %d\n", inclusionHeader, i.index)
	for _, h := range i.hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h) + "\n")
	}
	return b.String() + "\n" + string(i.checkpoint)
}

var errNoInclusion = errors.New("is not a proof that a leaf is in a log")

// parseInclusion reads such a file.
func parseInclusion(text string) (i inclusion, err error) {
	head, checkpoint, cut := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !cut || len(lines) < 2 || lines[0] != inclusionHeader {
		return i, errNoInclusion
	}
	if _, err := fmt.Sscanf(lines[1], "index %d", &i.index); err != nil {
		return i, errNoInclusion
	}
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(hash) != rfc6962.DefaultHasher.Size() {
			return i, errNoInclusion
		}
		i.hashes = append(i.hashes, hash)
	}
	i.checkpoint = []byte(checkpoint)
	if i.String() != text {
		return i, errNoInclusion
	}
	return i, nil
}

// check holds the place of a leaf against the root that the checkpoint signs.
func (i inclusion) check(leaf []byte, keys Keys) error {
	checkpoint, _, err := keys.openCheckpoint(i.checkpoint)
	if err != nil {
		return fmt.Errorf("its checkpoint %w", err)
	}
	hash := rfc6962.DefaultHasher.HashLeaf(leaf)
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, i.index, checkpoint.Size, hash, i.hashes, checkpoint.Hash); err != nil {
		return errors.New("does not lead from the leaf to the root that the checkpoint signs")
	}
	return nil
}

// openCheckpoint reads a signed checkpoint.
func (keys Keys) openCheckpoint(signed []byte) (c log.Checkpoint, by Key, err error) {
	text, by, err := keys.open(signed)
	if err != nil {
		return c, by, err
	}
	if rest, err := c.Unmarshal([]byte(text)); err != nil || len(rest) > 0 || len(c.Hash) != rfc6962.DefaultHasher.Size() {
		return c, by, errors.New("is not a checkpoint")
	}
	if c.Origin != by.Verifier.Name() {
		return c, by, fmt.Errorf("is of log %q, signed by %s", c.Origin, by.Name())
	}
	return c, by, nil
}

// ErrNotYet says that a leaf is in the log, but that no checkpoint holds it
// yet. One comes within seconds.
var ErrNotYet = errors.New("no checkpoint of the log holds this leaf yet; try again in some seconds")

// prove reads from a log's folder what shows that a leaf is in it.
func prove(ctx context.Context, dir string, index uint64) (inclusion, error) {
	signed, err := os.ReadFile(filepath.Join(dir, layout.CheckpointPath))
	if err != nil {
		return inclusion{}, fmt.Errorf("read checkpoint: %w", err)
	}
	var c log.Checkpoint
	if _, err := c.Unmarshal(signed); err != nil {
		return inclusion{}, fmt.Errorf("read checkpoint: %w", err)
	}
	if index >= c.Size {
		return inclusion{}, ErrNotYet
	}
	builder, err := client.NewProofBuilder(ctx, c.Size, client.FileFetcher{Root: dir}.ReadTile)
	if err != nil {
		return inclusion{}, fmt.Errorf("read the log's tiles: %w", err)
	}
	hashes, err := builder.InclusionProof(ctx, index)
	if err != nil {
		return inclusion{}, fmt.Errorf("prove leaf %d: %w", index, err)
	}
	return inclusion{index, hashes, signed}, nil
}
