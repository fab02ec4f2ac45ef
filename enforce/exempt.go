package enforce

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
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

	size    int
	byPlate map[string][]Exemption
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
		lines[i] = string(text)
	}
	slices.Sort(lines)
	sum := sha256.New()
	for _, line := range lines {
		sum.Write([]byte(line + "\n"))
	}
	list.ID = hex.EncodeToString(sum.Sum(nil)[:8])
	return list
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
