package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewatch/enforce"
	"tidewatch/enforce/words"
)

// say is text for keys that are made of data: a code that a newer version has
// written shows as it is.
func (c catalog) say(prefix, code string, pairs ...any) string {
	return words.Catalog(c).Say(prefix, code, pairs...)
}

// duration is a length of time to the second, or to the tenth below one.
func (c catalog) duration(d time.Duration) string { return words.Catalog(c).Duration(d) }

// moment is a time to the second on a zone's clock.
func moment(t time.Time, zone *time.Location) string { return words.Moment(t, zone) }

// zoneOf is the zone in which a case's times are shown.
func zoneOf(c enforce.Case) *time.Location {
	zone, err := time.LoadLocation(c.Violation.Section.TimeZone)
	if err != nil {
		return time.UTC
	}
	return zone
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
	case e.Timestamp != nil:
		return c.say("event", string(e.Type), "time", moment(e.Timestamp.At, zone))
	case e.Hold != nil:
		return c.say("event", string(e.Type), "reason", e.Hold.Reason)
	case e.Repair != nil:
		return c.say("event", string(e.Type), "database", e.Repair.Database, "evidence", e.Repair.Evidence)
	case e.Deletion != nil:
		return c.say("event", string(e.Type), "files", c.fileKinds(e.Deletion.Files))
	}
	return c.say("event", string(e.Type))
}

// fileKinds says what files show.
func (c catalog) fileKinds(files []enforce.FileName) string {
	var names []string
	for _, f := range files {
		names = append(names, c.say("picture", string(f.Kind)))
	}
	return strings.Join(names, c["event.join"])
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
