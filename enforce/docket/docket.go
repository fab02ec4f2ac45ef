// Package docket holds the stops of one camera against the policies of its
// zones, and opens one case for each stop that comes out suspected.
//
// Evidence is stored before the case's event is written, both beside the looks:
// a clip's end has yet to come, and the camera is looked at meanwhile. What
// fails is tried again at the next look; the case's ID derives from the stop, so
// that a second try, even after a restart, opens no second case.
package docket

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
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

	matters map[string]*matter // by violation ID
}

// matter is one stop in one zone.
type matter struct {
	zone   enforce.Zone
	stop   detect.Stop
	kept   []detect.Observation // what the pictures would be made of now
	proven *enforce.Violation   // with its evidence stored, on its way to the log
	opened bool

	opening <-chan opening // what comes of the case being opened; nil while it is not
	abandon func()         // gives that up
}

// opening is what came of an attempt to open a case.
type opening struct {
	proven *enforce.Violation // nil: its evidence is not stored
	err    error              // nil: the case is open
}

// Hold takes the stops of one look, open and just ended, and has what follows
// from them written to the case log.
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
	for id, m := range d.matters {
		done, err := d.settle(ctx, id, m)
		failed = errors.Join(failed, err)
		if done {
			delete(d.matters, id)
		}
	}
	d.Metrics.open.WithLabelValues(d.Camera.ID).Set(float64(len(d.matters)))
	return failed
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
	for _, m := range d.matters {
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
func (d *Docket) settle(ctx context.Context, id string, m *matter) (done bool, err error) {
	if m.opening != nil {
		select {
		case came := <-m.opening:
			err = m.take(came)
		default:
			return false, nil
		}
	}
	if !m.opened {
		err = errors.Join(err, d.suspect(ctx, id, m))
	}
	if err == nil && m.opened && m.stop.Ended {
		err = d.end(ctx, id, m.stop.End)
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
		m.opened, m.kept, m.proven = true, nil, nil
	}
	return came.err
}

// suspect judges a stop and opens its case once it is suspected.
func (d *Docket) suspect(ctx context.Context, id string, m *matter) error {
	policy, inForce := d.Policies.At(m.zone.Section, m.stop.Start)
	if !inForce {
		return nil // the section's rule begins later
	}
	stop := enforce.RecordOf(m.stop)
	verdict := policy.JudgeRecord(stop, m.zone)
	var shown evidence.Exhibits
	few := evidence.ErrTooFewPictures
	if verdict.Since.IsZero() { // permitted so far, or outside the zone
		m.kept = nil
	} else {
		shown, few = evidence.Select(slices.Concat(m.kept, m.stop.Observations), verdict.Since, verdict.Due)
		m.kept = []detect.Observation{shown.Begin, shown.Middle, shown.Due}
		shown.Plate = m.stop.PlateView
	}
	if !verdict.Suspected && !m.stop.Ended {
		return nil
	}
	// A stop taken up after a restart may have its case already, and may have
	// been seen for less time than when that was opened.
	_, err := d.Cases.Case(ctx, id)
	switch {
	case err == nil:
		m.opened, m.kept = true, nil
		return nil
	case !verdict.Suspected && errors.Is(err, enforce.ErrNoCase):
		return nil
	case !verdict.Suspected:
		return fmt.Errorf("look for the case of an ended stop: %w", err)
	case m.proven == nil && few != nil:
		if m.stop.Ended { // there will be no more
			d.Logger.Warn("suspected stop dropped", "zone", m.zone.ID, "reason", few)
			d.Metrics.dropped.Inc()
		}
		return nil
	}
	d.begin(ctx, m, d.violation(id, m, stop, policy, verdict), shown)
	return nil
}

func (d *Docket) violation(id string, m *matter, stop enforce.StopRecord, policy enforce.Policy, verdict enforce.Verdict) enforce.Violation {
	section := policy.Section
	return enforce.Violation{
		ID: id,
		Camera: enforce.CameraRef{
			ID: d.Camera.ID, Name: d.Camera.Name, DeviceID: d.Camera.DeviceID,
			Place: d.Camera.Place, Direction: d.Camera.Direction,
		},
		Section: enforce.SectionRef{ID: section.ID, Name: section.Name, TimeZone: section.Location.String()},
		Zone:    enforce.RefOf(m.zone),
		Rule: enforce.Rule{
			Windows: section.Windows, Suspensions: section.Suspensions,
			ObservationPeriod: section.ObservationPeriod, Grace: section.Grace,
		},
		Policy: policy.ID, Code: section.Code,
		Class: m.stop.Class, Plate: m.stop.Plate, Box: m.stop.Box,
		StopID: m.stop.ID, StopStart: stop.Start, Since: verdict.Since, Due: verdict.Due,
		Reasons: verdict.Reasons, Stop: stop,
	}
}

// begin opens the case beside the looks, as far as that was not done before.
func (d *Docket) begin(ctx context.Context, m *matter, v enforce.Violation, shown evidence.Exhibits) {
	ctx, m.abandon = context.WithCancel(context.WithoutCancel(ctx))
	came, proven := make(chan opening, 1), m.proven
	m.opening = came
	go func() {
		var err error
		if proven == nil {
			proven, err = d.prove(ctx, v, shown)
		}
		if err == nil {
			err = d.open(ctx, *proven)
		}
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

func (d *Docket) end(ctx context.Context, id string, at time.Time) error {
	at = utc(at)
	err := d.Log.Append(ctx, enforce.Event{
		ID: id + "/stop_ended", Case: id, Type: enforce.StopEnded,
		At: utc(d.Now()), Actor: "camera/" + d.Camera.ID, StopEnd: &at,
	})
	if err != nil {
		return fmt.Errorf("end the stop of case %s: %w", id, err)
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
