package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/transparency-dev/tessera/api/layout"

	"tidewatch/enforce"
)

// Export writes the evidence of a case into a folder, with all that proves it
// to somebody who has nothing but the public key: the files that the manifest
// names, the manifest, its signature and timestamp, the policy, the key, and
// proofs that it is in the log. Files that were deleted by a rule are left out,
// and the log's record of that goes along.
type Export struct {
	Files Files
	Log   string // folder of the log
	Keys  Keys   // public keys of this system
}

// Write writes a package. It may be read with Checker.Package.
func (x Export) Write(ctx context.Context, dir string, c enforce.Case) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("make package: %w", err)
	}
	e := c.Violation.Evidence
	for _, part := range []struct{ name, sum string }{
		{manifestFile, e.Manifest}, {signatureFile, e.Signature}, {timestampFile, e.Timestamp}, {policyFile, policySum(c.Violation)},
	} {
		if part.sum == "" {
			continue
		}
		if err := x.copy(ctx, filepath.Join(dir, part.name), part.sum); err != nil {
			return err
		}
	}
	if err := x.evidence(ctx, dir, c); err != nil {
		return err
	}
	if e.Signature == "" {
		return nil // of before there were signatures
	}
	return x.prove(ctx, dir, c)
}

// policySum is the hash of the policy's document, empty for older policies,
// which have none.
func policySum(v enforce.Violation) string {
	if isSum(v.Policy) {
		return v.Policy
	}
	return ""
}

func (x Export) copy(ctx context.Context, path, sum string) (err error) {
	data, err := x.Files.Open(ctx, sum)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	defer data.Close()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	_, err = io.Copy(file, data)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// evidence writes what the manifest names.
func (x Export) evidence(ctx context.Context, dir string, c enforce.Case) error {
	files := c.Violation.Evidence.Files
	for i, name := range fileNames(files) {
		err := x.copy(ctx, filepath.Join(dir, name), files[i].SHA256)
		if errors.Is(err, fs.ErrNotExist) && deleted(c, files[i].SHA256) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func deleted(c enforce.Case, sum string) bool {
	for _, f := range c.Deleted {
		if f.SHA256 == sum {
			return true
		}
	}
	return false
}

// prove writes the key, the checkpoint and the proofs.
func (x Export) prove(ctx context.Context, dir string, c enforce.Case) error {
	e := c.Violation.Evidence
	log := ReadLog(ctx, x.Log, x.Keys, NewReport(x.Keys))
	leaves := map[string]Leaf{manifestRole: manifestLeaf(c.ID, e)}
	places := map[string]uint64{manifestRole: e.Leaf}
	if e.Timestamp != "" {
		leaves[timestampRole], places[timestampRole] = timestampLeaf(c.ID, e), log.placeOf(timestampLeaf(c.ID, e))
	}
	for _, f := range c.Deleted {
		if leaf, at, found := log.deletion(f.SHA256); found {
			role := fmt.Sprintf("deletion-%d", at)
			leaves[role], places[role] = leaf, at
		}
	}
	for _, role := range slices.Sorted(maps.Keys(leaves)) {
		if err := x.proveLeaf(ctx, dir, role, leaves[role], places[role]); err != nil {
			return err
		}
	}
	checkpoint, err := os.ReadFile(filepath.Join(x.Log, layout.CheckpointPath))
	if err != nil {
		return fmt.Errorf("read checkpoint: %w", err)
	}
	_, by, err := x.Keys.openCheckpoint(checkpoint)
	if err != nil {
		return fmt.Errorf("the log's checkpoint %w", err)
	}
	return errors.Join(write(dir, checkpointFile, checkpoint), write(dir, keysFile, []byte(keysText(x.signers(ctx, e, by)))))
}

// signers are the keys that a package was signed with.
func (x Export) signers(ctx context.Context, e enforce.Evidence, checkpoint Key) Keys {
	signers := Keys{checkpoint}
	data, err := x.Files.Open(ctx, e.Signature)
	if err != nil {
		return signers
	}
	text, err := readText(data)
	if err != nil {
		return signers
	}
	if _, by, err := x.Keys.open(text); err == nil && by.Text != checkpoint.Text {
		signers = append(signers, by)
	}
	return signers
}

func (x Export) proveLeaf(ctx context.Context, dir, role string, leaf Leaf, at uint64) error {
	i, err := prove(ctx, x.Log, at)
	if err != nil {
		return err
	}
	if leaf.Kind == DeletionLeaf {
		text, err := leaf.Encode()
		if err != nil {
			return err
		}
		if err := write(dir, role+leafSuffix, text); err != nil {
			return err
		}
	}
	return write(dir, role+proofSuffix, []byte(i.String()))
}

// placeOf is where a leaf is in the log.
func (l *Log) placeOf(leaf Leaf) uint64 {
	text, err := leaf.Encode()
	if places := l.places[string(text)]; err == nil && len(places) > 0 {
		return places[0]
	}
	return anywhere
}

func write(dir, name string, data []byte) error {
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o640); err != nil {
		return fmt.Errorf("write package: %w", err)
	}
	return nil
}
