package enforce

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Action is what becomes of a vehicle whose violation is certain.
type Action string

// The actions, of which an officer chooses one.
const (
	Warn     Action = "warn"     // told, and nothing is sent to the police
	Penalise Action = "penalise" // sent to the police platform
)

// Discretion is the announced scale by which a violation is warned of or
// penalised. It is part of a policy; its zero rules are left out. Days are
// calendar days in the section's time zone: that of the earlier violation is
// not counted, and the last one counts whole.
type Discretion struct {
	Announcement string `json:"announcement"` // number under which the scale was announced

	// FirstWithinDays makes a warning of the first violation in so many days.
	FirstWithinDays int `json:"first_within_days,omitempty"`
	// MinorWithin makes a warning of one that ended sooner than this after its
	// observation period had run out, unless it was at a serious place.
	MinorWithin time.Duration `json:"minor_within_ns,omitempty"`
	// RepeatWithinDays makes a penalty of one that follows another in so many
	// days, however minor.
	RepeatWithinDays int `json:"repeat_within_days,omitempty"`
	// EscalateAt makes the penalty a heavier one from the so-manieth violation in
	// RepeatWithinDays on, itself counted.
	EscalateAt int `json:"escalate_at,omitempty"`
	// EverySection counts violations in other sections, too.
	EverySection bool `json:"every_section,omitempty"`
}

// longestScale bounds the days that a scale counts, so that dates stay dates.
const longestScale = 10 * 366

// Validate checks that a scale means something.
func (d Discretion) Validate() error {
	switch {
	case strings.TrimSpace(d.Announcement) == "":
		return errors.New("discretion: announcement is missing: a scale must have been announced under a number")
	case min(d.FirstWithinDays, d.RepeatWithinDays, d.EscalateAt) < 0 || d.MinorWithin < 0:
		return errors.New("discretion: nothing of it may be negative")
	case max(d.FirstWithinDays, d.RepeatWithinDays) > longestScale:
		return fmt.Errorf("discretion: want at most %d days", longestScale)
	case d.EscalateAt > 0 && d.RepeatWithinDays == 0:
		return errors.New("discretion: escalate_at counts violations in repeat_within_days, which is missing")
	case d.EscalateAt == 1:
		return errors.New("discretion: escalate_at 1 is every violation; want 2 or more")
	}
	return nil
}

// ShortestAgain keeps a stop from being another violation while an officer
// looks at the first.
const ShortestAgain = time.Hour

// MeasureCode names one ground of a measure. Pages put it into words.
type MeasureCode string

// The grounds of measures.
const (
	FirstViolation  MeasureCode = "first"     // no other in Days
	MinorViolation  MeasureCode = "minor"     // ended Beyond the period, less than Limit
	RepeatViolation MeasureCode = "repeat"    // Count others in Days
	Escalated       MeasureCode = "escalated" // the Count-th in Days: a heavier penalty
	SeriousPlace    MeasureCode = "serious"   // on a crossing or in a fire lane: never minor
	StillStands     MeasureCode = "stands"    // not seen leaving, so not known to be minor
	OrdinaryMeasure MeasureCode = "ordinary"  // nothing speaks for a warning
)

// MeasureCodes lists every ground.
var MeasureCodes = []MeasureCode{
	FirstViolation, MinorViolation, RepeatViolation, Escalated, SeriousPlace, StillStands, OrdinaryMeasure,
}

// MeasureReason is one ground with the facts it rests on.
type MeasureReason struct {
	Code   MeasureCode
	Days   int
	Count  int
	Beyond time.Duration
	Limit  time.Duration
}

// Measure is what the scale proposes for a violation. The officer decides.
type Measure struct {
	Action  Action
	Reasons []MeasureReason
	Earlier []Case // the violations that count, newest first
}

// Grounds are the codes of the reasons, as a decision records them.
func (m Measure) Grounds() string {
	codes := make([]string, len(m.Reasons))
	for i, r := range m.Reasons {
		codes[i] = string(r.Code)
	}
	return strings.Join(codes, ",")
}

// Measure holds a case against the scale. Past are cases of the same plate; of
// them those count that an officer confirmed or warned of and whose violation
// began before this one did, so that the order in which cases are decided
// makes no first violation of a second.
func (d Discretion) Measure(c Case, past []Case) Measure {
	m := Measure{Earlier: d.earlier(c, past, max(d.FirstWithinDays, d.RepeatWithinDays))}
	if d.FirstWithinDays > 0 && len(d.earlier(c, past, d.FirstWithinDays)) == 0 {
		return m.because(Warn, MeasureReason{Code: FirstViolation, Days: d.FirstWithinDays})
	}
	if n := len(d.earlier(c, past, d.RepeatWithinDays)); n > 0 {
		m = m.because(Penalise, MeasureReason{Code: RepeatViolation, Count: n, Days: d.RepeatWithinDays})
		if d.EscalateAt > 0 && n+1 >= d.EscalateAt {
			m = m.because(Penalise, MeasureReason{Code: Escalated, Count: n + 1, Days: d.RepeatWithinDays})
		}
		return m
	}
	return d.minor(m, c)
}

func (d Discretion) minor(m Measure, c Case) Measure {
	beyond := c.StopEnd.Sub(c.Violation.Due)
	switch {
	case d.MinorWithin <= 0:
		return m.because(Penalise, MeasureReason{Code: OrdinaryMeasure})
	case c.Violation.serious():
		return m.because(Penalise, MeasureReason{Code: SeriousPlace})
	case c.StopEnd.IsZero():
		return m.because(Penalise, MeasureReason{Code: StillStands})
	case beyond < d.MinorWithin:
		return m.because(Warn, MeasureReason{Code: MinorViolation, Beyond: max(beyond, 0), Limit: d.MinorWithin})
	}
	return m.because(Penalise, MeasureReason{Code: OrdinaryMeasure})
}

func (m Measure) because(a Action, r MeasureReason) Measure {
	m.Action, m.Reasons = a, append(m.Reasons, r)
	return m
}

// earlier are the cases that count as violations of the same vehicle in the
// days before c, newest first.
func (d Discretion) earlier(c Case, past []Case, days int) []Case {
	from := c.daysBefore(days)
	var found []Case
	for _, p := range past {
		at := p.Violation.Since
		if days > 0 && p.ID != c.ID && p.Settled() && at.Before(c.Violation.Since) && !at.Before(from) &&
			(d.EverySection || p.Violation.Section.ID == c.Violation.Section.ID) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b Case) int {
		return cmp.Or(b.Violation.Since.Compare(a.Violation.Since), cmp.Compare(a.ID, b.ID))
	})
	return found
}

// Past is the stretch of time in which violations count for a case.
func (d Discretion) Past(c Case) Span {
	return Span{c.daysBefore(max(d.FirstWithinDays, d.RepeatWithinDays)), c.Violation.Since}
}

// daysBefore is the first moment that lies no more than some calendar days
// before the violation, by the clock of the section.
func (c Case) daysBefore(days int) time.Time {
	location, err := time.LoadLocation(c.Violation.Section.TimeZone)
	if err != nil {
		location = time.UTC
	}
	return DateOf(c.Violation.Since.In(location)).AddDays(-days).Midnight(location)
}

// serious reports whether the vehicle stood where no violation is minor.
func (v Violation) serious() bool {
	return slices.ContainsFunc(v.Reasons, func(r Reason) bool { return r.Code == OnCrossing || r.Code == InFireLane })
}

// Settled reports whether an officer holds the case for a violation and it
// counts in later ones: confirmed or warned of, not in a trial, and not
// refused by the platform.
func (c Case) Settled() bool {
	return c.State == StateConfirmed || c.State == StateUploaded || c.State == StateWarned
}
