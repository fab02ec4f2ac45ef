package enforce

import (
	"time"

	"tidewatch/detect"
)

// StopRecord is what of a stop bears on the verdict, as a case keeps it: with
// it, its zone and its policy anybody can judge the stop again. Times are UTC
// in whole microseconds.
type StopRecord struct {
	Start  time.Time    `json:"start"`
	End    time.Time    `json:"end"` // last moment it was seen standing, as of the verdict
	Unseen []UnseenSpan `json:"unseen,omitempty"`
	Queued []QueuedSpan `json:"queued,omitempty"`
	Class  detect.Class `json:"class"`
	Box    detect.Box   `json:"box"`
	// Heading is where the vehicle's front points in the picture; nil: unknown.
	Heading *Vector `json:"heading,omitempty"`
	// ClockError bounds how far the clock of Start and End was off, if more is
	// known of it than the policy allows for.
	ClockError time.Duration `json:"clock_error_ns,omitempty"`
	// Exempt are the vehicle's exemptions that hold during the stop, as its plate
	// was known.
	Exempt []ExemptSpan `json:"exempt,omitempty"`
	// Nth is which violation of the stop is asked for: 0 is the first.
	Nth int `json:"nth,omitempty"`
}

// ExemptSpan is what a case keeps of an exemption.
type ExemptSpan struct {
	Kind      ExemptionKind `json:"kind"`
	From      time.Time     `json:"from,omitzero"`
	Until     time.Time     `json:"until,omitzero"`
	Reference string        `json:"reference"`
}

// during is the part of a stretch in which the exemption holds, if any.
func (e ExemptSpan) during(stretch Span) (Span, bool) {
	if !e.From.IsZero() {
		stretch.From = later(stretch.From, e.From)
	}
	if !e.Until.IsZero() {
		stretch.Until = earlier(stretch.Until, e.Until)
	}
	return stretch, stretch.From.Before(stretch.Until)
}

// UnseenSpan is a stretch in which the camera could not see the stop.
type UnseenSpan struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// QueuedSpan is a stretch in which the vehicle stood in a queue of traffic.
type QueuedSpan UnseenSpan

// uncounted are the stretches of the stop that count towards no period, in order
// of time and apart.
func (r StopRecord) uncounted() []detect.Span {
	var spans []detect.Span
	for _, u := range r.Unseen {
		spans = append(spans, detect.Span(u))
	}
	for _, q := range r.Queued {
		spans = append(spans, detect.Span(q))
	}
	return detect.Union(spans)
}

// RecordOf is what is kept of a stop as it has been seen so far.
func RecordOf(stop detect.Stop) StopRecord {
	r := StopRecord{Start: kept(stop.Start), End: kept(stop.End), Class: stop.Class, Box: stop.Box}
	for _, u := range stop.Unseen {
		r.Unseen = append(r.Unseen, UnseenSpan{kept(u.From), kept(u.Until)})
	}
	for _, q := range stop.Queued {
		r.Queued = append(r.Queued, QueuedSpan{kept(q.From), kept(q.Until)})
	}
	return r
}

// kept is a time as it is kept.
func kept(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Rejudge judges a violation again from what its case keeps, under the policy
// it names or any other. A case from before stops were kept in full has
// nothing to be judged by: its verdict has the one reason NotRecorded.
func Rejudge(v Violation, p Policy) Verdict {
	if v.Stop.Start.IsZero() {
		return Verdict{Reasons: []Reason{{Code: NotRecorded}}}
	}
	return p.JudgeRecord(v.Stop, v.Zone.Zone())
}
