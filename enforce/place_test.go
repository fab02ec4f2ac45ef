package enforce

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
)

func upright(left, top, right, bottom float64) Polygon {
	return Polygon{{left, top}, {right, top}, {right, bottom}, {left, bottom}}
}

// marked is a zone with two bays side by side, a crossing and a fire lane. A
// vehicle in it is 0.1 wide, and its footprint 0.04 high.
var marked = Zone{
	ID: "marked", Polygon: upright(0, 0, 1, 1),
	Bays: []Bay{
		{ID: "a", Polygon: upright(0.2, 0.4, 0.4, 0.6), Arrow: &Vector{X: 1}},
		{ID: "b", Polygon: upright(0.4, 0.4, 0.6, 0.6), Arrow: &Vector{X: 0, Y: -1}},
		{ID: "c", Kind: Crossing, Polygon: upright(0.6, 0.4, 0.8, 0.6)},
		{ID: "f", Kind: FireLane, Polygon: upright(0.8, 0.4, 1, 0.6)},
	},
}

// standing is a vehicle whose footprint begins at a place.
func standing(left, top float64) detect.Box {
	return detect.Box{X: left, Y: top - 0.06, W: 0.1, H: 0.1}
}

func TestOrder(t *testing.T) {
	for name, test := range map[string]struct {
		box     detect.Box
		heading *Vector
		want    Reason
	}{
		"wholly inside":                        {standing(0.25, 0.5), nil, Reason{Code: Orderly, Bays: []string{"a"}}},
		"over the line by a quarter":           {standing(0.175, 0.5), nil, Reason{Code: Orderly, Bays: []string{"a"}}},
		"over the line by more":                {standing(0.174, 0.5), nil, Reason{Code: OutOfBay}},
		"over the lower line":                  {standing(0.25, 0.575), nil, Reason{Code: OutOfBay}},
		"its roof over the upper line":         {standing(0.25, 0.4), nil, Reason{Code: Orderly, Bays: []string{"a"}}},
		"half in each of two bays":             {standing(0.35, 0.5), nil, Reason{Code: AcrossBays, Bays: []string{"a", "b"}}},
		"more in the second":                   {standing(0.36, 0.5), nil, Reason{Code: AcrossBays, Bays: []string{"b", "a"}}},
		"a quarter in the second":              {standing(0.325, 0.5), nil, Reason{Code: Orderly, Bays: []string{"a"}}},
		"a corner of two bays, mostly outside": {standing(0.35, 0.59), nil, Reason{Code: OutOfBay}},
		"on the crossing":                      {standing(0.65, 0.5), nil, Reason{Code: OnCrossing, Bays: []string{"c"}}},
		"with its front on the crossing":       {standing(0.53, 0.5), nil, Reason{Code: OnCrossing, Bays: []string{"c"}}},
		"with less than a quarter on it":       {standing(0.522, 0.5), nil, Reason{Code: Orderly, Bays: []string{"b"}}},
		"in the fire lane":                     {standing(0.85, 0.5), nil, Reason{Code: InFireLane, Bays: []string{"f"}}},
		"on both, the more on the crossing":    {standing(0.74, 0.5), nil, Reason{Code: OnCrossing, Bays: []string{"c"}}},
		"beside everything":                    {standing(0.25, 0.8), nil, Reason{Code: OutOfBay}},
		"along the arrow":                      {standing(0.25, 0.5), &Vector{X: 0.2, Y: 0.1}, Reason{Code: Orderly, Bays: []string{"a"}}},
		"across the arrow":                     {standing(0.25, 0.5), &Vector{Y: 1}, Reason{Code: Orderly, Bays: []string{"a"}}},
		"against the arrow":                    {standing(0.25, 0.5), &Vector{X: -1, Y: 0.3}, Reason{Code: WrongDirection, Bays: []string{"a"}}},
		"against an arrow that points up":      {standing(0.45, 0.5), &Vector{Y: 0.4}, Reason{Code: WrongDirection, Bays: []string{"b"}}},
		"no length of heading":                 {standing(0.25, 0.5), &Vector{}, Reason{Code: Orderly, Bays: []string{"a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, marked.order(StopRecord{Box: test.box, Heading: test.heading})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithoutBaysTheZoneIsToParkIn(t *testing.T) {
	bare := Zone{Polygon: marked.Polygon, Bays: marked.Bays[2:]}
	for name, test := range map[string]struct {
		box  detect.Box
		want ReasonCode
	}{
		"anywhere":         {standing(0.25, 0.5), ""},
		"on the crossing":  {standing(0.65, 0.5), OnCrossing},
		"in the fire lane": {standing(0.85, 0.5), InFireLane},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bare.order(StopRecord{Box: test.box}); got.Code != test.want {
				t.Errorf("got %q, want %q", got.Code, test.want)
			}
		})
	}
}

func TestAWindowIsForOrderlyParkingOnly(t *testing.T) {
	for name, test := range map[string]struct {
		box        detect.Box
		start, end string
		due        string // "": not suspected
		reasons    []ReasonCode
	}{
		"in a bay, by night": {
			standing(0.25, 0.5), "2026-03-02 22:00:00", "2026-03-02 23:00:00", "",
			[]ReasonCode{Orderly, InWindow, WholeStopInside},
		},
		"across two, by night": {
			standing(0.35, 0.5), "2026-03-02 22:00:00", "2026-03-02 23:00:00", "2026-03-02 22:05:00",
			[]ReasonCode{AcrossBays, Disorderly, PeriodRanOut},
		},
		"across two, and gone in time": {
			standing(0.35, 0.5), "2026-03-02 22:00:00", "2026-03-02 22:04:59", "",
			[]ReasonCode{AcrossBays, Disorderly, StillObserving},
		},
		"out of any, since before the window": {
			standing(0.25, 0.8), "2026-03-02 18:58:00", "2026-03-02 19:03:00", "2026-03-02 19:03:00",
			[]ReasonCode{OutOfBay, Disorderly, PeriodRanOut},
		},
		"in a bay, by day": {
			standing(0.25, 0.5), "2026-03-02 10:00:00", "2026-03-02 10:05:00", "2026-03-02 10:05:00",
			[]ReasonCode{NoWindow, PeriodRanOut},
		},
		"on the crossing, by day": {
			standing(0.65, 0.5), "2026-03-02 10:00:00", "2026-03-02 10:05:00", "2026-03-02 10:05:00",
			[]ReasonCode{OnCrossing, NoWindow, PeriodRanOut},
		},
		"in the fire lane, by night: no grace": {
			standing(0.85, 0.5), "2026-03-03 06:58:00", "2026-03-03 07:03:00", "2026-03-03 07:03:00",
			[]ReasonCode{InFireLane, Disorderly, PeriodRanOut},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stop := StopRecord{Class: detect.Car, Box: test.box, Start: at(shanghai, test.start), End: at(shanghai, test.end)}
			v := night(nil).JudgeRecord(stop, marked)
			if v.Suspected != (test.due != "") || test.due != "" && !v.Due.Equal(at(shanghai, test.due)) {
				t.Errorf("suspected %v, due %v, want %q", v.Suspected, v.Due.In(shanghai), test.due)
			}
			if diff := cmp.Diff(test.reasons, codes(v)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

// Whoever stands disorderly is judged as if nothing had been announced, and
// never milder or harder than whoever stands outside every window.
func TestDisorderIsJudgedAsOutsideEveryWindow(t *testing.T) {
	d := newDice(10)
	for range tries {
		section := d.section()
		p := NewPolicy(section)
		stop := d.stop(section)
		stop.Box = standing(0.35, 0.5)
		section.Windows = nil
		bare := NewPolicy(section)
		got, want := p.JudgeRecord(stop, marked), bare.JudgeRecord(stop, kerb)
		if got.Suspected != want.Suspected || !got.Due.Equal(want.Due) {
			t.Fatalf("%v to %v: due %v, want %v", stop.Start, stop.End, got.Due, want.Due)
		}
	}
}

// However a vehicle stands, what is said of it is one of the codes, and the
// shares of bays that lie apart add up to one vehicle at most.
func TestSharesAreOfOneVehicle(t *testing.T) {
	random := rand.New(rand.NewPCG(11, 12))
	seen := map[ReasonCode]int{}
	for range 20000 {
		box := detect.Box{X: random.Float64(), Y: random.Float64(), W: random.Float64() / 3, H: random.Float64() / 3}
		var sum float64
		for _, o := range marked.shares(box) {
			sum += o.share
		}
		if sum > 1+1e-9 {
			t.Fatalf("%+v fills %v of itself", box, sum)
		}
		seen[marked.order(StopRecord{Box: box}).Code]++
	}
	for _, code := range []ReasonCode{Orderly, AcrossBays, OutOfBay, OnCrossing, InFireLane} {
		if seen[code] == 0 {
			t.Errorf("no vehicle stood %s: %v", code, seen)
		}
	}
}

// An area without a zone of its own belongs to those that it lies in: the zone
// on the other side of the street has no bay for that.
func TestABayMarksTheZonesThatItLiesIn(t *testing.T) {
	left, right := Zone{ID: "left", Polygon: area(0, 0, 0.4, 1)}, Zone{ID: "right", Polygon: area(0.4, 0, 0.6, 1)}
	for name, test := range map[string]struct {
		bay         Bay
		left, right bool
	}{
		"within one":          {Bay{Polygon: area(0.1, 0.1, 0.1, 0.1)}, true, false},
		"over the line":       {Bay{Polygon: area(0.32, 0.1, 0.1, 0.1)}, true, false},
		"named":               {Bay{Zone: "right", Polygon: area(0.1, 0.1, 0.1, 0.1)}, false, true},
		"a crossing of both":  {Bay{Kind: Crossing, Polygon: area(0, 0.5, 1, 0.1)}, true, true},
		"a crossing touching": {Bay{Kind: Crossing, Polygon: area(0.3999, 0.5, 0.2, 0.1)}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			if l, r := test.bay.Marks(left), test.bay.Marks(right); l != test.left || r != test.right {
				t.Errorf("left %v, right %v; want %+v", l, r, test)
			}
		})
	}
}
