package enforce

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"tidewatch/detect"
)

// ReasonCode names one finding of the judge. The package words puts it into
// words.
type ReasonCode string

// The findings, in the order in which the judge makes them.
const (
	NotRecorded  ReasonCode = "not_recorded"  // the case is from before stops were kept in full
	OtherVehicle ReasonCode = "other_vehicle" // the zone is not for vehicles of its class
	ExemptClass  ReasonCode = "exempt_class"  // the section's rule leaves out vehicles of its class
	OutsideZone  ReasonCode = "outside_zone"  // the vehicle does not stand in the zone

	// How it stands with regard to the marked areas. All but the first make
	// every window be of no use to it.
	Orderly        ReasonCode = "orderly"         // wholly inside the bay Bays[0]
	AcrossBays     ReasonCode = "across_bays"     // across Bays[0] and Bays[1]
	OutOfBay       ReasonCode = "out_of_bay"      // not wholly inside any bay
	OnCrossing     ReasonCode = "on_crossing"     // on the crossing Bays[0]
	InFireLane     ReasonCode = "in_fire_lane"    // in the fire lane Bays[0]
	WrongDirection ReasonCode = "wrong_direction" // in the bay Bays[0], against its arrow

	NoWindow        ReasonCode = "no_window"         // no tidal window touched the stop
	OtherDay        ReasonCode = "other_day"         // a window did not open, because of what kind of day it was
	WindowSuspended ReasonCode = "window_suspended"  // a window was suspended From..Until
	DayIs           ReasonCode = "day_is"            // the kind of day on which a window opened
	DayUnannounced  ReasonCode = "day_unannounced"   // nothing is known of the day's kind: what depends on it counts as open
	InWindow        ReasonCode = "in_window"         // a window permitted From..Until of the stop
	Exempted        ReasonCode = "exempt"            // the vehicle was exempt From..Until of the stop, under the number Announcement
	Disorderly      ReasonCode = "disorderly"        // a window From..Until was of no use, since it stood as said above
	WindowEnded     ReasonCode = "window_ended"      // it stayed past a window's end, grace added
	SuspensionBegan ReasonCode = "suspension_began"  // the same, where a suspension ended the window
	ExemptionEnded  ReasonCode = "exemption_ended"   // it stayed past the end of its exemption, grace added
	ClockMargin     ReasonCode = "clock_margin"      // within Margin of the boundary From it counts as permitted
	LimitShortened  ReasonCode = "limit_shortened"   // a shorter limit began at From
	Unseen          ReasonCode = "unseen"            // the camera could not see From..Until, which is not counted
	Queued          ReasonCode = "queued"            // it stood in a queue From..Until, which is not counted
	StillObserving  ReasonCode = "still_observing"   // the observation period has not run out
	PeriodRanOut    ReasonCode = "period_ran_out"    // stood From..Until outside every window
	StoodOn         ReasonCode = "stood_on"          // stood on From..Until for another Required: violation number Count of the stop
	WholeStopInside ReasonCode = "whole_stop_inside" // every moment of the stop was permitted
)

// ReasonCodes lists every finding.
var ReasonCodes = []ReasonCode{
	NotRecorded, OtherVehicle, ExemptClass, OutsideZone, Orderly, AcrossBays, OutOfBay, OnCrossing, InFireLane, WrongDirection,
	NoWindow, OtherDay, WindowSuspended, DayIs, DayUnannounced, InWindow, Exempted, Disorderly, WindowEnded, SuspensionBegan,
	ExemptionEnded, ClockMargin, LimitShortened, Unseen, Queued, StillObserving, PeriodRanOut, StoodOn, WholeStopInside,
}

// Reason is one finding with the facts it rests on.
type Reason struct {
	Code         ReasonCode    `json:"code"`
	From         time.Time     `json:"from,omitzero"`
	Until        time.Time     `json:"until,omitzero"`
	Announcement string        `json:"announcement,omitempty"` // of the window
	Suspension   string        `json:"suspension,omitempty"`   // number of the announcement that suspends it
	Required     time.Duration `json:"required_ns,omitempty"`  // observation period plus grace
	Margin       time.Duration `json:"margin_ns,omitempty"`    // by how much the clock may be off
	Day          *SpecialDay   `json:"day,omitempty"`
	Bays         []string      `json:"bays,omitempty"`
	Exemption    ExemptionKind `json:"exemption,omitempty"`
	Count        int           `json:"count,omitempty"`
}

// Verdict is the judge's answer on one stop in one zone. Its times are UTC.
type Verdict struct {
	Suspected bool
	Since     time.Time // from when the offending stretch is counted
	Due       time.Time // when its observation period ran out
	Reasons   []Reason
}

// Judge holds a stop, as far as it has been seen, against the policy of the
// zone it may stand in. See JudgeRecord.
func (p Policy) Judge(stop detect.Stop, zone Zone) Verdict {
	return p.JudgeRecord(RecordOf(stop), zone)
}

// JudgeRecord holds a stop against the policy of the zone it may stand in. The
// stop is judged on its stretches outside every tidal window: the first that
// lasts for the observation period (and the grace, where a window has just
// ended) makes it suspected. A window is of no use to a vehicle that does not
// stand in order (see Zone.Bays). An exemption of the vehicle is like a window
// that is of use wherever it stands.
//
// A stop is one violation, whatever its length, unless the rule says when it is
// another one: see RoadSection.AgainAfter and StopRecord.Nth.
//
// What is not certain is never held against anybody: time in which the camera
// could not see the stop counts towards neither period, and time within the
// clock's error of a window counts as inside it. Time in a queue of traffic does
// not count either.
func (p Policy) JudgeRecord(stop StopRecord, zone Zone) Verdict {
	if !zone.Concerns(stop.Class) {
		return Verdict{Reasons: []Reason{{Code: OtherVehicle}}}
	}
	if slices.Contains(p.Section.ExemptClasses, stop.Class) {
		return Verdict{Reasons: []Reason{{Code: ExemptClass}}}
	}
	if !zone.Holds(stop.Box) {
		return Verdict{Reasons: []Reason{{Code: OutsideZone}}}
	}
	j := judgement{section: &p.Section, stop: stop, margin: max(p.Section.ClockError, stop.ClockError)}
	j.uncounted = stop.uncounted()
	j.readLimits()
	j.judge(zone)
	return j.inUTC()
}

// judgement is a verdict in the making.
type judgement struct {
	Verdict
	section *RoadSection
	stop    StopRecord
	margin  time.Duration // by how much the stop's clock may be off
	first   bool          // the stop's first violation is found, and a later one is asked for
	periods int           // full periods for which it has stood on since
	stood   time.Duration // of the period that has begun
	terms   []term        // see deadline
	changes []time.Time

	uncounted []detect.Span // in order of time and apart, see StopRecord.uncounted
}

func (j *judgement) note(r Reason) { j.Reasons = append(j.Reasons, r) }

func (j *judgement) judge(zone Zone) {
	openings, closures := j.section.Openings(Span{j.stop.Start, j.stop.End.Add(1)}.widened(j.margin))
	order := zone.order(j.stop)
	if order.Code == Orderly && len(openings) == 0 {
		order = Reason{} // it is of no use
	}
	if order.Code != "" {
		j.note(order)
	}
	switch {
	case len(openings) == 0:
		j.note(Reason{Code: NoWindow})
	case order.Code != "" && order.Code != Orderly:
		for _, open := range openings {
			j.noteOpening(Disorderly, open)
		}
		openings = nil
	}
	for _, c := range closures {
		j.noteClosure(c)
	}
	j.cut(j.exempted(openings))
}

// cut judges the stretches between the openings, in order, until one of them
// makes the stop suspected.
func (j *judgement) cut(openings []Opening) {
	since, ended := j.stop.Start, (*Opening)(nil)
	for i := range openings {
		open := &openings[i]
		wide := open.widened(j.margin)
		if wide.From.After(since) {
			j.noteMargin(open.From)
			if j.ranOut(Span{since, wide.From}, ended) {
				return
			}
		}
		j.noteOpening(InWindow, *open)
		if wide.Until.After(since) {
			since, ended = wide.Until, open
		}
	}
	if since.After(j.stop.End) {
		if ended != nil && !j.stop.End.Before(ended.Until) {
			j.noteMargin(ended.Until)
		}
		j.note(Reason{Code: WholeStopInside})
		return
	}
	if !j.ranOut(Span{since, j.stop.End}, ended) {
		j.note(Reason{Code: StillObserving, From: j.Since, Until: j.stop.End, Required: j.seen(Span{j.Since, j.Due})})
	}
}

// ranOut judges one stretch outside every window; ended is the window, if any,
// that ended where the stretch begins.
func (j *judgement) ranOut(stretch Span, ended *Opening) bool {
	from := stretch.From
	if ended != nil {
		from, _ = j.deadline(from, grace)
	}
	if j.first {
		return j.standsOn(Span{from, stretch.Until})
	}
	due, counted := j.deadline(from, observation)
	j.Since, j.Due = stretch.From, due
	required := j.seen(Span{stretch.From, due})
	if ended != nil {
		j.noteEnd(*ended, required)
	}
	if counted.After(from) {
		j.note(Reason{Code: LimitShortened, From: counted.Add(-j.margin), Required: j.allowed(counted, observation)})
		j.noteMargin(counted.Add(-j.margin))
		if counted.Before(stretch.Until) {
			j.Since, required = counted, j.seen(Span{counted, due})
		}
	}
	j.noteUncounted(Span{j.Since, stretch.Until}, due)
	if stretch.Until.Before(due) {
		return false
	}
	j.note(Reason{Code: PeriodRanOut, From: j.Since, Until: stretch.Until, Required: required})
	if j.stop.Nth > 0 {
		j.first, j.Since = true, due
		return j.standsOn(Span{due, stretch.Until})
	}
	j.Suspected = true
	return true
}

// noteUncounted says what of a stretch, until it is due, is not counted and why.
func (j *judgement) noteUncounted(stretch Span, due time.Time) {
	note := func(code ReasonCode, from, until time.Time) {
		if until.After(stretch.From) && from.Before(earlier(due, stretch.Until)) {
			j.note(Reason{Code: code, From: later(from, stretch.From), Until: earlier(until, stretch.Until)})
		}
	}
	for _, u := range j.stop.Unseen {
		note(Unseen, u.From, u.Until)
	}
	for _, q := range j.stop.Queued {
		note(Queued, q.From, q.Until)
	}
}

func (j *judgement) noteEnd(ended Opening, required time.Duration) {
	r := Reason{Code: WindowEnded, From: ended.Until, Announcement: ended.Window.Announcement, Required: required}
	switch {
	case ended.Suspended != nil:
		r.Code, r.Suspension = SuspensionBegan, ended.Suspended.Announcement
	case ended.Exempt != nil:
		r.Code, r.Announcement, r.Exemption = ExemptionEnded, ended.Exempt.Reference, ended.Exempt.Kind
	}
	j.note(r)
	j.noteMargin(ended.Until)
}

func (j *judgement) noteMargin(boundary time.Time) {
	if j.margin > 0 {
		j.note(Reason{Code: ClockMargin, From: boundary, Margin: j.margin})
	}
}

// noteOpening says what an opening was to the stop, unless the two touch only
// by what the clock may be off.
func (j *judgement) noteOpening(code ReasonCode, open Opening) {
	if !open.touches(Span{j.stop.Start, j.stop.End.Add(1)}) {
		return
	}
	if open.Exempt != nil {
		j.note(Reason{
			Code: Exempted, From: later(open.From, j.stop.Start), Until: earlier(open.Until, j.stop.End),
			Announcement: open.Exempt.Reference, Exemption: open.Exempt.Kind,
		})
		return
	}
	if len(open.Window.Kinds) > 0 {
		day, known := j.section.Calendar.Day(open.Day)
		r := Reason{Code: DayIs, Day: &day, Announcement: open.Window.Announcement}
		if !known {
			r.Code = DayUnannounced
		}
		j.note(r)
	}
	j.note(Reason{
		Code: code, From: later(open.From, j.stop.Start), Until: earlier(open.Until, j.stop.End),
		Announcement: open.Window.Announcement,
	})
}

func (j *judgement) noteClosure(c Closure) {
	if !c.touches(Span{j.stop.Start, j.stop.End.Add(1)}) {
		return
	}
	if c.Suspended != nil {
		j.note(Reason{
			Code: WindowSuspended, From: c.From, Until: c.Until,
			Announcement: c.Window.Announcement, Suspension: c.Suspended.Announcement,
		})
		return
	}
	j.note(Reason{Code: OtherDay, Day: &c.Day, Announcement: c.Window.Announcement})
}

// inUTC is the verdict with its times as they are kept.
func (j *judgement) inUTC() Verdict {
	j.Since, j.Due = kept(j.Since), kept(j.Due)
	for i := range j.Reasons {
		r := &j.Reasons[i]
		r.From, r.Until = kept(r.From), kept(r.Until)
	}
	return j.Verdict
}

// ViolationID is the deterministic ID of what one stop did in one zone: the
// same stop judged again, after a restart or elsewhere, gives the same ID.
func ViolationID(stop detect.Stop, zone Zone) string {
	sum := sha256.Sum256([]byte(stop.ID + "\x00" + zone.ID))
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
}

// NthViolationID is the same for the n-th violation of a stop that goes on: 0
// is the first.
func NthViolationID(stop detect.Stop, zone Zone, n int) string {
	if n > 0 {
		stop.ID = fmt.Sprintf("%s\x00%d", stop.ID, n)
	}
	return ViolationID(stop, zone)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
