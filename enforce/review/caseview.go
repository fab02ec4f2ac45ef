package review

import (
	"fmt"
	"strings"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/words"
)

// caseView is a case as its page shows it, in words.
type caseView struct {
	URL, ID   string
	Plate     plateView
	State     enforce.State
	StateName string
	Section   string
	Since     string
	Zone      string // name of the time zone of every time on the page

	Pictures []picture
	CloseUp  *picture
	OfPlate  string // address of the picture of its plate, empty without one
	Mark     mark
	Outline  string   // of the zone, as points of a polygon in thousandths
	Bays     []string // outlines of the areas marked in it

	Read     machineRead
	Reasons  []string
	Windows  []string // the section's tidal windows, as announced
	Facts    []fact
	Files    []fileView
	Manifest string // address
	SHA256   string // of the manifest
	History  []entry
	Upload   upload

	Trial   bool // of the zone: nothing is submitted
	Bearing bearingView

	Open         bool // waits for an officer
	Form         form
	Decided      string // what was decided, empty if nothing was
	DecidedBy    string
	DecidedAt    string
	Newer, Older string // addresses of the neighbours in the queue
}

// picture is one thing to look at: a wide view, the close-up or the clip.
type picture struct {
	Kind       enforce.FileKind
	Key        int // on the keyboard, and its place
	URL        string
	Day, Clock string // by the camera's time, else by ours
	ClockError string // how far the two are apart
	Video      bool
	Wide       bool   // the vehicle can be marked in it
	First      bool   // shown when the page opens
	Original   string // address of the evidence itself where URL is a preview's
	Marked     string // address of the copy with time and place below it, empty without one
	SHA256     string // of the evidence
}

// Time is the moment it shows.
func (p picture) Time() string { return p.Day + " " + p.Clock }

// mark is the vehicle's place in a wide view, in thousandths.
type mark struct{ X, Y, W, H int }

func markOf(b detect.Box) mark {
	return mark{int(b.X * 1000), int(b.Y * 1000), int(b.W * 1000), int(b.H * 1000)}
}

// outline is a polygon as SVG writes its points, in thousandths.
func outline(p enforce.Polygon) string {
	var points []string
	for _, q := range p {
		points = append(points, fmt.Sprintf("%d,%d", int(q.X*1000), int(q.Y*1000)))
	}
	return strings.Join(points, " ")
}

type fact struct{ Key, Value string }

type fileView struct {
	URL, Kind, Type, Size, SHA256 string
	Time, Clock                   string
}

// entry is one line of the case's record.
type entry struct {
	At, Who, What string
	Raw           string // what a machine said, beside our words for it
	Outcome       enforce.Outcome
	Done          bool // it changed the case
	Stranger      bool // nobody of this system wrote it
}

// upload is where a case stands with the police platform.
type upload struct {
	State string // part of a catalog key; empty before there is anything to say
	Text  string
	Raw   string // what a machine said, beside our words for it
	At    string
}

func (c catalog) caseView(of enforce.Case, history []enforce.Recorded, now time.Time) caseView {
	zone := zoneOf(of)
	v := caseView{
		URL: casePath(of.ID), ID: of.ID, Plate: plateOf(of),
		State: of.State, StateName: c.say("state", string(of.State)),
		Section: of.Violation.Section.Name, Since: moment(of.Violation.StopStart, zone), Zone: zone.String(),
		Pictures: c.pictures(of, zone), Mark: markOf(of.Violation.Box), Outline: outline(of.Violation.Zone.Polygon),
		Read: machineReadOf(of.Violation.Plate), Facts: c.facts(of, now, zone), Files: c.files(of, zone),
		Upload: c.upload(of, zone),
		Open:   open(of), Trial: of.Violation.Trial,
	}
	for _, b := range of.Violation.Zone.Bays {
		v.Bays = append(v.Bays, outline(b.Polygon))
	}
	for i, p := range v.Pictures {
		if p.Kind == enforce.CloseUp {
			v.CloseUp = &v.Pictures[i]
		}
	}
	if f, ok := of.Violation.Evidence.File(enforce.Plate); ok {
		v.OfPlate = filePath(of.ID, f.SHA256)
	}
	if sum := of.Violation.Evidence.Manifest; sum != "" {
		v.Manifest, v.SHA256 = filePath(of.ID, sum), sum
	}
	for _, r := range of.Violation.Reasons {
		v.Reasons = append(v.Reasons, words.Catalog(c).Reason(r, zone))
	}
	for _, w := range of.Violation.Rule.Windows {
		v.Windows = append(v.Windows, words.Catalog(c).Window(w))
	}
	for _, e := range history {
		raw := ""
		if e.Failure != nil {
			_, raw = c.failure(*e.Failure)
		}
		v.History = append(v.History, c.entry(e, raw, zone))
	}
	if of.DecidedBy != "" {
		v.DecidedBy, v.DecidedAt = c.actor(of.DecidedBy), moment(of.DecidedAt, zone)
		v.Decided = c.decided(of)
	}
	return v
}

// entry is a line of the record. What nobody of this system wrote may say
// anything, at any length.
func (c catalog) entry(e enforce.Recorded, raw string, zone *time.Location) entry {
	line := entry{
		At: moment(e.At, zone), Who: c.actor(e.Actor), What: c.event(e.Event, zone), Raw: raw,
		Outcome: e.Outcome, Done: e.Outcome == enforce.Applied, Stranger: e.Outcome == enforce.Unproven,
	}
	switch {
	case line.Stranger:
		line.Who, line.What, line.Raw = c.say("actor", "claimed", "who", short(line.Who)), short(line.What), short(line.Raw)
	case e.Via == enforce.ViaCommandLine:
		line.Who += c["reject.join"] + c["via.command_line"]
	}
	return line
}

// short is the beginning of a text that may be long.
func short(text string) string {
	const most = 120
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// open reports whether an officer can decide.
func open(c enforce.Case) bool {
	return c.State == enforce.StateSuspected || c.State == enforce.StateRefused
}

func (c catalog) decided(of enforce.Case) string {
	kind := of.Decided
	switch {
	case kind != "": // cases decided before it was kept say it by their state
	case of.State == enforce.StateRejected:
		kind = enforce.Rejected
	default:
		kind = enforce.Confirmed
	}
	return c.decision(kind, of.Decision)
}

// pictures are what there is to look at; the wide view as the period ran out
// comes up first, since it is the moment of the violation.
func (c catalog) pictures(of enforce.Case, zone *time.Location) []picture {
	var found []picture
	first := -1
	for i, kind := range []enforce.FileKind{
		enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp, enforce.Clip,
	} {
		f, ok := of.Violation.Evidence.File(kind)
		if !ok {
			continue
		}
		if first < 0 || kind == enforce.SceneDue {
			first = len(found)
		}
		at := f.At.In(zone)
		found = append(found, picture{
			Kind: kind, Key: i + 1, URL: filePath(of.ID, f.SHA256),
			SHA256: f.SHA256,
			Day:    at.Format(time.DateOnly), Clock: at.Format(time.TimeOnly), ClockError: c.clockError(f),
			Marked: markedPath(of, kind),
			Video:  kind == enforce.Clip, Wide: kind != enforce.Clip && kind != enforce.CloseUp,
		})
	}
	if first >= 0 {
		found[first].First = true
	}
	return found
}

// markedAs are the copies of pictures with time and place below them.
var markedAs = map[enforce.FileKind]enforce.FileKind{
	enforce.SceneBegin: enforce.MarkedBegin, enforce.SceneMiddle: enforce.MarkedMiddle,
	enforce.SceneDue: enforce.MarkedDue, enforce.CloseUp: enforce.MarkedCloseUp,
}

// markedPath is the address of a picture's marked copy, empty without one.
func markedPath(of enforce.Case, kind enforce.FileKind) string {
	f, ok := of.Violation.Evidence.File(markedAs[kind])
	if !ok {
		return ""
	}
	return filePath(of.ID, f.SHA256)
}

// offerPreviews puts previews in the place of clips that some browsers do not
// play.
func (v *caseView) offerPreviews(of enforce.Case) {
	for i := range v.Pictures {
		p := &v.Pictures[i]
		if f, ok := of.Violation.Evidence.File(p.Kind); ok && previewable(f) {
			p.Original, p.URL = p.URL, p.URL+"/preview"
		}
	}
}

func (c catalog) facts(of enforce.Case, now time.Time, zone *time.Location) []fact {
	v := of.Violation
	// Without an end nobody knows that the vehicle still stands: its camera may
	// be away.
	end, stood, elapsed := c["fact.standing"], "", c.duration(dwell(of, now))
	if !of.StopEnd.IsZero() {
		end, stood, elapsed = moment(of.StopEnd, zone), elapsed, ""
	}
	return []fact{
		{"section", v.Section.Name},
		{"place", v.Camera.Place},
		{"direction", v.Camera.Direction},
		{"class", c.say("class", string(v.Class))},
		{"stop_start", moment(v.StopStart, zone)},
		{"stop_end", end},
		{"dwell", stood},
		{"elapsed", elapsed},
		{"since", moment(v.Since, zone)},
		{"due", moment(v.Due, zone)},
		{"observation", c.duration(v.Rule.ObservationPeriod)},
		{"grace", c.duration(v.Rule.Grace)},
		{"camera", v.Camera.Name},
		{"device", v.Camera.DeviceID},
		{"zone", v.Zone.ID},
		{"code", v.Code},
		{"policy", v.Policy},
		{"case", of.ID},
	}
}

func (c catalog) files(of enforce.Case, zone *time.Location) []fileView {
	var all []fileView
	for _, f := range of.Violation.Evidence.Files {
		all = append(all, fileView{
			URL: filePath(of.ID, f.SHA256), Kind: c.say("picture", string(f.Kind)), Type: f.MediaType,
			Size: Size(f.Size), SHA256: f.SHA256, Time: moment(f.At, zone), Clock: c.clockError(f),
		})
	}
	return all
}

// Size is a file's size as people read it.
func Size(bytes int64) string {
	switch {
	case bytes >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(bytes)/(1<<20))
	case bytes >= 1<<10:
		return fmt.Sprintf("%.0f KB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%d B", bytes)
}

func (c catalog) upload(of enforce.Case, zone *time.Location) upload {
	switch {
	case of.Receipt != nil:
		u := upload{State: "refused", Text: c.receipt(*of.Receipt), At: moment(of.Receipt.At, zone)}
		if of.Receipt.Accepted {
			u.State = "accepted"
		}
		return u
	case of.State != enforce.StateConfirmed:
		return upload{}
	case of.Failure != nil:
		text, raw := c.failure(*of.Failure)
		return upload{State: "retrying", Text: text, Raw: raw}
	}
	return upload{State: "waiting"}
}
