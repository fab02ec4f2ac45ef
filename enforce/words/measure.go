package words

import (
	"time"

	"tidewatch/enforce"
)

// Exemption puts an entry of the list of exempt vehicles into words, but for
// its plate.
func (c Catalog) Exemption(e enforce.Exemption, zone *time.Location) string {
	until := c["exempt.for_ever"]
	if !e.Until.IsZero() {
		until = c.Say("exempt", "until", "time", Moment(e.Until, zone))
	}
	return c.Say("exempt", "whole", "kind", c.ExemptionKind(e.Kind), "reference", e.Reference, "until", until)
}

// ExemptionKind says why a vehicle is exempt.
func (c Catalog) ExemptionKind(k enforce.ExemptionKind) string {
	return c.Say("exempt_kind", string(k))
}

// MeasureReason puts a ground of a measure into words.
func (c Catalog) MeasureReason(r enforce.MeasureReason) string {
	return c.Say("ground", string(r.Code), "days", r.Days, "count", r.Count,
		"beyond", c.Duration(r.Beyond), "limit", c.Duration(r.Limit))
}

// Scale says, a line for each part of it, what a scale makes of violations.
func (c Catalog) Scale(d enforce.Discretion) []string {
	lines := []string{c.Say("scale", "announced", "number", d.Announcement)}
	if d.FirstWithinDays > 0 {
		lines = append(lines, c.Say("scale", "first", "days", d.FirstWithinDays))
	}
	if d.MinorWithin > 0 {
		lines = append(lines, c.Say("scale", "minor", "limit", c.Duration(d.MinorWithin)))
	}
	if d.RepeatWithinDays > 0 {
		lines = append(lines, c.Say("scale", "repeat", "days", d.RepeatWithinDays))
	}
	if d.EscalateAt > 0 {
		lines = append(lines, c.Say("scale", "escalate", "count", d.EscalateAt, "days", d.RepeatWithinDays))
	}
	if d.EverySection {
		lines = append(lines, c["scale.every_section"])
	}
	return lines
}

// Measure says, a line for each part of it, what a scale proposes and why, and
// that a trial leads to nothing.
func (c Catalog) Measure(m enforce.Measure, trial bool) []string {
	lines := []string{c.Say("measure.proposed", string(m.Action))}
	for _, r := range m.Reasons {
		lines = append(lines, c.Say("verdict", "reason", "reason", c.MeasureReason(r)))
	}
	if trial {
		lines = append(lines, c["trial.nothing"])
	}
	return lines
}
