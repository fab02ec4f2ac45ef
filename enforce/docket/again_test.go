package docket

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

// ruled is a docket whose section has no window and another rule.
func ruled(w *world, change func(*enforce.RoadSection)) *Docket {
	d := newDocket(w)
	section := d.Policies["road"][0].Section
	section.Windows = nil
	change(&section)
	d.Policies = enforce.Policies{"road": {enforce.NewPolicy(section)}}
	return d
}

// inBubble is a test that waits for what a docket does beside the looks.
func inBubble(test func(t *testing.T)) func(t *testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// watch shows the docket a stop of some looks that ends with the last of them.
func watch(t *testing.T, d *Docket, looks int, every time.Duration, change ...func(*detect.Stop)) {
	t.Helper()
	for n := range looks {
		s := stop(noon, int(every/time.Second)*n, n == looks-1)
		for _, f := range change {
			f(&s)
		}
		if err := hold(t, d, s); err != nil {
			t.Fatal(err)
		}
	}
	for !d.Settled() {
		if err := hold(t, d); err != nil {
			t.Fatal(err)
		}
	}
}

func hourly(s *enforce.RoadSection) { s.AgainAfter = time.Hour }

func TestAVehicleThatStaysForDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		watch(t, ruled(w, hourly), 200, time.Minute) // 3 h 19 min
		want := []enforce.EventType{
			enforce.Suspected, enforce.Suspected, enforce.Suspected, enforce.Suspected,
			enforce.StopEnded, enforce.StopEnded, enforce.StopEnded, enforce.StopEnded,
		}
		if diff := cmp.Diff(want, w.types()); diff != "" {
			t.Fatal(diff)
		}
		zone := enforce.Zone{ID: "kerb"}
		for n := range 4 {
			id := enforce.NthViolationID(stop(noon, 0, false), zone, n)
			if w.events[n].Case != id || w.events[n+4].Case != id || w.events[n].Violation.Stop.Nth != n {
				t.Errorf("violation %d is case %s, ended as %s, want %s", n, w.events[n].Case, w.events[n+4].Case, id)
			}
			v := w.events[n].Violation
			if n > 0 && v.Due.Sub(v.Since) != time.Hour {
				t.Errorf("violation %d is from %s to %s", n, v.Since, v.Due)
			}
			if shown := w.recorded[n]; shown.Begin.At.Before(v.Since) || shown.Due.At.Before(v.Due) {
				t.Errorf("violation %d shows %s to %s, want %s to %s", n, shown.Begin.At, shown.Due.At, v.Since, v.Due)
			}
		}
	})
}

func TestLaterViolationsAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{known: map[string]bool{}}
		for n := range 2 {
			w.known[enforce.NthViolationID(stop(noon, 0, false), enforce.Zone{ID: "kerb"}, n)] = true
		}
		d := ruled(w, hourly)
		for n := 70; n < 140; n++ { // the third is due at 2 h 10 s; its pictures begin after the restart
			s := stop(noon, n*60, n == 139)
			if err := hold(t, d, s); err != nil {
				t.Fatal(err)
			}
		}
		want := []enforce.EventType{enforce.Suspected, enforce.StopEnded, enforce.StopEnded, enforce.StopEnded}
		if diff := cmp.Diff(want, w.types()); diff != "" {
			t.Fatal(diff)
		}
		if nth := w.events[0].Violation.Stop.Nth; nth != 2 {
			t.Errorf("opened violation %d", nth)
		}
	})
}

func TestAStopInTwoZonesIsOneCase(t *testing.T) {
	for name, test := range map[string]struct {
		first, second func(*enforce.Zone)
		want          []string // zones of the cases
	}{
		"both in earnest":       {nil, nil, []string{"kerb"}},
		"both on trial":         {onTrial, onTrial, []string{"kerb"}},
		"a trial takes nothing": {onTrial, nil, []string{"crossing", "kerb"}},
		"of another vehicle":    {func(z *enforce.Zone) { z.Vehicles = enforce.NonMotor }, nil, []string{"crossing"}},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			w := &world{}
			d := twoZones(w, test.first, test.second)
			watch(t, d, 30, time.Second, func(s *detect.Stop) { s.Class = detect.Car })
			var got []string
			for _, e := range w.events {
				if e.Type == enforce.Suspected {
					got = append(got, e.Violation.Zone.ID)
					if e.Violation.Trial != zoneOf(d, e.Violation.Zone.ID).Trial {
						t.Errorf("case of zone %s: trial %v", e.Violation.Zone.ID, e.Violation.Trial)
					}
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("cases (-want +got):\n%s", diff)
			}
			if len(w.events) != 2*len(test.want) || len(d.matters) != 0 {
				t.Errorf("events %v, %d matters left", w.types(), len(d.matters))
			}
		}))
	}
}

func onTrial(z *enforce.Zone) { z.Trial = true }

func twoZones(w *world, change ...func(*enforce.Zone)) *Docket {
	d := newDocket(w)
	crossing := d.Zones[0]
	crossing.ID = "crossing"
	d.Zones = append(d.Zones, crossing)
	for i, f := range change {
		if f != nil {
			f(&d.Zones[i])
		}
	}
	return d
}

func zoneOf(d *Docket, id string) enforce.Zone {
	for _, z := range d.Zones {
		if z.ID == id {
			return z
		}
	}
	return enforce.Zone{}
}

func TestACaseByAnotherZoneIsKnownAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		d := twoZones(w)
		w.known = map[string]bool{enforce.ViolationID(stop(noon, 0, false), d.Zones[1]): true}
		watch(t, d, 30, time.Second)
		if diff := cmp.Diff([]enforce.EventType{enforce.StopEnded}, w.types()); diff != "" {
			t.Error(diff)
		}
	})
}

// read gives a stop a plate.
func read(text string, accepted bool) func(*detect.Stop) {
	return func(s *detect.Stop) { s.Plate = plate.Read{Text: text, Accepted: accepted} }
}

func TestExemptVehiclesHaveNoCase(t *testing.T) {
	resident := enforce.Exemption{Kind: enforce.Resident, Plate: "川A12345", Reference: "1"}
	for name, test := range map[string]struct {
		change func(*enforce.Exemption)
		plate  func(*detect.Stop)
		cases  int
		exempt float64
	}{
		"listed and read":          {nil, read("川A12345", true), 0, 1},
		"listed and hardly read":   {nil, read("川A12345", false), 1, 0},
		"another vehicle":          {nil, read("川A12346", true), 1, 0},
		"for another section":      {func(e *enforce.Exemption) { e.Sections = []string{"x"} }, read("川A12345", true), 1, 0},
		"no more valid":            {func(e *enforce.Exemption) { e.Until = noon }, read("川A12345", true), 1, 0},
		"valid while it stands":    {func(e *enforce.Exemption) { e.Until = noon.Add(time.Hour) }, read("川A12345", true), 0, 1},
		"valid for the first part": {func(e *enforce.Exemption) { e.Until = noon.Add(9 * time.Second) }, read("川A12345", true), 1, 1},
	} {
		t.Run(name, inBubble(func(t *testing.T) {
			w := &world{}
			d := newDocket(w)
			e := resident
			if test.change != nil {
				test.change(&e)
			}
			list := enforce.NewExemptions([]enforce.Exemption{e})
			d.Exemptions = func() enforce.Exemptions { return list }
			watch(t, d, 30, time.Second, test.plate)
			if len(w.recorded) != test.cases {
				t.Errorf("%d cases, want %d", len(w.recorded), test.cases)
			}
			if got := testutil.ToFloat64(d.Metrics.exempt.WithLabelValues("resident")); got != test.exempt {
				t.Errorf("%v counted as exempt, want %v", got, test.exempt)
			}
			if test.cases > 0 && w.events[0].Violation.Exemptions != list.ID {
				t.Errorf("held against list %q, want %q", w.events[0].Violation.Exemptions, list.ID)
			}
		}))
	}
}

// What a case keeps is enough to come to the same verdict again.
func TestACaseCanBeJudgedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		d := ruled(w, hourly)
		list := enforce.NewExemptions([]enforce.Exemption{{Kind: enforce.Permit, Plate: "川A12345", Until: noon.Add(5 * time.Minute), Reference: "7"}})
		d.Exemptions = func() enforce.Exemptions { return list }
		watch(t, d, 100, time.Minute, read("川A12345", true))
		cases := 0
		for _, e := range w.events {
			if v := e.Violation; v != nil {
				cases++
				again := enforce.Rejudge(*v, d.Policies["road"][0])
				if !again.Suspected || !again.Since.Equal(v.Since) || !again.Due.Equal(v.Due) || !cmp.Equal(again.Reasons, v.Reasons) {
					t.Errorf("judged again: %+v, the case says %+v", again, v)
				}
			}
		}
		if cases != 2 {
			t.Errorf("%d cases, want 2", cases)
		}
	})
}

// away is a database that does not answer.
type away struct{}

func (away) Case(context.Context, string) (enforce.Case, error) {
	return enforce.Case{}, errors.New("away")
}

// Cases are opened while the database is away.
func TestCasesAreOpenedWithoutTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		d := newDocket(w)
		d.Cases = away{}
		watch(t, d, 30, time.Second)
		if diff := cmp.Diff([]enforce.EventType{enforce.Suspected, enforce.StopEnded}, w.types()); diff != "" {
			t.Error(diff)
		}
	})
}
