// Package exempt reads the list of exempt vehicles, a CSV file beside the
// policy that changes from day to day, and reads it anew when it changes. A
// list with any mistake, or without most of the vehicles that it had, is not
// taken: the one before stays in force, over a new start as well.
//
// The list is personal data. No plate of it stands in an error, a log or a
// metric.
package exempt

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/written"
)

// Rules is what entries are held against.
type Rules struct {
	Location *time.Location // in which times are written
	Sections []string       // that there are
}

// columns are the names of the header, those that every list has first.
var columns = []string{"kind", "plate", "reference", "sections", "from", "until", "by"}

// required is how many of the columns every list has.
const required = 3

// mostCharacters of a field are kept with a case.
const mostCharacters = 200

// mostMistakes bounds what is said of a file that is no list at all.
const mostMistakes = 20

// Parse reads a list; name is used in errors, of which there is one for each
// mistake, with its line.
func Parse(name string, text []byte, rules Rules) (enforce.Exemptions, error) {
	list, _, err := parse(name, text, rules)
	return list, err
}

// parse also tells whether a remark says how many entries there are, and is
// right.
func parse(name string, text []byte, rules Rules) (list enforce.Exemptions, counted bool, err error) {
	if text, err = written.Text(name, text); err != nil {
		return enforce.Exemptions{}, false, err
	}
	p := parser{name: name, rules: rules}
	entries := p.entries(text)
	if len(p.mistakes) == 0 {
		counted = p.count(text, len(entries))
	}
	if len(p.mistakes) > 0 {
		return enforce.Exemptions{}, false, errors.Join(p.mistakes...)
	}
	return enforce.NewExemptions(entries), counted, nil
}

// countForm is a remark that says how many entries a list has.
var countForm = regexp.MustCompile(`(?m)^#[ \t]*entries[ \t]*[:：][ \t]*([0-9]{1,9})[ \t,\r]*$`)

// count holds what a remark says against how many entries there are: a list
// that was cut off between two lines has no other mistake.
func (p *parser) count(text []byte, n int) (counted bool) {
	for _, at := range countForm.FindAllSubmatchIndex(text, -1) {
		said, _ := strconv.Atoi(string(text[at[2]:at[3]])) // few digits
		if said != n {
			p.line = 1 + bytes.Count(text[:at[0]], []byte("\n"))
			p.wrong("says that there are %d entries, and there are %d: was the file cut off?", said, n)
		}
		counted = true
	}
	return counted
}

type parser struct {
	name     string
	rules    Rules
	at       map[string]int // place of each column
	row      []string
	line     int
	mistakes []error
}

// wrong notes a mistake on the line. It must not repeat a plate.
func (p *parser) wrong(format string, args ...any) {
	switch said := fmt.Sprintf(format, args...); {
	case len(p.mistakes) < mostMistakes:
		p.mistakes = append(p.mistakes, fmt.Errorf("%s:%d: %s", p.name, p.line, said))
	case len(p.mistakes) == mostMistakes:
		p.mistakes = append(p.mistakes, fmt.Errorf("%s: there are more mistakes", p.name))
	}
}

func (p *parser) entries(text []byte) []enforce.Exemption {
	p.line = 1
	rows := csv.NewReader(bytes.NewReader(text))
	rows.Comment, rows.TrimLeadingSpace, rows.FieldsPerRecord = '#', true, -1
	var list []enforce.Exemption
	for p.next(rows) {
		switch {
		case p.at == nil:
			if !p.header() {
				return nil
			}
		case len(p.row) != len(p.at):
			p.wrong("has %d fields, the header %d", len(p.row), len(p.at))
		default:
			list = append(list, p.entry())
		}
	}
	if p.at == nil && len(p.mistakes) == 0 {
		p.wrong("holds no header: want %s", strings.Join(columns, ","))
	}
	return list
}

// next reads a row. What the library says of a bad one holds no field of it.
func (p *parser) next(rows *csv.Reader) bool {
	row, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return false
	}
	var bad *csv.ParseError
	if errors.As(err, &bad) {
		p.line = bad.Line
		p.wrong("%v", bad.Err)
		return false
	}
	p.row = row
	p.line, _ = rows.FieldPos(0)
	return true
}

// header reads which column stands where.
func (p *parser) header() bool {
	p.at = map[string]int{}
	if len(p.row) == 1 && strings.ContainsAny(p.row[0], ";\t，、") {
		p.wrong("holds no comma: separate the columns by commas, in half width")
		return false
	}
	for i, name := range p.row {
		name = strings.ToLower(strings.TrimSpace(name))
		_, twice := p.at[name]
		switch {
		case !slices.Contains(columns, name):
			p.wrong("column %d: unknown; want some of %s", i+1, strings.Join(columns, ","))
		case twice:
			p.wrong("column %s: stands there twice", name)
		}
		p.at[name] = i
	}
	for _, name := range columns[:required] {
		if _, ok := p.at[name]; !ok {
			p.wrong("column %s: is missing", name)
		}
	}
	return len(p.mistakes) == 0
}

// field is the text of a column, empty where the list does not have it.
func (p *parser) field(column string) string {
	if i, ok := p.at[column]; ok {
		return strings.TrimSpace(p.row[i])
	}
	return ""
}

func (p *parser) entry() enforce.Exemption {
	e := enforce.Exemption{
		Kind: enforce.ExemptionKind(p.field("kind")), Plate: plate.Normal(p.field("plate")),
		Sections: p.sections(), From: p.moment("from", 0), Until: p.moment("until", 1),
		Reference: p.field("reference"), By: p.field("by"),
	}
	switch {
	case !slices.Contains(enforce.ExemptionKinds, e.Kind):
		p.wrong("kind: want emergency, permit, resident or breakdown")
	case e.Kind == enforce.Breakdown && (len(e.Sections) == 0 || e.From.IsZero() || e.Until.IsZero() || e.By == ""):
		p.wrong("a breakdown needs sections, from, until and by")
	}
	if !plate.Valid(e.Plate) {
		p.wrong("plate: no known kind of plate is written like this")
	}
	if e.Reference == "" {
		p.wrong("reference: is missing: the number of the announcement, permit or report")
	}
	for _, column := range []string{"reference", "by"} {
		if says, wrong := written.Line(p.field(column), mostCharacters); wrong {
			p.wrong("%s: %s", column, says)
		}
	}
	if !e.From.IsZero() && !e.Until.IsZero() && !e.From.Before(e.Until) {
		p.wrong("until: is not after from")
	}
	return e
}

// sections are separated by blanks or semicolons.
func (p *parser) sections() []string {
	ids := strings.FieldsFunc(p.field("sections"), func(r rune) bool { return r == ' ' || r == ';' })
	for i, id := range ids {
		if !slices.Contains(p.rules.Sections, id) {
			p.wrong("sections: entry %d of them: no such section", i+1)
		}
	}
	return ids
}

// moment reads a day or a minute. A day stands for its beginning, or for that
// of a day later.
func (p *parser) moment(column string, later int) time.Time {
	text := p.field(column)
	if text == "" {
		return time.Time{}
	}
	at, err := time.ParseInLocation(time.DateOnly, text, p.rules.Location)
	if err == nil {
		at = at.AddDate(0, 0, later)
	} else {
		at, err = time.ParseInLocation("2006-01-02 15:04", text, p.rules.Location)
	}
	switch {
	case err != nil:
		p.wrong("%s: want a day such as 2026-01-31, or 2026-01-31 08:00", column)
	case at.Year() < firstYear || at.Year() > lastYear:
		p.wrong("%s: want a day of the years %d to %d; empty: open", column, firstYear, lastYear-1)
	}
	return at
}

// Times outside these years are a slip of the pen.
const firstYear, lastYear = 2000, 2100
