package enforce

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"tidewatch/detect"
)

// ReasonCode names one finding of the judge. Pages put it into words.
type ReasonCode string

// The findings, in the order in which the judge makes them.
const (
	OtherVehicle    ReasonCode = "other_vehicle"     // the zone is not for vehicles of its class
	OutsideZone     ReasonCode = "outside_zone"      // the vehicle does not stand in the zone
	NoWindow        ReasonCode = "no_window"         // no tidal window touched the stop
	InWindow        ReasonCode = "in_window"         // a window permitted From..Until of the stop
	WindowEnded     ReasonCode = "window_ended"      // it stayed past a window's end, grace added
	Unseen          ReasonCode = "unseen"            // the camera could not see From..Until, which is not counted
	StillObserving  ReasonCode = "still_observing"   // the observation period has not run out
	PeriodRanOut    ReasonCode = "period_ran_out"    // stood From..Until outside every window
	WholeStopInside ReasonCode = "whole_stop_inside" // every moment of the stop was permitted
)

// Reason is one finding with the facts it rests on.
type Reason struct {
	Code         ReasonCode    `json:"code"`
	From         time.Time     `json:"from,omitzero"`
	Until        time.Time     `json:"until,omitzero"`
	Announcement string        `json:"announcement,omitempty"`
	Required     time.Duration `json:"required_ns,omitempty"` // observation period plus grace
}

// Verdict is the judge's answer on one stop in one zone.
type Verdict struct {
	Suspected bool
	Since     time.Time // when the offending stretch began
	Due       time.Time // when its observation period ran out
	Reasons   []Reason
}

// Judge holds a stop, as far as it has been seen, against the policy of the
// zone it may stand in. The stop is judged on its stretches outside every
// tidal window: the first that lasts for the observation period (and the grace,
// where a window has just ended) makes it suspected. Time in which the camera
// could not see the stop counts towards neither.
func (p Policy) Judge(stop detect.Stop, zone Zone) Verdict {
	if !zone.Concerns(stop.Class) {
		return Verdict{Reasons: []Reason{{Code: OtherVehicle}}}
	}
	if !zone.Holds(stop.Box) {
		return Verdict{Reasons: []Reason{{Code: OutsideZone}}}
	}
	var v Verdict
	openings := p.Section.openings(Span{stop.Start, stop.End.Add(1)})
	if len(openings) == 0 {
		v.Reasons = append(v.Reasons, Reason{Code: NoWindow})
	}
	since, ended := stop.Start, (*TidalWindow)(nil)
	for _, open := range openings {
		if open.From.After(since) && p.ranOut(&v, Span{since, open.From}, ended, stop.Unseen) {
			return v
		}
		v.Reasons = append(v.Reasons, Reason{
			Code: InWindow, From: later(open.From, stop.Start), Until: earlier(open.Until, stop.End),
			Announcement: open.Window.Announcement,
		})
		if open.Until.After(since) {
			since, ended = open.Until, &open.Window
		}
	}
	if since.After(stop.End) {
		v.Reasons = append(v.Reasons, Reason{Code: WholeStopInside})
		return v
	}
	if !p.ranOut(&v, Span{since, stop.End}, ended, stop.Unseen) {
		v.Reasons = append(v.Reasons, Reason{Code: StillObserving, From: since, Until: stop.End, Required: p.required(ended)})
	}
	return v
}

// required is how long a vehicle must have been seen to stand: the observation
// period, and the grace if a window has ended where the stretch begins.
func (p Policy) required(ended *TidalWindow) time.Duration {
	if ended == nil {
		return p.Section.ObservationPeriod
	}
	return p.Section.ObservationPeriod + p.Section.Grace
}

// ranOut judges one stretch outside every window; ended is the window, if any,
// that ended where the stretch begins.
func (p Policy) ranOut(v *Verdict, stretch Span, ended *TidalWindow, unseen []detect.Span) bool {
	required := p.required(ended)
	if ended != nil {
		v.Reasons = append(v.Reasons, Reason{
			Code: WindowEnded, From: stretch.From, Announcement: ended.Announcement, Required: required,
		})
	}
	v.Since, v.Due = stretch.From, stretch.From.Add(required)
	for _, u := range unseen {
		if !u.Until.After(v.Since) || !u.From.Before(earlier(v.Due, stretch.Until)) {
			continue
		}
		from := later(u.From, v.Since)
		v.Due = v.Due.Add(u.Until.Sub(from))
		v.Reasons = append(v.Reasons, Reason{Code: Unseen, From: from, Until: earlier(u.Until, stretch.Until)})
	}
	if stretch.Until.Before(v.Due) {
		return false
	}
	v.Suspected = true
	v.Reasons = append(v.Reasons, Reason{
		Code: PeriodRanOut, From: stretch.From, Until: stretch.Until, Required: required,
	})
	return true
}

// ViolationID is the deterministic ID of what one stop did in one zone: the
// same stop judged again, after a restart or elsewhere, gives the same ID.
func ViolationID(stop detect.Stop, zone Zone) string {
	sum := sha256.Sum256([]byte(stop.ID + "\x00" + zone.ID))
	return strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:10]))
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
