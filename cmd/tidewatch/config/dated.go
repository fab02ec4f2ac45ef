package config

import (
	"fmt"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/calendar"
)

const (
	// aheadDays is for how long the holidays should be known ahead, and windows
	// should be announced.
	aheadDays = 30
	// surveyDays is how far ahead it is looked whether something ever holds.
	surveyDays = 400
)

// version is a version of a section's rule and where it is written.
type version struct {
	path    string
	section enforce.RoadSection
	index   int // among the versions of the section, in order of effect
}

// versions are the rules in the order of the file.
func (c *Config) versions() []version {
	var all []version
	for i, y := range c.written.Sections {
		for index, p := range c.Policies[y.ID] {
			if day, _ := enforce.ParseDate(y.Effective); day == p.Section.Effective {
				all = append(all, version{fmt.Sprintf("sections[%d]", i), p.Section, index})
			}
		}
	}
	return all
}

// dated says what of the rules is over, ends soon, or is not yet, as of now.
func (c *Config) dated(now time.Time) report {
	r := report{name: c.report.name, tree: c.report.tree}
	for _, v := range c.versions() {
		from, until := c.Policies.Life(v.section.ID, v.index)
		if v.index == 0 && from.After(now) {
			r.doubt(v.path+".effective", "no rule is in force before %s: nothing is judged until then", v.section.Effective)
		}
		if !until.IsZero() && !until.After(now) {
			continue // another version has taken its place
		}
		ahead := lifeAhead(from, until, now)
		r.windows(v, until, now, ahead)
		r.suspensions(v, now)
		for i := range v.section.Limits {
			r.limit(fmt.Sprintf("%s.limits[%d]", v.path, i), v.section, i, now, ahead)
		}
		if day := unknownDay(v.section, ahead, now); !day.IsZero() {
			r.doubt(v.path, "what kind of day %s is has not been told: from then on its windows count as open on every day "+
				"that might be of their kind; put the announced days into the file of holidays", day)
		}
	}
	return r
}

// lifeAhead is what comes of a version's life from today on.
func lifeAhead(from, until, now time.Time) enforce.Span {
	ahead := enforce.Span{From: now, Until: now.AddDate(0, 0, surveyDays)}
	if from.After(now) {
		ahead = enforce.Span{From: from, Until: from.AddDate(0, 0, surveyDays)}
	}
	if !until.IsZero() && until.Before(ahead.Until) {
		ahead.Until = until
	}
	return ahead
}

func (r *report) windows(v version, until, now time.Time, ahead enforce.Span) {
	today := enforce.DateOf(now.In(v.section.Location))
	for i, w := range v.section.Windows {
		path := fmt.Sprintf("%s.windows[%d]", v.path, i)
		last := w.Over()
		replaced := !until.IsZero() && enforce.DateOf(until).Before(last)
		switch {
		case !last.IsZero() && last.Before(today):
			r.doubt(path, "ended on %s: it opens no more", last)
		case !last.IsZero() && !replaced && len(w.Days) == 0 && last.Before(today.AddDays(aheadDays)):
			r.doubt(path, "ends on %s: from then on parking is forbidden in its hours, unless it is announced anew", last)
		case !v.section.Opens(w, widened(ahead, w)):
			r.doubt(path, "never opens: no day is in all of what it asks for")
		}
	}
	if len(v.section.Windows) > 0 && len(v.section.Suspensions) == 0 && v.section.AlwaysOpen(ahead) {
		r.doubt(v.path+".windows", "leave no time in which parking is forbidden: only who stands out of order is ever suspected")
	}
}

// widened is a span that reaches the days of a window that opens later.
func widened(span enforce.Span, w enforce.TidalWindow) enforce.Span {
	for _, day := range append([]enforce.Date{w.FirstDay}, w.Days...) {
		if end := day.AddDays(surveyDays).Midnight(time.UTC); !day.IsZero() && end.After(span.Until) {
			span.Until = end
		}
	}
	return span
}

func (r *report) suspensions(v version, now time.Time) {
	for i, each := range v.section.Suspensions {
		path := fmt.Sprintf("%s.suspensions[%d]", v.path, i)
		switch {
		case each.Until.Before(now):
			r.doubt(path, "ended at %s", each.Until.In(v.section.Location).Format(momentForm))
		case !v.section.Suspends(each):
			r.doubt(path, "suspends nothing: none of its windows would open then")
		}
	}
}

func (r *report) limit(path string, s enforce.RoadSection, i int, now time.Time, ahead enforce.Span) {
	last := s.Limits[i].Over()
	switch {
	case !last.IsZero() && last.Before(enforce.DateOf(now.In(s.Location))):
		r.doubt(path, "ended on %s: it holds no more", last)
	case !s.Holds(i, ahead):
		r.doubt(path, "never holds: the entries before it have all of its time, or no day is in all of what it asks for")
	}
}

// unknownDay is the first of the coming days whose kind a rule asks for and does
// not know; zero if there is none.
func unknownDay(s enforce.RoadSection, ahead enforce.Span, now time.Time) enforce.Date {
	if !s.AsksForKinds() {
		return enforce.Date{}
	}
	from, until := enforce.DateOf(ahead.From.In(s.Location)), enforce.DateOf(ahead.Until.In(s.Location))
	if soon := enforce.DateOf(now.In(s.Location)).AddDays(aheadDays); soon.Before(until) {
		until = soon
	}
	return calendar.Unknown(s.Calendar, from, until)
}
