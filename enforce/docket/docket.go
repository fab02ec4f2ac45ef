// Package docket holds the stops of one camera against the policies of its
// zones, and opens one case for each stop that comes out suspected: one, in
// however many zones it stands and however long, unless the policy says when
// it is another violation. A vehicle that the list of exempt vehicles holds
// has none for as long as the list says, if its plate was read.
//
// Evidence is stored before the case's event is written, both beside the looks:
// a clip's end has yet to come, and the camera is looked at meanwhile. What
// fails is tried again at the next look; the case's ID derives from the stop, so
// that a second try, even after a restart, opens no second case.
package docket

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
	"tidewatch/rescue"
)

// Recorder stores the evidence of a violation.
type Recorder interface {
	Record(ctx context.Context, v enforce.Violation, shown evidence.Exhibits) (enforce.Evidence, error)
}

// Log is the case log. What it has accepted is not lost.
type Log interface {
	Append(ctx context.Context, events ...enforce.Event) error
}

// Cases tells which cases were opened before this process started.
type Cases interface {
	Case(ctx context.Context, id string) (enforce.Case, error)
}

// Docket holds the open matters of one camera. It is used by one goroutine,
// which drains it in the end.
type Docket struct {
	Camera   ingest.Camera
	Zones    []enforce.Zone
	Policies enforce.Policies
	Recorder Recorder
	Log      Log
	Cases    Cases
	Now      func() time.Time
	Logger   *slog.Logger
	Metrics  *Metrics

	// Exemptions is the list of exempt vehicles now in force; nil: there is none.
	Exemptions func() enforce.Exemptions

	matters map[string]*matter // by ID of their first violation
}

// matter is one stop in one zone.
type matter struct {
	zone   enforce.Zone
	stop   detect.Stop
	kept   []detect.Observation // what the pictures would be made of now
	proven *enforce.Violation   // with its evidence stored, on its way to the log
	opened int                  // cases that it has; the violation after them is watched for

	opening <-chan opening // what comes of the case being opened; nil while it is not
	abandon func()         // gives that up

	unshowable []*ingest.Unit // pictures of it that turned out to be no evidence

	elsewhere bool // the stop has its case by another zone
	exempt    bool // counted as that of an exempt vehicle
	done      bool // closed for good
}

// id is the ID of the matter's n-th violation.
func (m *matter) id(n int) string { return enforce.NthViolationID(m.stop, m.zone, n) }

// next goes on to the next violation of the stop.
func (m *matter) next() { m.opened, m.kept, m.proven = m.opened+1, nil, nil }

// opening is what came of an attempt to open a case.
type opening struct {
	proven *enforce.Violation // nil: its evidence is not stored
	err    error              // nil: the case is open
}

// Hold takes the stops of one look, open and just ended, and has what follows
// from them written to the case log. After an error that tells of a panic the
// docket is of no use any more, but to be drained.
func (d *Docket) Hold(ctx context.Context, stops []detect.Stop) error {
	if d.matters == nil {
		d.matters = map[string]*matter{}
	}
	for _, stop := range stops {
		for _, zone := range d.Zones {
			id := enforce.ViolationID(stop, zone)
			m, known := d.matters[id]
			if !known {
				if !zone.Concerns(stop.Class) || !zone.Holds(stop.Box) {
					continue
				}
				m = &matter{zone: zone}
				d.matters[id] = m
			}
			m.stop = stop
		}
	}
	var failed error
	for _, m := range d.inOrder() {
		if m.done {
			continue
		}
		done, err := d.settle(ctx, m)
		failed = errors.Join(failed, err)
		m.done = done
	}
	d.forget()
	d.Metrics.open.WithLabelValues(d.Camera.ID).Set(float64(len(d.matters)))
	return failed
}

// forget drops the stops that are done with in every zone. Until then each zone
// must know of a case by another: the case log is read with a delay.
func (d *Docket) forget() {
	busy := map[string]bool{} // by ID of the stop
	for _, m := range d.matters {
		busy[m.stop.ID] = busy[m.stop.ID] || !m.done
	}
	maps.DeleteFunc(d.matters, func(_ string, m *matter) bool { return !busy[m.stop.ID] })
}

// inOrder are the matters in the order of their zones, so that of two zones in
// which a stop becomes suspected at once it is always the same that has the
// case.
func (d *Docket) inOrder() []*matter {
	place := map[string]int{}
	for i, zone := range d.Zones {
		place[zone.ID] = i
	}
	return slices.SortedFunc(maps.Values(d.matters), func(a, b *matter) int {
		return cmp.Or(cmp.Compare(place[a.zone.ID], place[b.zone.ID]), cmp.Compare(a.stop.ID, b.stop.ID))
	})
}

// Settled reports whether nothing is left to be done about stops that have
// ended. Until then they must survive a restart.
func (d *Docket) Settled() bool {
	for _, m := range d.matters {
		if m.stop.Ended {
			return false
		}
	}
	return true
}

// Drain waits for the cases that are being opened. What is not done when ctx is
// is given up, and the next start takes the stop up again. Nothing may be held
// afterwards.
func (d *Docket) Drain(ctx context.Context) error {
	var failed error
	for _, m := range d.inOrder() {
		if m.opening == nil {
			continue
		}
		stop := context.AfterFunc(ctx, m.abandon)
		failed = errors.Join(failed, (<-m.opening).err)
		stop()
	}
	return failed
}

// settle takes one matter as far as it goes now and reports whether it is
// closed for good.
func (d *Docket) settle(ctx context.Context, m *matter) (done bool, err error) {
	if m.opening != nil {
		select {
		case came := <-m.opening:
			err = m.take(came)
		default:
			return false, nil
		}
	}
	for more := true; more; {
		var failed error
		more, failed = d.suspect(ctx, m)
		err = errors.Join(err, failed)
	}
	if err == nil && m.stop.Ended && m.opening == nil {
		err = d.end(ctx, m)
	}
	if err != nil {
		d.Metrics.failures.Inc()
		return false, err
	}
	return m.stop.Ended && m.opening == nil, nil
}

// take takes what came of opening the case.
func (m *matter) take(came opening) error {
	m.abandon()
	m.opening, m.abandon = nil, nil
	m.proven = came.proven
	if came.err == nil {
		m.next()
	}
	if bad := new(evidence.UnshowableError); errors.As(came.err, &bad) {
		m.unshowable = append(m.unshowable, bad.Unit)
	}
	return came.err
}

// showable are the moments of the stop that may be shown, those of earlier looks
// that were chosen first.
func (m *matter) showable() []detect.Observation {
	return slices.DeleteFunc(slices.Concat(m.kept, m.stop.Observations), func(o detect.Observation) bool {
		return slices.Contains(m.unshowable, o.Unit)
	})
}

// suspect judges a stop and opens its next case once it is suspected. It
// reports whether there may be another one already.
func (d *Docket) suspect(ctx context.Context, m *matter) (more bool, err error) {
	policy, inForce := d.Policies.At(m.zone.Section, m.stop.Start)
	if !inForce || m.elsewhere || m.opened > 0 && policy.Section.AgainAfter == 0 {
		return false, nil // the section's rule begins later, or the stop has its case
	}
	j := d.judge(m)
	var shown evidence.Exhibits
	few := evidence.ErrTooFewPictures
	if j.verdict.Since.IsZero() { // permitted so far, or outside the zone
		m.kept = nil
	} else {
		shown, few = evidence.Select(m.showable(), j.verdict.Since, j.verdict.Due)
		m.kept = []detect.Observation{shown.Begin, shown.Middle, shown.Due}
		shown.Plate = m.stop.PlateView
	}
	if !j.verdict.Suspected && !m.stop.Ended {
		return false, nil
	}
	// A stop taken up after a restart may have its case already, and may have
	// been seen for less time than when that was opened.
	known, err := d.known(ctx, m.id(m.opened))
	switch {
	case known:
		m.next()
		return true, nil
	case !j.verdict.Suspected:
		return false, err
	case m.proven == nil && few != nil:
		if m.stop.Ended { // there will be no more
			d.Logger.Warn("suspected stop dropped", "zone", m.zone.ID, "reason", few)
			d.Metrics.dropped.Inc()
		}
		return false, nil
	}
	// A database that does not answer holds up no case: one that was opened
	// before is only told of again.
	if m.elsewhere, err = d.hasCaseElsewhere(ctx, m); m.elsewhere || err != nil || d.opensElsewhere(m) {
		return false, err
	}
	d.begin(ctx, m, d.violation(m, j), shown)
	return false, nil
}

// known reports whether there is a case with an ID.
func (d *Docket) known(ctx context.Context, id string) (bool, error) {
	_, err := d.Cases.Case(ctx, id)
	if errors.Is(err, enforce.ErrNoCase) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for the case of a stop: %w", err)
	}
	return true, nil
}

// hasCaseElsewhere reports whether the stop has its case by another zone that
// it stands in, too. A trial takes nothing from a zone that is in earnest.
func (d *Docket) hasCaseElsewhere(ctx context.Context, m *matter) (bool, error) {
	for id := range d.rivals(m) {
		if other := d.matters[id]; other != nil && other.opened > 0 {
			return true, nil
		}
		if known, err := d.known(ctx, id); known || err != nil {
			return known, err
		}
	}
	return false, nil
}

// opensElsewhere reports whether the stop's case is being opened by another
// zone just now.
func (d *Docket) opensElsewhere(m *matter) bool {
	for id := range d.rivals(m) {
		if other := d.matters[id]; other != nil && other.opening != nil {
			return true
		}
	}
	return false
}

// rivals are the IDs that the stop's case may have by other zones: none once it
// has one by this.
func (d *Docket) rivals(m *matter) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, zone := range d.Zones {
			if m.opened > 0 || zone.ID == m.zone.ID || zone.Trial != m.zone.Trial || !zone.Concerns(m.stop.Class) || !zone.Holds(m.stop.Box) {
				continue
			}
			if !yield(enforce.ViolationID(m.stop, zone)) {
				return
			}
		}
	}
}

// judged is a verdict with all that it rests on.
type judged struct {
	stop    enforce.StopRecord
	policy  enforce.Policy
	verdict enforce.Verdict
	list    string // ID of the list of exempt vehicles
}

// judge judges the violation of a stop that is watched for, and counts a
// vehicle that would be suspected if it were not exempt.
func (d *Docket) judge(m *matter) judged {
	j := judged{stop: enforce.RecordOf(m.stop)}
	j.stop.Nth = m.opened
	if d.Exemptions != nil {
		list := d.Exemptions()
		j.list = list.ID
		if read := m.stop.Plate; read.Accepted {
			seen := enforce.Span{From: j.stop.Start, Until: j.stop.End.Add(time.Microsecond)}
			for _, e := range list.Covering(read.Text, m.zone.Section, seen) {
				j.stop.Exempt = append(j.stop.Exempt, e.Kept())
			}
		}
	}
	j.policy, j.verdict, _ = d.Policies.Judge(m.zone.Section, j.stop, m.zone)
	if len(j.stop.Exempt) > 0 && !j.verdict.Suspected && !m.exempt {
		plain := j.stop
		plain.Exempt = nil
		if _, v, _ := d.Policies.Judge(m.zone.Section, plain, m.zone); v.Suspected {
			m.exempt = true
			d.Metrics.exempt.WithLabelValues(string(j.stop.Exempt[0].Kind)).Inc()
		}
	}
	return j
}

func (d *Docket) violation(m *matter, j judged) enforce.Violation {
	section, stop := j.policy.Section, j.stop
	return enforce.Violation{
		ID: m.id(m.opened),
		Camera: enforce.CameraRef{
			ID: d.Camera.ID, Name: d.Camera.Name, DeviceID: d.Camera.DeviceID,
			Place: d.Camera.Place, Direction: d.Camera.Direction,
		},
		Section: enforce.SectionRef{ID: section.ID, Name: section.Name, TimeZone: section.Location.String()},
		Zone:    enforce.RefOf(m.zone),
		Rule: enforce.Rule{
			Windows: section.Windows, Suspensions: section.Suspensions,
			ObservationPeriod: section.ObservationPeriod, Grace: section.Grace, Discretion: section.Discretion,
		},
		Policy: j.policy.ID, Code: section.Code,
		Class: m.stop.Class, Plate: m.stop.Plate, Box: m.stop.Box,
		StopID: m.stop.ID, StopStart: stop.Start, Since: j.verdict.Since, Due: j.verdict.Due,
		Reasons: j.verdict.Reasons, Stop: stop, Trial: m.zone.Trial, Exemptions: j.list,
	}
}

// begin opens the case beside the looks, as far as that was not done before.
func (d *Docket) begin(ctx context.Context, m *matter, v enforce.Violation, shown evidence.Exhibits) {
	ctx, m.abandon = context.WithCancel(context.WithoutCancel(ctx))
	came, proven := make(chan opening, 1), m.proven
	m.opening = came
	go func() {
		err := rescue.Do(func() (err error) {
			if proven == nil {
				if proven, err = d.prove(ctx, v, shown); err != nil {
					return err
				}
			}
			return d.open(ctx, *proven)
		})
		came <- opening{proven, err}
	}()
}

// prove stores the evidence of a violation.
func (d *Docket) prove(ctx context.Context, v enforce.Violation, shown evidence.Exhibits) (*enforce.Violation, error) {
	stored, err := d.Recorder.Record(ctx, v, shown)
	if err != nil {
		return nil, err
	}
	v.Evidence = stored
	return &v, nil
}

// open writes the event that refers to the evidence.
func (d *Docket) open(ctx context.Context, v enforce.Violation) error {
	err := d.Log.Append(ctx, enforce.Event{
		ID: v.ID + "/suspected", Case: v.ID, Type: enforce.Suspected,
		At: utc(d.Now()), Actor: "camera/" + d.Camera.ID, Violation: &v,
	})
	if err != nil {
		return fmt.Errorf("open case %s: %w", v.ID, err)
	}
	d.Metrics.opened.WithLabelValues(v.Section.ID).Inc()
	d.Logger.Info("case opened", "case", v.ID, "zone", v.Zone.ID, "class", v.Class)
	return nil
}

// end tells every case of a stop that the vehicle has left.
func (d *Docket) end(ctx context.Context, m *matter) error {
	at := utc(m.stop.End)
	for n := range m.opened {
		id := m.id(n)
		err := d.Log.Append(ctx, enforce.Event{
			ID: id + "/stop_ended", Case: id, Type: enforce.StopEnded,
			At: utc(d.Now()), Actor: "camera/" + d.Camera.ID, StopEnd: &at,
		})
		if err != nil {
			return fmt.Errorf("end the stop of case %s: %w", id, err)
		}
	}
	return nil
}

// utc is a time as it is kept: UTC, whole microseconds.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}
