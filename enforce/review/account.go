package review

import (
	"fmt"
	"time"

	"tidewatch/enforce"
)

// Account is a case in words, as its page tells it, for printing.
type Account struct {
	Plate     string // to act on, else as the machine read it; empty if unread
	PlateRead string // what the machine read, and how sure it was
	State     string
	Zone      string // name of the time zone of every time
	Facts     []Fact
	Reasons   []string
	Windows   []string
	History   []Entry

	words catalog
	zone  *time.Location
}

// Location is the time zone of every time.
func (a Account) Location() *time.Location { return a.zone }

// Fact is a thing that is known of a case.
type Fact struct{ Name, Value string }

// Entry is one line of a case's record.
type Entry struct{ At, Who, What string }

// printed are the languages in which cases can be told, as command lines name
// them.
var printed = map[string]catalog{"zh": catalogs[chinese], "en": catalogs[english]}

// Describe tells a case in a language, zh or en.
func Describe(of enforce.Case, history []enforce.Recorded, language string, now time.Time) (Account, error) {
	c, known := printed[language]
	if !known {
		return Account{}, fmt.Errorf("language %q: want zh or en", language)
	}
	v := c.caseView(of, history, now)
	a := Account{
		Plate: v.Plate.Text, PlateRead: c["plate.unread"], State: v.StateName, Zone: v.Zone,
		Reasons: v.Reasons, Windows: v.Windows, words: c, zone: zoneOf(of),
	}
	if read := v.Read; read.Text != "" {
		sure := "not_accepted"
		if read.Accepted {
			sure = "accepted"
		}
		a.PlateRead = read.Text + " " + c.say("plate", sure, "percent", read.Percent)
	}
	if v.Trial {
		a.State += c["reject.join"] + c["trial.tag"]
	}
	for _, f := range v.Facts {
		if f.Value != "" {
			a.Facts = append(a.Facts, Fact{c.say("fact", f.Key), f.Value})
		}
	}
	for _, e := range v.History {
		what := e.What
		if !e.Done {
			what += c["reject.join"] + c.say("outcome", string(e.Outcome))
		}
		a.History = append(a.History, Entry{e.At, e.Who, what})
	}
	return a, nil
}

// Caption is a file of a case in words.
type Caption struct{ Name, Taken, Clock string }

// Caption says what a file of a case shows, when it was taken, and how far its
// camera's clock was off.
func (a Account) Caption(f enforce.File) Caption {
	return Caption{a.words.say("picture", string(f.Kind)), moment(f.At, a.zone), a.words.clockError(f)}
}
