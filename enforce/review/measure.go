package review

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/words"
)

// Offences tells what a vehicle was confirmed or warned for.
type Offences interface {
	// Offences returns the cases of a plate that officers confirmed or warned of
	// and whose unpermitted stretch began in a span of time, in any section.
	Offences(ctx context.Context, plate string, span enforce.Span) ([]enforce.Case, error)
}

// pastDays is how far back a plate's violations are shown where no scale
// counts further.
const pastDays = 365

// bearing is what the plate of a case bears on its decision.
type bearing struct {
	plate   string              // empty: not known, and nothing else here is
	list    string              // ID of the list of exempt vehicles
	exempt  []enforce.Exemption // that hold in the offending stretch
	measure *enforce.Measure    // nil without a scale
	past    []enforce.Case      // violations of the plate, newest first
	from    time.Time           // since when they are told
	scale   *enforce.Discretion // the scale that the measure comes from
}

// bearingOf looks a plate up in the list of exempt vehicles and in the cases
// before this one.
func (s *Server) bearingOf(ctx context.Context, c enforce.Case, text string) (bearing, error) {
	b := bearing{plate: plate.Normal(text), scale: c.Violation.Rule.Discretion}
	if !plate.Writable(b.plate) {
		b.plate = ""
		return b, nil
	}
	v := c.Violation
	if s.Exemptions != nil {
		list := s.Exemptions()
		b.list, b.exempt = list.ID, list.Covering(b.plate, v.Section.ID, enforce.Span{From: v.Since, Until: v.Due})
	}
	if s.Offences == nil {
		return b, nil
	}
	b.from = v.Since.AddDate(0, 0, -pastDays)
	if b.scale != nil {
		if from := b.scale.Past(c).From; from.Before(b.from) {
			b.from = from
		}
	}
	past, err := s.Offences.Offences(ctx, b.plate, enforce.Span{From: b.from, Until: v.Since})
	if err != nil {
		return b, fmt.Errorf("list what the vehicle of case %s was held for: %w", c.ID, err)
	}
	b.past = slices.DeleteFunc(past, func(p enforce.Case) bool { return p.ID == c.ID })
	if b.scale != nil {
		m := b.scale.Measure(c, b.past)
		b.measure = &m
	}
	return b, nil
}

// proposed is what the scale proposes, empty without one.
func (b bearing) proposed() enforce.Action {
	if b.measure == nil {
		return ""
	}
	return b.measure.Action
}

// weigh completes a decision that holds a vehicle for a violation with what its
// plate bears on it, or notes in the form why it cannot be taken so: the
// vehicle is exempt, or the scale proposes otherwise and no reason is given.
func (f *form) weigh(kind enforce.EventType, b bearing, d enforce.Decision) (enforce.Decision, bool) {
	if len(b.exempt) > 0 {
		f.Problem = "decide.exempt"
		return d, false
	}
	d.Exemptions, d.Proposed = b.list, b.proposed()
	if b.measure != nil {
		d.Grounds = b.measure.Grounds()
	}
	switch {
	case !d.Deviates(kind):
		return d, true
	case f.Why == "":
		f.AskWhy, f.WhyProblem = true, "decide.why_missing"
	default:
		f.WhyProblem = noteProblem(f.Why)
		f.AskWhy = f.WhyProblem != ""
	}
	d.Reason = f.Why
	return d, f.WhyProblem == ""
}

// bearingView is what a plate bears on a case's decision, in words.
type bearingView struct {
	Known   bool     // there is a plate
	Awaited bool     // there is none, and a scale waits for it
	Exempt  []string // the exemptions that hold
	Measure *measureView
	Past    []pastView
	Told    bool // whether the past can be told
	Since   string
}

// Warns reports whether a warning is proposed.
func (b bearingView) Warns() bool { return b.Measure != nil && b.Measure.Action == enforce.Warn }

type measureView struct {
	Action  enforce.Action
	Reasons []string
	Scale   string // number of the announcement
}

// pastView is one violation before this one.
type pastView struct {
	URL, Day, Section string
	State             enforce.State
	StateName         string
}

func (c catalog) bearing(b bearing, of enforce.Case) bearingView {
	zone := zoneOf(of)
	view := bearingView{Known: b.plate != "", Awaited: b.plate == "" && b.scale != nil, Told: !b.from.IsZero(), Since: b.from.In(zone).Format(time.DateOnly)}
	for _, e := range b.exempt {
		view.Exempt = append(view.Exempt, words.Catalog(c).Exemption(e, zone))
	}
	if b.measure != nil && len(b.exempt) == 0 {
		view.Measure = &measureView{Action: b.measure.Action, Scale: b.scale.Announcement}
		for _, r := range b.measure.Reasons {
			view.Measure.Reasons = append(view.Measure.Reasons, words.Catalog(c).MeasureReason(r))
		}
	}
	for _, p := range b.past {
		view.Past = append(view.Past, pastView{
			URL: casePath(p.ID), Day: moment(p.Violation.Since, zone), Section: p.Violation.Section.Name,
			State: p.State, StateName: c.say("state", string(p.State)),
		})
	}
	return view
}

// otherwise says, for the record, that a decision is not the proposed one.
func (c catalog) otherwise(d enforce.Decision) string {
	if d.Proposed == "" || d.Reason == "" {
		return ""
	}
	return c.say("measure", "otherwise", "action", c.say("action", string(d.Proposed)), "reason", d.Reason)
}
