package evidence

import (
	"bytes"
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// Log is the log of evidence. A leaf is in it for good when Append returns.
type Log interface {
	Append(ctx context.Context, leaf proof.Leaf) (index uint64, err error)
}

// Seal makes evidence such that an alteration shows: it signs a manifest and
// enters it in the log of evidence.
type Seal struct {
	Signer note.Signer
	Files  Files
	Log    Log
}

// Manifest stores a manifest with its signature and returns the evidence that
// refers to both and to their place in the log, all of it durable.
func (s Seal) Manifest(ctx context.Context, m proof.Manifest) (e enforce.Evidence, err error) {
	id := m.Violation.ID
	text, err := m.Encode()
	if err != nil {
		return e, err
	}
	e.Files = m.Files
	if e.Manifest, _, err = s.Files.Put(ctx, bytes.NewReader(text)); err != nil {
		return e, fmt.Errorf("store manifest of violation %s: %w", id, err)
	}
	signature, err := proof.Sign(s.Signer, text, id)
	if err != nil {
		return e, err
	}
	if e.Signature, _, err = s.Files.Put(ctx, bytes.NewReader(signature)); err != nil {
		return e, fmt.Errorf("store signature of violation %s: %w", id, err)
	}
	e.Leaf, err = s.Log.Append(ctx, proof.Leaf{Kind: proof.ManifestLeaf, Case: id, Manifest: e.Manifest, Signature: e.Signature})
	return e, err
}
