package truth

import (
	"slices"
	"time"
)

// Tally counts outcomes, of one film or of several.
type Tally struct {
	Matched, Missed, False, Doubled, Aside int

	PlatesRight, PlatesWrong, PlatesUnread int

	// StartErrors and EndErrors are those of the matched stops, without sign.
	StartErrors, EndErrors []time.Duration
}

// Tally counts the lines of a score.
func (s Score) Tally() Tally {
	var t Tally
	counts := map[Outcome]*int{Matched: &t.Matched, Missed: &t.Missed, False: &t.False, Doubled: &t.Doubled, Aside: &t.Aside}
	plates := map[PlateOutcome]*int{Right: &t.PlatesRight, Wrong: &t.PlatesWrong, Unread: &t.PlatesUnread}
	for _, line := range s.Lines {
		*counts[line.Outcome]++
		if line.Outcome == Matched {
			t.StartErrors = append(t.StartErrors, line.StartError.Abs())
			t.EndErrors = append(t.EndErrors, line.EndError.Abs())
		}
		if line.Plate != "" {
			*plates[line.Plate]++
		}
	}
	return t
}

// Add is both tallies together.
func (t Tally) Add(u Tally) Tally {
	return Tally{
		Matched: t.Matched + u.Matched, Missed: t.Missed + u.Missed, False: t.False + u.False,
		Doubled: t.Doubled + u.Doubled, Aside: t.Aside + u.Aside,
		PlatesRight: t.PlatesRight + u.PlatesRight, PlatesWrong: t.PlatesWrong + u.PlatesWrong,
		PlatesUnread: t.PlatesUnread + u.PlatesUnread,
		StartErrors:  slices.Concat(t.StartErrors, u.StartErrors),
		EndErrors:    slices.Concat(t.EndErrors, u.EndErrors),
	}
}

// F1 is the harmonic mean of precision and recall, a doubled stop counted as a
// false one. It is 1 where nothing was parked and nothing found.
func (t Tally) F1() float64 {
	wrong := t.Missed + t.False + t.Doubled
	if t.Matched+wrong == 0 {
		return 1
	}
	return 2 * float64(t.Matched) / float64(2*t.Matched+wrong)
}

// Median is the middle one of some errors, the upper of two; 0 of none.
func Median(errors []time.Duration) time.Duration {
	if len(errors) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(errors))[len(errors)/2]
}
