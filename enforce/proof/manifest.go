package proof

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gowebpki/jcs"

	"tidewatch/enforce"
)

// The forms of manifests. The first was neither canonical nor signed; it is
// still read, and reported as unsigned.
const (
	Format         = "tidewatch-evidence/2"
	UnsignedFormat = "tidewatch-evidence/1"
)

// Manifest lists what proves a violation. It is written as canonical JSON (RFC
// 8785), so that its bytes follow from its content. Durations are integers of
// nanoseconds, which that form holds exactly up to 104 days.
type Manifest struct {
	Format     string            `json:"format"`
	Software   string            `json:"software"`         // name and version
	Models     []Model           `json:"models,omitempty"` // the networks that saw and read
	RecordedAt time.Time         `json:"recorded_at,omitzero"`
	Violation  enforce.Violation `json:"violation"` // without its evidence
	Files      []enforce.File    `json:"files"`
	// ClipNote says why there is no clip, or what is not as it should be about it.
	ClipNote string `json:"clip_note,omitempty"`
	// Events is the form in which the events of the case are signed, empty where
	// they are not: taking the signatures away shows.
	Events string `json:"events,omitempty"`
}

// Model is a network that had a part in a violation.
type Model struct {
	Name   string `json:"name"` // file name
	SHA256 string `json:"sha256"`
}

// Encode writes a manifest in its canonical form.
func (m Manifest) Encode() ([]byte, error) {
	text, err := canonical(m)
	if err != nil {
		return nil, fmt.Errorf("write manifest of violation %s: %w", m.Violation.ID, err)
	}
	return text, nil
}

// ParseManifest reads a manifest of either form.
func ParseManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("is not a manifest: %w", err)
	}
	switch m.Format {
	case UnsignedFormat:
		return m, nil
	case Format:
	default:
		return m, fmt.Errorf("has format %q; this program reads %s and %s", m.Format, Format, UnsignedFormat)
	}
	if again, err := jcs.Transform(text); err != nil || string(again) != string(text) {
		return m, fmt.Errorf("is not in canonical form (RFC 8785)")
	}
	return m, nil
}

// canonical is a value as canonical JSON.
func canonical(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(text)
}
