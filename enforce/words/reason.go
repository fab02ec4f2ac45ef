package words

import (
	"slices"
	"strings"
	"time"

	"tidewatch/enforce"
)

// Reason puts a finding of the judge into words.
func (c Catalog) Reason(r enforce.Reason, zone *time.Location) string {
	announcement := r.Announcement
	if announcement == "" {
		announcement = c["reason.unnumbered"]
	}
	day := ""
	if r.Day != nil {
		day = c.Day(*r.Day)
	}
	return c.Say("reason", string(r.Code), "from", Moment(r.From, zone), "until", Moment(r.Until, zone),
		"announcement", announcement, "suspension", r.Suspension, "required", c.Duration(r.Required),
		"margin", c.Duration(r.Margin), "day", day, "bays", strings.Join(r.Bays, c["window.join"]),
		"exemption", c.ExemptionKind(r.Exemption), "count", r.Count)
}

// Explain says what a policy's rule is at a moment and why, a line for each
// part of it.
func (c Catalog) Explain(p enforce.Policy, e enforce.Explanation) []string {
	s := p.Section
	name := s.Name
	if name == "" {
		name = s.ID
	}
	lines := []string{
		c.Say("explain", "section", "name", name, "id", s.ID),
		c.policy(p),
		c.Say("explain", "at", "at", Moment(e.At, s.Location), "zone", s.Location),
	}
	if s.AsksForKinds() {
		key := "day"
		if !e.DayKnown {
			key = "day_unknown"
		}
		lines = append(lines, c.Say("explain", key, "day", c.Day(e.Day)))
	}
	if len(e.Windows) == 0 {
		lines = append(lines, c["explain.no_windows"])
	}
	for _, w := range e.Windows {
		lines = append(lines, c.Say("explain", "window", "window", c.Window(w.Window), "state", c.State(w, s.Location)))
	}
	return append(append(lines, c.outcome(e, s.Location)...), c.beyond(s)...)
}

// beyond says what a rule holds beside its hours and limits.
func (c Catalog) beyond(s enforce.RoadSection) []string {
	var lines, classes []string
	for _, class := range s.ExemptClasses {
		classes = append(classes, c.Say("class", string(class)))
	}
	if len(classes) > 0 {
		lines = append(lines, c.Say("explain", "classes", "classes", strings.Join(classes, c["window.join"])))
	}
	if s.AgainAfter > 0 {
		lines = append(lines, c.Say("explain", "again", "period", c.Duration(s.AgainAfter)))
	}
	if s.Discretion != nil {
		lines = append(lines, c.Scale(*s.Discretion)...)
	}
	return lines
}

func (c Catalog) policy(p enforce.Policy) string {
	if p.Section.Effective.IsZero() {
		return c.Say("explain", "policy", "id", p.ID)
	}
	return c.Say("explain", "effective", "id", p.ID, "day", p.Section.Effective)
}

// State says whether a window is open and why.
func (c Catalog) State(w enforce.WindowState, zone *time.Location) string {
	return c.Say("window_state", string(w.State), "until", Moment(w.Until, zone), "day", c.Day(w.Day),
		"date", w.Day.Date, "weekday", c.Weekday(w.Day.Date.Weekday()), "suspension", w.Suspension)
}

// outcome says what it comes to.
func (c Catalog) outcome(e enforce.Explanation, zone *time.Location) []string {
	key := "forbidden"
	switch {
	case e.Unbroken:
		return []string{c["explain.unbroken"]}
	case e.Permitted:
		key = "permitted"
	}
	lines := []string{c.Say("explain", key, "until", Moment(e.Until, zone),
		"observation", c.Duration(e.ObservationPeriod), "grace", c.Duration(e.Grace))}
	if e.Next == nil {
		return append(lines, c["explain.no_next"])
	}
	return append(lines, c.Say("explain", "next", "from", Moment(e.Next.From, zone), "until", Moment(e.Next.Until, zone),
		"announcement", e.Next.Window.Announcement))
}

// Verdict says how a stop was judged and why, a line for each finding.
func (c Catalog) Verdict(stop enforce.StopRecord, v enforce.Verdict, zone *time.Location) []string {
	lines := []string{c.Say("verdict", "stop", "from", Moment(stop.Start, zone), "until", Moment(stop.End, zone),
		"dwell", c.Duration(stop.End.Sub(stop.Start)))}
	for _, r := range v.Reasons {
		lines = append(lines, c.Say("verdict", "reason", "reason", c.Reason(r, zone)))
	}
	key := "clear"
	switch {
	case v.Suspected:
		key = "suspected"
	case slices.ContainsFunc(v.Reasons, func(r enforce.Reason) bool { return r.Code == enforce.StillObserving }):
		key = "not_yet"
	}
	return append(lines, c.Say("verdict", key, "since", Moment(v.Since, zone), "due", Moment(v.Due, zone)))
}
