package review

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

// form is what an officer fills in on a case, and what is wrong with it. The
// problems are keys of the catalog.
type form struct {
	Plate    string
	Sure     bool // the plate is right although no known kind is written so
	Reason   string
	Note     string
	Why      string // the reason to decide otherwise than the scale proposes
	Revision int    // the one that was on the officer's screen

	PlateProblem  string
	ReasonProblem string
	AskSure       bool
	Looked        bool // the plate was typed, and what it bears on the case is shown
	AskWhy        bool
	WhyProblem    string
	Problem       string // of the whole
}

// newForm is the form as a case's page first shows it. The machine's read is
// filled in only where it stands on enough agreement: an officer must look at
// every other plate and type it.
func newForm(c enforce.Case) form {
	return form{Revision: c.Revision, Plate: c.Plate()}
}

// typedForm is the form as it came back.
func typedForm(r *http.Request) form {
	revision, err := strconv.Atoi(r.PostFormValue("revision"))
	if err != nil {
		revision = 0 // no case has it, so the decision counts as stale
	}
	return form{
		Plate: r.PostFormValue("plate"), Sure: r.PostFormValue("sure") != "",
		Reason: r.PostFormValue("reason"), Note: note(r, "note"), Why: note(r, "why"),
		Revision: revision,
	}
}

// Reasons are the grounds to choose from.
func (form) Reasons() []string { return rejectReasons }

// note is what an officer wrote in a field, with line breaks as they are kept.
func note(r *http.Request, field string) string {
	return strings.TrimSpace(strings.ReplaceAll(r.PostFormValue(field), "\r\n", "\n"))
}

// maxNote bounds what officers write, in characters.
const maxNote = 500

// noteProblem says what is wrong with an officer's words, empty if nothing is.
func noteProblem(note string) string {
	switch {
	case utf8.RuneCountInString(note) > maxNote:
		return "decide.note_long"
	case !enforce.Legible(note):
		return "decide.note_signs"
	}
	return ""
}

// checkPlate is the decision to confirm or to warn, or false with the problem noted.
func (f *form) checkPlate() (enforce.Decision, bool) {
	text := plate.Normal(f.Plate)
	switch {
	case text == "":
		f.PlateProblem = "decide.plate_missing"
	case !plate.Lettered(text):
		f.PlateProblem = "decide.plate_signs"
	case !plate.Writable(text):
		f.PlateProblem = "decide.plate_long"
	case !plate.Valid(text) && !f.Sure:
		f.PlateProblem, f.AskSure = "decide.plate_odd", true
	}
	return enforce.Decision{Plate: text}, f.PlateProblem == ""
}

// checkReason is the decision to reject, or false with the problem noted.
func (f *form) checkReason() (enforce.Decision, bool) {
	switch {
	case !slices.Contains(rejectReasons, f.Reason):
		f.ReasonProblem = "decide.reason_missing"
	case f.Reason == otherReason && f.Note == "":
		f.ReasonProblem = "decide.note_missing"
	default:
		f.ReasonProblem = noteProblem(f.Note)
	}
	return enforce.Decision{Reason: joinReason(f.Reason, f.Note)}, f.ReasonProblem == ""
}
