package docket

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
	"tidewatch/rescue"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// world is what a docket talks to.
type world struct {
	mu        sync.Mutex // for what is opened at once
	events    []enforce.Event
	recorded  []evidence.Exhibits
	known     map[string]bool
	stored    chan struct{} // nil, or evidence is stored once it is closed
	recordErr error
	refuse    func(evidence.Exhibits) error // once
	appendErr error
}

func (w *world) Append(_ context.Context, events ...enforce.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.appendErr != nil {
		return w.appendErr
	}
	w.events = append(w.events, events...)
	return nil
}

func (w *world) Record(ctx context.Context, _ enforce.Violation, shown evidence.Exhibits) (enforce.Evidence, error) {
	w.mu.Lock()
	w.recorded = append(w.recorded, shown)
	refuse := w.refuse
	w.refuse = nil
	w.mu.Unlock()
	if refuse != nil {
		return enforce.Evidence{}, refuse(shown)
	}
	if w.stored != nil {
		select {
		case <-w.stored:
		case <-ctx.Done():
			return enforce.Evidence{}, ctx.Err()
		}
	}
	return enforce.Evidence{Manifest: "m"}, w.recordErr
}

func (w *world) Case(_ context.Context, id string) (enforce.Case, error) {
	if w.known[id] {
		return enforce.Case{ID: id}, nil
	}
	return enforce.Case{}, enforce.ErrNoCase
}

func (w *world) types() []enforce.EventType {
	var list []enforce.EventType
	for _, e := range w.events {
		if err := e.Validate(); err != nil {
			panic(err)
		}
		list = append(list, e.Type)
	}
	return list
}

func newDocket(w *world) *Docket {
	policy := enforce.NewPolicy(enforce.RoadSection{
		ID: "road", Location: time.UTC, ObservationPeriod: 10 * time.Second,
		Windows: []enforce.TidalWindow{{Announcement: "1", From: 13 * 60, Until: 14 * 60}},
	})
	whole := enforce.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}
	return &Docket{
		Camera:   ingest.Camera{ID: "gate"},
		Zones:    []enforce.Zone{{ID: "kerb", Section: "road", Polygon: whole}},
		Policies: enforce.Policies{"road": {policy}},
		Recorder: w, Log: w, Cases: w,
		Now:     func() time.Time { return noon },
		Logger:  slog.New(slog.DiscardHandler),
		Metrics: NewMetrics(prometheus.NewRegistry()),
	}
}

// hold has a docket hold stops, and waits for what it does beside the looks. It
// works in a bubble only.
func hold(t *testing.T, d *Docket, stops ...detect.Stop) error {
	t.Helper()
	err := d.Hold(t.Context(), stops)
	synctest.Wait()
	return err
}

// stop is one that began at start and has been looked at every second; like
// the tracker it keeps the first observation and the newest.
func stop(start time.Time, seconds int, ended bool) detect.Stop {
	end := start.Add(time.Duration(seconds) * time.Second)
	look := func(at time.Time) detect.Observation { return detect.Observation{At: at, Unit: &ingest.Unit{}} }
	return detect.Stop{
		ID: "s" + start.Format(time.TimeOnly), Box: detect.Box{X: .4, Y: .4, W: .1, H: .1},
		Start: start, End: end, Ended: ended, Observations: []detect.Observation{look(start), look(end)},
		PlateView: detect.PlateView{At: start, Unit: &ingest.Unit{}},
	}
}

func TestAStopOpensOneCaseAndEndsItOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		d := newDocket(w)
		for s := range 30 {
			if err := hold(t, d, stop(noon, s, s == 29)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]enforce.EventType{enforce.Suspected, enforce.StopEnded}, w.types()); diff != "" {
			t.Error(diff)
		}
		shown := w.recorded[0]
		for i, at := range []time.Time{shown.Begin.At, shown.Middle.At, shown.Due.At} {
			if want := noon.Add(time.Duration(i*5) * time.Second); !at.Equal(want) {
				t.Errorf("picture %d is of %v, want %v", i, at, want)
			}
		}
		if shown.Plate.Unit == nil || !shown.Plate.At.Equal(noon) {
			t.Errorf("the plate is shown by %+v", shown.Plate)
		}
		if open := testutil.ToFloat64(d.Metrics.open.WithLabelValues("gate")); open != 0 {
			t.Errorf("%v matters left open", open)
		}
	})
}

func TestAZoneOpensCasesOfItsKindOfVehicleOnly(t *testing.T) {
	for name, test := range map[string]struct {
		vehicles enforce.Vehicles
		class    detect.Class
		cases    int
	}{
		"a car where cars may not stand":       {enforce.Motor, detect.Car, 1},
		"a bicycle where cars may not stand":   {enforce.Motor, detect.Bicycle, 0},
		"a bicycle where bicycles may not":     {enforce.NonMotor, detect.Bicycle, 1},
		"a car where bicycles may not stand":   {enforce.NonMotor, detect.Car, 0},
		"a motorcycle where nothing may stand": {enforce.All, detect.Motorcycle, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				d := newDocket(w)
				d.Zones[0].Vehicles = test.vehicles
				for s := range 30 {
					seen := stop(noon, s, s == 29)
					seen.Class = test.class
					if err := hold(t, d, seen); err != nil {
						t.Fatal(err)
					}
				}
				if len(w.recorded) != test.cases {
					t.Errorf("%d cases, want %d", len(w.recorded), test.cases)
				}
			})
		})
	}
}

func TestPicturesAreOfTheStretchAfterTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		d := newDocket(w)
		start := noon.Add(90 * time.Minute) // half an hour before the window's end
		for s := 0; s < 31*60; s++ {
			if err := hold(t, d, stop(start, s, false)); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.recorded) != 1 {
			t.Fatalf("%d cases", len(w.recorded))
		}
		windowEnd := noon.Add(2 * time.Hour)
		if got := w.recorded[0].Begin.At; !got.Equal(windowEnd) {
			t.Errorf("first picture is of %v, want %v", got, windowEnd)
		}
	})
}

func TestWhatIsPermittedOpensNothing(t *testing.T) {
	w := &world{}
	d := newDocket(w)
	for s := range 60 {
		if err := d.Hold(t.Context(), []detect.Stop{stop(noon.Add(65*time.Minute), s, s == 59)}); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.events) != 0 || len(d.matters) != 0 {
		t.Errorf("events %v, matters %v", w.types(), d.matters)
	}
}

func TestFailuresAreTriedAgain(t *testing.T) {
	broken := errors.New("disk full")
	for name, test := range map[string]func(*world, error){
		"evidence": func(w *world, err error) { w.recordErr = err },
		"log":      func(w *world, err error) { w.appendErr = err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{}
				d := newDocket(w)
				test(w, broken)
				for s := range 20 {
					if err := hold(t, d, stop(noon, s, s == 19)); (err != nil) != (s > 10) {
						t.Fatalf("second %d: error = %v", s, err)
					}
				}
				test(w, nil)
				for !d.Settled() { // the stop is not told of again
					_ = hold(t, d) // the newest failure has yet to come to light
				}
				if diff := cmp.Diff([]enforce.EventType{enforce.Suspected, enforce.StopEnded}, w.types()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// TestAPictureThatCannotBeShownIsNotAskedForAgain has one whose stored bytes show
// nothing: another moment takes its place.
func TestAPictureThatCannotBeShownIsNotAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		d := newDocket(w)
		for second := 1; second <= 16; second++ {
			if len(w.recorded) == 0 { // the first picture chosen for the middle
				w.refuse = func(shown evidence.Exhibits) error {
					return &evidence.UnshowableError{Unit: shown.Middle.Unit, Err: errors.New("not a whole picture")}
				}
			}
			if err := hold(t, d, stop(noon, second, false)); err != nil && !errors.As(err, new(*evidence.UnshowableError)) {
				t.Fatal(err)
			}
		}
		if len(w.recorded) != 2 || w.recorded[0].Middle.Unit == w.recorded[1].Middle.Unit {
			t.Fatalf("recorded %d times, the second with the same picture in the middle", len(w.recorded))
		}
		if diff := cmp.Diff([]enforce.EventType{enforce.Suspected}, w.types()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestARestartOpensNoSecondCase(t *testing.T) {
	w := &world{}
	known := enforce.ViolationID(stop(noon, 0, false), newDocket(w).Zones[0])
	w.known = map[string]bool{known: true}
	d := newDocket(w)
	for s := 12; s < 20; s++ {
		if err := d.Hold(t.Context(), []detect.Stop{stop(noon, s, s == 19)}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]enforce.EventType{enforce.StopEnded}, w.types()); diff != "" {
		t.Error(diff)
	}
}

func TestAStopWithTooFewPicturesIsCounted(t *testing.T) {
	w := &world{}
	d := newDocket(w)
	if err := d.Hold(t.Context(), []detect.Stop{stop(noon, 20, true)}); err != nil {
		t.Fatal(err)
	}
	if got := testutil.ToFloat64(d.Metrics.dropped); got != 1 || len(w.events) != 0 || len(d.matters) != 0 {
		t.Errorf("dropped = %v, events %v", got, w.types())
	}
}

// A stop that a restart has cut short of its due time still ends its case.
func TestAStopCutShortByARestartEndsItsCase(t *testing.T) {
	w := &world{}
	d := newDocket(w)
	w.known = map[string]bool{enforce.ViolationID(stop(noon, 0, false), d.Zones[0]): true}
	if err := d.Hold(t.Context(), []detect.Stop{stop(noon, 4, true)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]enforce.EventType{enforce.StopEnded}, w.types()); diff != "" {
		t.Error(diff)
	}
}

func TestEvidenceIsRecordedOnceHoweverOftenTheLogFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{appendErr: errors.New("no log")}
		d := newDocket(w)
		for s := range 20 {
			if s == 15 {
				w.appendErr = nil
			}
			err := hold(t, d, stop(noon, s, false))
			if (err != nil) != (s > 10 && s <= 15) {
				t.Fatalf("second %d: error = %v", s, err)
			}
		}
		if len(w.recorded) != 1 || len(w.events) != 1 {
			t.Errorf("evidence recorded %d times for %d events", len(w.recorded), len(w.events))
		}
	})
}

func TestLooksGoOnWhileACaseIsOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{stored: make(chan struct{})}
		d := newDocket(w)
		for s := range 15 {
			if err := hold(t, d, stop(noon, s, s == 14)); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.recorded) != 1 || len(w.events) != 0 || d.Settled() {
			t.Fatalf("while evidence is stored: tries %d, events %v, settled %v", len(w.recorded), w.types(), d.Settled())
		}
		close(w.stored)
		synctest.Wait()
		if diff := cmp.Diff([]enforce.EventType{enforce.Suspected}, w.types()); diff != "" {
			t.Errorf("without another look: %s", diff)
		}
		if err := hold(t, d); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]enforce.EventType{enforce.Suspected, enforce.StopEnded}, w.types()); diff != "" || !d.Settled() {
			t.Errorf("settled %v: %s", d.Settled(), diff)
		}
	})
}

func TestDrain(t *testing.T) {
	for name, test := range map[string]struct {
		takes, grace time.Duration
		want         error
		events       int
	}{
		"in time":  {3 * time.Second, 5 * time.Second, nil, 1},
		"too long": {time.Hour, 5 * time.Second, context.Canceled, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{stored: make(chan struct{})}
				d := newDocket(w)
				looking, end := context.WithCancel(t.Context())
				for s := range 11 {
					if err := d.Hold(looking, []detect.Stop{stop(noon, s, false)}); err != nil {
						t.Fatal(err)
					}
				}
				end()
				time.AfterFunc(test.takes, func() { close(w.stored) })
				ctx, cancel := context.WithTimeout(t.Context(), test.grace)
				defer cancel()
				if err := d.Drain(ctx); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if len(w.events) != test.events {
					t.Errorf("events %v", w.types())
				}
			})
		})
	}
}

// The case log is read with a delay: that a stop has its case by one zone must
// be known to the other even where the stop ends just when the case is open.
func TestAStopThatEndsAsItsCaseIsOpenHasNoSecondOneByAnotherZone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{stored: make(chan struct{})}
		d := newDocket(w)
		other := d.Zones[0]
		other.ID = "lane"
		d.Zones = append(d.Zones, other)
		for s := range 15 {
			if err := hold(t, d, stop(noon, s, false)); err != nil {
				t.Fatal(err)
			}
		}
		close(w.stored)
		synctest.Wait()
		for _, stops := range [][]detect.Stop{{stop(noon, 15, true)}, nil} {
			if err := hold(t, d, stops...); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]enforce.EventType{enforce.Suspected, enforce.StopEnded}, w.types()); diff != "" {
			t.Error(diff)
		}
		if !d.Settled() || len(d.matters) > 0 {
			t.Errorf("%d matters left open", len(d.matters))
		}
	})
}

// struck panics as evidence is recorded, beside the looks.
type struck struct{}

func (struck) Record(context.Context, enforce.Violation, evidence.Exhibits) (enforce.Evidence, error) {
	panic("struck")
}

func TestAPanicBesideTheLooksComesToLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDocket(&world{})
		d.Recorder = struck{}
		var err error
		for s := 0; s < 20 && err == nil; s++ {
			err = hold(t, d, stop(noon, s, false))
		}
		if rescue.From(err) == nil {
			t.Errorf("got %v", err)
		}
		if err := d.Drain(t.Context()); err != nil && rescue.From(err) == nil {
			t.Errorf("drained with %v", err)
		}
	})
}
