// Package enforce decides whether a stop is a suspected violation, and what
// became of every case. It is pure: same stop, same policy, same answer, with
// the reasons spelled out. Nothing here reads a clock, a file or the network.
package enforce

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// RoadSection is a named stretch of kerb with the rule announced for it. It
// is what a policy is made of.
type RoadSection struct {
	ID       string
	Name     string
	Location *time.Location // zone in which the windows' clocks are read
	Windows  []TidalWindow

	// ObservationPeriod is the dwell a stop needs, outside every window,
	// before it is a suspected violation.
	ObservationPeriod time.Duration
	// Grace is added for a vehicle that stood permitted when a window ended.
	Grace time.Duration
	// Code is the violation's code on the police side, such as 1039.
	Code string
}

// Policy is an immutable, dated rule for one road section. Its ID is a hash of
// its content and is stored with every case judged under it.
type Policy struct {
	ID      string
	Section RoadSection
}

// NewPolicy fixes a section's rule and computes its ID.
func NewPolicy(section RoadSection) Policy {
	section.Windows = slices.Clone(section.Windows)
	// The hashed form is spelled out here, so that a new field of the section
	// does not silently give every past policy another ID.
	type window struct {
		Announcement, From, Until, FirstDay, LastDay string
		Weekdays                                     []time.Weekday
	}
	content := struct {
		Section, Zone, Code string
		Observation, Grace  time.Duration
		Windows             []window
	}{section.ID, section.Location.String(), section.Code, section.ObservationPeriod, section.Grace, nil}
	for _, w := range section.Windows {
		content.Windows = append(content.Windows, window{
			w.Announcement, w.From.String(), w.Until.String(),
			w.FirstDay.Format(time.DateOnly), w.LastDay.Format(time.DateOnly), w.Weekdays,
		})
	}
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	sum := sha256.Sum256(text)
	return Policy{ID: hex.EncodeToString(sum[:8]), Section: section}
}

// Opening is a window in force over a span of time.
type Opening struct {
	Span
	Window TidalWindow
}

// openings returns the section's windows that touch a span, in order of time.
// Windows are asked for from two days before, since one may run over midnight.
func (s RoadSection) openings(span Span) []Opening {
	var found []Opening
	last := midnight(span.Until.In(s.Location))
	for day := midnight(span.From.In(s.Location)).AddDate(0, 0, -2); !day.After(last); day = day.AddDate(0, 0, 1) {
		for _, w := range s.Windows {
			open, ok := w.beginningOn(day)
			if ok && open.Until.After(span.From) && open.From.Before(span.Until) {
				found = append(found, Opening{open, w})
			}
		}
	}
	slices.SortFunc(found, func(a, b Opening) int {
		return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return found
}
