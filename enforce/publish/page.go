// Package publish shows the announced sections and hours to the public: as one
// page that needs nothing else, in Chinese and English, and as GeoJSON.
package publish

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/words"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"zh": func() words.Catalog { return words.In(words.Chinese) },
	"en": func() words.Catalog { return words.In(words.English) },
	// both gives a template one thing in two languages.
	"both": func(what any) []said {
		return []said{{words.Chinese, words.In(words.Chinese), what}, {words.English, words.In(words.English), what}}
	},
}).Parse(pageHTML))

// said is a thing to be said in one language.
type said struct {
	Language words.Language
	Words    words.Catalog
	What     any
}

// Text is a text of the page.
func (s said) Text(key string) (string, error) { return s.Words.Text("publish." + key) }

// Page writes the public page of one section or more, as of a moment.
func Page(w io.Writer, sections []Section, at time.Time) error {
	data := struct {
		At       string
		Sections []Section
	}{at.In(sections[0].Policy.Section.Location).Format("2006-01-02 15:04"), sections}
	if err := page.Execute(w, data); err != nil {
		return fmt.Errorf("write the public page: %w", err)
	}
	return nil
}

// Hours are the hours of a span that begins on the day, as the clock shows
// them.
func (d Day) Hours(s enforce.Span) string {
	until := s.Until.Format("15:04")
	if until == "00:00" {
		until = "24:00"
	}
	return s.From.Format("15:04") + "–" + until
}

// Overnight reports whether a span ends on the next day.
func (d Day) Overnight(s enforce.Span) bool {
	return d.Date.AddDays(1).Midnight(s.Until.Location()).Before(s.Until)
}

// Weekday is the day's name in a language.
func (d Day) Weekday(c words.Catalog) string { return c.Weekday(d.Date.Weekday()) }

// KindName is what kind of day it is, if that is known, and the holiday.
func (d Day) KindName(c words.Catalog) string {
	if d.Kind.Kind == "" {
		return ""
	}
	name := c.Say("kind_short", string(d.Kind.Kind))
	if d.Kind.Name != "" {
		name = c.Say("holiday", d.Kind.Name) + " " + name
	}
	return name
}

// Name is the section's name.
func (s Section) Name() string { return s.Policy.Section.Name }

// Suspensions are the suspensions that are not over, in words.
func (s Section) Suspensions(c words.Catalog) []string {
	var told []string
	section := s.Policy.Section
	for _, each := range section.Suspensions {
		if enforce.DateOf(each.Until).Before(s.Days[0].Date) {
			continue
		}
		key := "suspends_all"
		if each.Suspends != "" {
			key = "suspends"
		}
		told = append(told, c.Say("publish", key, "announcement", each.Announcement, "suspends", each.Suspends,
			"from", words.Moment(each.From, section.Location), "until", words.Moment(each.Until, section.Location)))
	}
	return told
}

// Validity is since when the version holds and what comes after it.
func (s Section) Validity(c words.Catalog) string {
	text := c["publish.always"]
	if from := s.Policy.Section.Effective; !from.IsZero() {
		text = c.Say("publish", "effective", "day", from)
	}
	if s.Coming != nil {
		text += c.Say("publish", "coming", "day", s.Coming.Section.Effective)
	}
	return text
}

// Limits are how long anybody may stand outside the hours, and then what holds
// at other times.
func (s Section) Limits(c words.Catalog) []string {
	section := s.Policy.Section
	told := []string{c.Say("publish", "limits", "observation", c.Duration(section.ObservationPeriod), "grace", c.Duration(section.Grace))}
	for _, l := range section.Limits {
		told = append(told, c.Limit(l))
	}
	return told
}

// Windows are the windows as announced.
func (s Section) Windows(c words.Catalog) []string {
	var told []string
	for _, w := range s.Policy.Section.Windows {
		told = append(told, c.Window(w))
	}
	return told
}
