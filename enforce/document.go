package enforce

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tidewatch/detect"
)

// policyDocument is how a policy is written: whatever bears on a verdict, and
// nothing else, spelled out so that a new field of the section does not
// silently give every past policy another ID. New fields are left out while
// they are empty, for the same reason.
type policyDocument struct {
	Section     string           `json:"section"`
	TimeZone    string           `json:"time_zone"`
	Effective   Date             `json:"effective,omitzero"`
	Code        string           `json:"code"`
	Observation period           `json:"observation_period"`
	Grace       period           `json:"grace"`
	ClockError  period           `json:"clock_error,omitempty"`
	Limits      []limitDocument  `json:"limits,omitempty"`
	Windows     []windowDocument `json:"windows,omitempty"`
	Suspensions []suspensionText `json:"suspensions,omitempty"`

	ExemptClasses []detect.Class      `json:"exempt_classes,omitempty"`
	AgainAfter    period              `json:"again_after,omitempty"`
	Discretion    *discretionDocument `json:"discretion,omitempty"`

	Calendar Calendar `json:"calendar,omitzero"`
}

type discretionDocument struct {
	Announcement     string `json:"announcement"`
	FirstWithinDays  int    `json:"first_within_days,omitempty"`
	MinorWithin      period `json:"minor_within,omitempty"`
	RepeatWithinDays int    `json:"repeat_within_days,omitempty"`
	EscalateAt       int    `json:"escalate_at,omitempty"`
	EverySection     bool   `json:"every_section,omitempty"`
}

type hoursDocument struct {
	From     Clock     `json:"from"`
	Until    Clock     `json:"until"`
	Weekdays []weekday `json:"weekdays,omitempty"`
	Kinds    []DayKind `json:"kinds,omitempty"`
	Days     []Date    `json:"days,omitempty"`
	FirstDay Date      `json:"first_day,omitzero"`
	LastDay  Date      `json:"last_day,omitzero"`
}

type limitDocument struct {
	hoursDocument
	Observation period `json:"observation_period"`
	Grace       period `json:"grace"`
}

type windowDocument struct {
	Announcement string `json:"announcement"`
	Name         string `json:"name,omitempty"`
	hoursDocument
}

type suspensionText struct {
	Announcement string    `json:"announcement"`
	Suspends     string    `json:"suspends,omitempty"`
	From         time.Time `json:"from"`
	Until        time.Time `json:"until"`
}

// period is a duration as a policy is written: 5m0s.
type period time.Duration

func (p period) MarshalText() ([]byte, error) { return []byte(time.Duration(p).String()), nil }

func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err == nil && d < 0 {
		err = fmt.Errorf("duration %s: is negative", d)
	}
	*p = period(d)
	return err
}

// weekday is a day of the week as a policy is written: mon.
type weekday time.Weekday

// WeekdayNames are the days of the week as policies and configurations write
// them, Sunday first.
var WeekdayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func (w weekday) MarshalText() ([]byte, error) { return []byte(WeekdayNames[w]), nil }

func (w *weekday) UnmarshalText(text []byte) error {
	i := slices.Index(WeekdayNames, string(text))
	if i < 0 {
		return fmt.Errorf("weekday %q: want mon, tue, wed, thu, fri, sat or sun", text)
	}
	*w = weekday(i)
	return nil
}

// Document is the policy as it is stored: canonical JSON, the same bytes for
// the same rule wherever it is made. It begins with what people ask for first.
func (p Policy) Document() []byte {
	s := p.Section
	doc := policyDocument{
		Section: s.ID, TimeZone: s.Location.String(), Effective: s.Effective, Code: s.Code,
		Observation: period(s.ObservationPeriod), Grace: period(s.Grace), ClockError: period(s.ClockError),
		ExemptClasses: s.ExemptClasses, AgainAfter: period(s.AgainAfter), Calendar: s.Calendar,
	}
	if d := s.Discretion; d != nil {
		doc.Discretion = &discretionDocument{d.Announcement, d.FirstWithinDays, period(d.MinorWithin), d.RepeatWithinDays, d.EscalateAt, d.EverySection}
	}
	for _, l := range s.Limits {
		doc.Limits = append(doc.Limits, limitDocument{documentOf(l.Hours), period(l.ObservationPeriod), period(l.Grace)})
	}
	for _, w := range s.Windows {
		doc.Windows = append(doc.Windows, windowDocument{w.Announcement, w.Name, documentOf(w.hours())})
	}
	for _, each := range s.Suspensions {
		doc.Suspensions = append(doc.Suspensions, suspensionText(each))
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		panic(err) // text and numbers always marshal
	}
	return text.Bytes()
}

func documentOf(h Hours) hoursDocument {
	doc := hoursDocument{h.From, h.Until, nil, h.Kinds, h.Days, h.FirstDay, h.LastDay}
	for _, day := range h.Weekdays {
		doc.Weekdays = append(doc.Weekdays, weekday(day))
	}
	return doc
}

func (d hoursDocument) hours() Hours {
	h := Hours{d.From, d.Until, nil, d.Kinds, d.Days, d.FirstDay, d.LastDay}
	for _, day := range d.Weekdays {
		h.Weekdays = append(h.Weekdays, time.Weekday(day))
	}
	return h
}

// ParsePolicy reads a policy's document. It takes only what Document writes,
// to the byte, so that the policy's ID is the hash of what was read.
func ParsePolicy(text []byte) (Policy, error) {
	var doc policyDocument
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	section, err := doc.section()
	if err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	p := NewPolicy(section)
	if !bytes.Equal(p.Document(), text) {
		return Policy{}, errors.New("read policy: it is not written as policies are; was it edited?")
	}
	return p, nil
}

func (d policyDocument) section() (RoadSection, error) {
	location, err := time.LoadLocation(d.TimeZone)
	if err != nil || d.TimeZone == "Local" {
		return RoadSection{}, fmt.Errorf("time_zone %q: want an IANA name such as Asia/Shanghai", d.TimeZone)
	}
	s := RoadSection{
		ID: d.Section, Location: location, Effective: d.Effective, Code: d.Code,
		ObservationPeriod: time.Duration(d.Observation), Grace: time.Duration(d.Grace), ClockError: time.Duration(d.ClockError),
		ExemptClasses: d.ExemptClasses, AgainAfter: time.Duration(d.AgainAfter), Calendar: d.Calendar,
	}
	if x := d.Discretion; x != nil {
		s.Discretion = &Discretion{x.Announcement, x.FirstWithinDays, time.Duration(x.MinorWithin), x.RepeatWithinDays, x.EscalateAt, x.EverySection}
	}
	for _, l := range d.Limits {
		s.Limits = append(s.Limits, Limit{l.hours(), time.Duration(l.Observation), time.Duration(l.Grace)})
	}
	for _, w := range d.Windows {
		s.Windows = append(s.Windows, windowOf(w.Announcement, w.Name, w.hours()))
	}
	for _, each := range d.Suspensions {
		s.Suspensions = append(s.Suspensions, Suspension(each))
	}
	return s, s.validate()
}

func windowOf(announcement, name string, h Hours) TidalWindow {
	return TidalWindow{announcement, name, h.From, h.Until, h.Weekdays, h.Kinds, h.Days, h.FirstDay, h.LastDay}
}

// The years of which rules can speak: beyond them times cannot be written in
// every zone.
const firstYear, lastYear = 1, 9998

// validate checks what a document could say and no rule can mean.
func (s RoadSection) validate() error {
	var wrong error
	for i, w := range s.Windows {
		if err := w.hours().validate(); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("windows[%d]: %w", i, err))
		}
	}
	for i, l := range s.Limits {
		if err := l.validate(); err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("limits[%d]: %w", i, err))
		}
	}
	for i, each := range s.Suspensions {
		switch {
		case !each.From.Before(each.Until):
			wrong = errors.Join(wrong, fmt.Errorf("suspensions[%d]: until is not after from", i))
		case each.From.Year() < firstYear || each.Until.Year() > lastYear:
			wrong = errors.Join(wrong, fmt.Errorf("suspensions[%d]: want years from %d to %d", i, firstYear, lastYear))
		}
	}
	if s.AgainAfter != 0 && s.AgainAfter < ShortestAgain {
		wrong = errors.Join(wrong, fmt.Errorf("again_after %s: want at least %s", s.AgainAfter, ShortestAgain))
	}
	if s.Discretion != nil {
		wrong = errors.Join(wrong, s.Discretion.Validate())
	}
	return errors.Join(wrong, s.Calendar.validate())
}

func (h Hours) validate() error {
	switch h.From {
	case h.Until:
		return errors.New("until is the same as from; write 00:00 to 24:00 for a whole day")
	case 24 * 60:
		return errors.New("from 24:00 is the end of a day; write 00:00")
	}
	for _, kind := range h.Kinds {
		if !slices.Contains(DayKinds, kind) {
			return fmt.Errorf("kind of day %q: want workday, rest_day, statutory_holiday or adjusted_workday", kind)
		}
	}
	return nil
}

// validate checks that what is looked up by halving is in order.
func (c Calendar) validate() error {
	if !slices.IsSorted(c.Years) {
		return errors.New("calendar: its years are not in order")
	}
	for i, d := range c.Days {
		if d.Kind != StatutoryHoliday && d.Kind != AdjustedWorkday {
			return fmt.Errorf("calendar: %s: want statutory_holiday or adjusted_workday, not %q", d.Date, d.Kind)
		}
		if i > 0 && !c.Days[i-1].Date.Before(d.Date) {
			return fmt.Errorf("calendar: %s is out of order", d.Date)
		}
	}
	return nil
}
