package enforce

import (
	"cmp"
	"slices"
)

// exempted adds the vehicle's exemptions to the windows that are of use to it.
func (j *judgement) exempted(openings []Opening) []Opening {
	seen := Span{j.stop.Start, j.stop.End.Add(1)}.widened(j.margin)
	for i := range j.stop.Exempt {
		e := &j.stop.Exempt[i]
		held, holds := e.during(seen)
		if !holds {
			continue
		}
		// What holds at the end of what was seen has not ended there.
		if e.Until.IsZero() || e.Until.After(seen.Until) {
			held.Until = seen.Until.Add(1)
		}
		openings = append(openings, Opening{Span: held, Exempt: e})
	}
	slices.SortStableFunc(openings, func(a, b Opening) int {
		return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until))
	})
	return openings
}

// standsOn adds a stretch after the first violation to the time that makes the
// next ones: another one for each full AgainAfter in which the vehicle was seen
// to stand where it may not, windows and exemptions between them left out.
func (j *judgement) standsOn(stretch Span) bool {
	period := j.section.AgainAfter
	if period <= 0 {
		return false
	}
	for stretch.From.Before(stretch.Until) {
		left := period - j.stood
		j.Due = j.after(stretch.From, left)
		if stood := j.seen(stretch); stood < left {
			j.stood += stood
			return false
		}
		j.periods++
		if j.periods == j.stop.Nth {
			j.Suspected = true
			j.note(Reason{Code: StoodOn, From: j.Since, Until: j.Due, Required: period, Count: j.stop.Nth + 1})
			return true
		}
		j.Since, j.stood, stretch.From = j.Due, 0, j.Due
	}
	return false
}
