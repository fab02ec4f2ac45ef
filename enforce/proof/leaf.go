package proof

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tidewatch/enforce"
)

// LeafKind says what a leaf of the log is about.
type LeafKind string

// The leaves of the log.
const (
	ManifestLeaf  LeafKind = "manifest"  // evidence was recorded
	TimestampLeaf LeafKind = "timestamp" // an authority has confirmed when
	DeletionLeaf  LeafKind = "deletion"  // files are deleted by a rule
)

// Leaf is an entry of the log, written as canonical JSON. All hashes are
// SHA-256 in hex.
type Leaf struct {
	Kind      LeafKind           `json:"kind"`
	Case      string             `json:"case,omitempty"`
	Manifest  string             `json:"manifest,omitempty"`  // of a manifest leaf
	Signature string             `json:"signature,omitempty"` // of a manifest or timestamp leaf
	Timestamp string             `json:"timestamp,omitempty"` // of a timestamp leaf
	Files     []enforce.FileName `json:"files,omitempty"`     // of a deletion leaf
	Rule      string             `json:"rule,omitempty"`      // of a deletion leaf: why they went
	At        time.Time          `json:"at,omitzero"`         // of a deletion leaf
}

// Encode writes a leaf in its canonical form.
func (l Leaf) Encode() ([]byte, error) {
	text, err := canonical(l)
	if err != nil {
		return nil, fmt.Errorf("write %s leaf of case %s: %w", l.Kind, l.Case, err)
	}
	return text, nil
}

// ParseLeaf reads a leaf.
func ParseLeaf(text []byte) (Leaf, error) {
	var l Leaf
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("is not a leaf: %w", err)
	}
	if l.Kind == "" {
		return l, errors.New("is not a leaf: it has no kind")
	}
	return l, nil
}

// leaf is the entry that evidence must have in the log.
func manifestLeaf(violation string, e enforce.Evidence) Leaf {
	return Leaf{Kind: ManifestLeaf, Case: violation, Manifest: e.Manifest, Signature: e.Signature}
}

// timestampLeaf is the entry that a timestamp must have in the log.
func timestampLeaf(violation string, e enforce.Evidence) Leaf {
	return Leaf{Kind: TimestampLeaf, Case: violation, Signature: e.Signature, Timestamp: e.Timestamp}
}
