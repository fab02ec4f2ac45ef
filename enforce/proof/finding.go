package proof

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Problem names a kind of finding. Programs rely on the names.
type Problem string

// What may be found. The last five are not wrong by themselves.
const (
	Changed       Problem = "changed"       // not what was stored
	Missing       Problem = "missing"       // not there, and nothing says why
	Unreadable    Problem = "unreadable"    // there, but it cannot be read
	BadSignature  Problem = "signature"     // not signed by a trusted key, or not this
	Untrusted     Problem = "untrusted"     // no key is trusted, so no signature proves anything
	BadTimestamp  Problem = "timestamp"     // the authority confirms something else, or is not trusted
	NotLogged     Problem = "not_logged"    // not in the log at its place
	Inconsistent  Problem = "inconsistent"  // the log is not what it was
	Contradiction Problem = "contradiction" // two records say different things
	NoCase        Problem = "no_case"       // evidence of a case that the case log does not know
	Unproven      Problem = "unproven"      // an event of the case log that this system did not write

	Unsigned   Problem = "unsigned"    // from before evidence was signed
	Gone       Problem = "deleted"     // by a rule, as recorded
	Superseded Problem = "superseded"  // recorded again before its case opened
	NotChecked Problem = "not_checked" // what it would take is not at hand
	Stranger   Problem = "stranger"    // unproven, and known to the operator
)

// harmless are the problems that are not wrong by themselves.
var harmless = []Problem{Unsigned, Gone, Superseded, NotChecked, Stranger}

// Finding is one thing that a check found.
type Finding struct {
	Case    string  `json:"case,omitempty"`
	File    string  `json:"file"` // its path in the package, or under the data folder
	Problem Problem `json:"problem"`
	What    string  `json:"what"`  // what was found, such as "its SHA-256 is ..."
	Means   string  `json:"means"` // what follows from it
	Wrong   bool    `json:"wrong"` // false: it needs to be known, but nothing is wrong
}

func (f Finding) String() string {
	mark, of := "note ", ""
	if f.Wrong {
		mark = "WRONG"
	}
	if f.Case != "" {
		of = "case " + f.Case + ": "
	}
	return mark + " " + strings.Map(shown, fmt.Sprintf("%s%s: %s. %s", of, f.File, f.What, f.Means))
}

// shown keeps names in a package from writing lines of their own to a terminal,
// or turning them around.
func shown(r rune) rune {
	if !unicode.IsGraphic(r) {
		return unicode.ReplacementChar
	}
	return r
}

// Report is what a check found, and how much it looked at.
type Report struct {
	Trusted  []string  `json:"trusted_keys"` // name and ID of each
	Of       string    `json:"of,omitempty"` // case that a package says it is of
	Cases    int       `json:"cases"`
	Files    int       `json:"files"`
	Leaves   uint64    `json:"leaves"`
	Findings []Finding `json:"findings"`

	mu sync.Mutex
}

// NewReport begins a report of a check that trusts these keys.
func NewReport(keys Keys) *Report {
	r := &Report{Findings: []Finding{}, Trusted: []string{}}
	for _, k := range keys {
		r.Trusted = append(r.Trusted, k.Name())
	}
	return r
}

// Wrong is how many findings are of something wrong.
func (r *Report) Wrong() (n int) {
	for _, f := range r.Findings {
		if f.Wrong {
			n++
		}
	}
	return n
}

// Sort brings the findings in an order that does not change from one check to
// the next.
func (r *Report) Sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.File, b.File), cmp.Compare(a.What, b.What), cmp.Compare(a.Means, b.Means))
	})
}

// find adds a finding about the log as a whole.
func (r *Report) find(file string, p Problem, what, means string) { r.Add("", file, p, what, means) }

// Add adds a finding about a case, or about none.
func (r *Report) Add(violation, file string, p Problem, what, means string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Findings = append(r.Findings, Finding{violation, file, p, what, means, !slices.Contains(harmless, p)})
}

func (r *Report) count(cases, files int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Cases, r.Files = r.Cases+cases, r.Files+files
}
