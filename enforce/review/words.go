package review

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewatch/enforce"
)

// say is text for keys that are made of data: a code that a newer version has
// written shows as it is.
func (c catalog) say(prefix, code string, pairs ...any) string {
	text, err := c.text(prefix+"."+code, pairs...)
	if err != nil {
		return code
	}
	return text
}

// duration is a length of time to the second, or to the tenth below one.
func (c catalog) duration(d time.Duration) string {
	if d = d.Abs(); d < time.Second && d > 0 {
		return c.say("unit", "second", "n", strconv.FormatFloat(d.Seconds(), 'f', 1, 64))
	}
	seconds := int(d.Round(time.Second) / time.Second)
	amounts := []struct {
		unit string
		n    int
	}{{"day", seconds / 86400}, {"hour", seconds / 3600 % 24}, {"minute", seconds / 60 % 60}, {"second", seconds % 60}}
	first := slices.IndexFunc(amounts, func(a struct {
		unit string
		n    int
	},
	) bool {
		return a.n > 0
	})
	if first < 0 {
		return c.say("unit", "second", "n", 0)
	}
	var parts []string
	for _, a := range amounts[first:min(first+2, len(amounts))] { // two units say enough
		if a.n > 0 {
			parts = append(parts, c.say("unit", a.unit, "n", a.n))
		}
	}
	return strings.Join(parts, c["unit.join"])
}

// moment is a time to the second on a zone's clock.
func moment(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "—"
	}
	return t.In(zone).Format(time.DateTime)
}

// zoneOf is the zone in which a case's times are shown.
func zoneOf(c enforce.Case) *time.Location {
	zone, err := time.LoadLocation(c.Violation.Section.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// reason puts a finding of the judge into words.
func (c catalog) reason(r enforce.Reason, zone *time.Location) string {
	announcement := r.Announcement
	if announcement == "" {
		announcement = c["reason.unnumbered"]
	}
	return c.say("reason", string(r.Code), "from", moment(r.From, zone), "until", moment(r.Until, zone),
		"announcement", announcement, "required", c.duration(r.Required))
}

// window puts a tidal window into words, as it was announced.
func (c catalog) window(w enforce.TidalWindow) string {
	hours := c.say("window", "day", "from", w.From, "until", w.Until)
	if w.Until <= w.From {
		hours = c.say("window", "night", "from", w.From, "until", w.Until)
	}
	days := c["window.daily"]
	if len(w.Weekdays) > 0 {
		var names []string
		for _, day := range w.Weekdays {
			names = append(names, c.say("weekday", strconv.Itoa(int(day))))
		}
		days = strings.Join(names, c["window.join"])
	}
	valid := ""
	if !w.FirstDay.IsZero() {
		valid += c.say("window", "first", "day", w.FirstDay)
	}
	if !w.LastDay.IsZero() {
		valid += c.say("window", "last", "day", w.LastDay)
	}
	return c.say("window", "whole", "hours", hours, "days", days, "valid", valid, "announcement", w.Announcement)
}

// clockError says how far the camera's clock was from ours.
func (c catalog) clockError(f enforce.File) string {
	return c.clockOff(f.ClockError, !f.CameraTime.IsZero())
}

// clockOff says how far a camera's clock is ahead of ours, if that is known.
func (c catalog) clockOff(by time.Duration, known bool) string {
	switch {
	case !known:
		return c["clock.unknown"]
	case by.Abs() < 50*time.Millisecond:
		return c["clock.exact"]
	case by > 0:
		return c.say("clock", "ahead", "by", c.duration(by))
	}
	return c.say("clock", "behind", "by", c.duration(by))
}

// actor says who did something.
func (c catalog) actor(actor string) string {
	kind, name, named := strings.Cut(actor, "/")
	if !named {
		return c.say("actor", kind)
	}
	return fmt.Sprintf("%s %s", c.say("actor", kind), name)
}

// event puts an entry of the record into words.
func (c catalog) event(e enforce.Event, zone *time.Location) string {
	switch {
	case e.StopEnd != nil:
		return c.say("event", string(e.Type), "time", moment(*e.StopEnd, zone))
	case e.Decision != nil:
		return c.decision(e.Type, *e.Decision)
	case e.Failure != nil:
		text, _ := c.failure(*e.Failure)
		return text
	case e.Receipt != nil:
		return c.receipt(*e.Receipt)
	}
	return c.say("event", string(e.Type))
}

// decision puts what an officer decided into words.
func (c catalog) decision(kind enforce.EventType, d enforce.Decision) string {
	if kind == enforce.Rejected {
		return c.say("event", string(kind), "reason", c.rejection(d.Reason))
	}
	return c.say("event", string(kind), "plate", spaced(d.Plate)) + c.otherwise(d)
}

// failure puts a failed upload into words, beside what the machine said. Its
// error begins with the kind of the problem, as enforce/police names them.
func (c catalog) failure(f enforce.Failure) (text, raw string) {
	kind, raw, _ := strings.Cut(f.Error, ": ")
	why, known := c["failure."+kind]
	if !known || kind == "raw" {
		why, raw = c["failure.other"], f.Error
	}
	return c.say("event", string(enforce.UploadFailed), "attempt", f.Attempt, "error", why), raw
}

// receipt puts the platform's answer into words, its own included.
func (c catalog) receipt(r enforce.Receipt) string {
	key := "refused"
	if r.Accepted {
		key = "accepted"
	}
	return c.say("receipt", key, "platform", r.Platform, "id", r.ID,
		"answer", strings.TrimSpace(r.Code+" "+r.Message))
}

// rejectReasons are the grounds for rejecting a case, as officers choose them.
var rejectReasons = []string{
	exemptReason, "emergency", "stolen_or_cloned", "necessity", "handled_on_site",
	"contradictory_signs", "unclear", "wrong_plate", "no_violation", otherReason,
}

// exemptReason stands for a vehicle that the list of exempt vehicles holds.
const exemptReason = "exempt"

// otherReason stands for what the officer's own words say.
const otherReason = "other"

// joinReason is how a rejection's ground and the officer's words are recorded:
// "code" or "code: words".
func joinReason(code, note string) string {
	if note == "" {
		return code
	}
	return code + ": " + note
}

// rejection puts a recorded rejection into words.
func (c catalog) rejection(recorded string) string {
	code, note, noted := strings.Cut(recorded, ": ")
	if !slices.Contains(rejectReasons, code) {
		return recorded
	}
	if !noted {
		return c.say("reject", code)
	}
	return c.say("reject", code) + c["reject.join"] + note
}
