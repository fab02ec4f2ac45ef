package enforce

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewatch/detect/plate"
)

// ExemptionKind says why a vehicle may stand where others may not.
type ExemptionKind string

// The kinds of exemptions.
const (
	Emergency ExemptionKind = "emergency" // police, fire, ambulance, rescue, on duty
	Permit    ExemptionKind = "permit"    // a permit of the authority: works, deliveries, events
	Resident  ExemptionKind = "resident"  // residents of the street
	Breakdown ExemptionKind = "breakdown" // reported as broken down and waiting for help
)

// ExemptionKinds lists every kind.
var ExemptionKinds = []ExemptionKind{Emergency, Permit, Resident, Breakdown}

// Exemption lets one vehicle stand for a time. It is personal data.
type Exemption struct {
	Kind      ExemptionKind `json:"kind"`
	Plate     string        `json:"plate"`              // as plate.Normal writes it
	Sections  []string      `json:"sections,omitempty"` // IDs; none means everywhere
	From      time.Time     `json:"from,omitzero"`      // inclusive; zero: since ever
	Until     time.Time     `json:"until,omitzero"`     // exclusive; zero: for ever
	Reference string        `json:"reference"`          // number of the announcement, permit or report
	By        string        `json:"by,omitempty"`       // who entered or reported it
}

// Kept is what a case keeps of the exemption: not for which vehicle.
func (e Exemption) Kept() ExemptSpan {
	return ExemptSpan{Kind: e.Kind, From: kept(e.From), Until: kept(e.Until), Reference: e.Reference}
}

// Exemptions is an immutable list of exempt vehicles. The zero list is empty.
type Exemptions struct {
	// ID is a hash of the list, whatever the order of its entries, and empty
	// for the zero list. It is stored with every case that was held against it.
	ID string

	size     int
	byPlate  map[string][]Exemption
	document string
}

// NewExemptions makes a list and computes its ID. Plates are brought into the
// form in which they are compared.
func NewExemptions(entries []Exemption) Exemptions {
	list := Exemptions{size: len(entries), byPlate: map[string][]Exemption{}}
	lines := make([]string, len(entries))
	for i, e := range entries {
		e.Plate, e.Sections = plate.Normal(e.Plate), slices.Sorted(slices.Values(e.Sections))
		list.byPlate[e.Plate] = append(list.byPlate[e.Plate], e)
		e.From, e.Until = e.From.UTC(), e.Until.UTC()
		text, err := json.Marshal(e)
		if err != nil {
			panic(err) // strings and times always marshal
		}
		lines[i] = string(text) + "\n"
	}
	slices.Sort(lines)
	list.document = strings.Join(lines, "")
	sum := sha256.Sum256([]byte(list.document))
	list.ID = hex.EncodeToString(sum[:8])
	return list
}

// Document is the list as it is kept: what its ID is the hash of, whatever
// configuration it was read under. It is personal data.
func (l Exemptions) Document() []byte { return []byte(l.document) }

// ParseExemptions reads a list that was kept under an ID.
func ParseExemptions(id string, document []byte) (Exemptions, error) {
	var entries []Exemption
	for line := range bytes.Lines(document) {
		var e Exemption
		if json.Unmarshal(line, &e) != nil { // whose words would repeat a plate
			return Exemptions{}, errors.New("read exemptions: not a list as it is kept")
		}
		entries = append(entries, e)
	}
	list := NewExemptions(entries)
	if list.ID != id || list.document != string(document) {
		return Exemptions{}, fmt.Errorf("read exemptions: the list is not %s any more", id)
	}
	return list, nil
}

// Lost is how many of the vehicles that are exempt at a moment or later are not
// in a newer list at all, and of how many.
func (l Exemptions) Lost(newer Exemptions, now time.Time) (lost, of int) {
	for text, entries := range l.byPlate {
		if !slices.ContainsFunc(entries, func(e Exemption) bool { return e.Until.IsZero() || e.Until.After(now) }) {
			continue
		}
		of++
		if len(newer.byPlate[text]) == 0 {
			lost++
		}
	}
	return lost, of
}

// Len is the number of entries.
func (l Exemptions) Len() int { return l.size }

// Covering returns the exemptions of a plate in a section that hold at any
// moment of a stretch, the one that holds longest first.
func (l Exemptions) Covering(text, section string, stretch Span) []Exemption {
	var found []Exemption
	for _, e := range l.byPlate[plate.Normal(text)] {
		if _, holds := e.Kept().during(stretch); holds && (len(e.Sections) == 0 || slices.Contains(e.Sections, section)) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b Exemption) int {
		return cmp.Or(compareEnds(b.Until, a.Until), cmp.Compare(a.Reference, b.Reference))
	})
	return found
}

// compareEnds orders ends in time, of which the zero one is never reached.
func compareEnds(a, b time.Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b)
}
