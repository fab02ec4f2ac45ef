package truth_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

// found is a stop of a car of 0.2 x 0.2 at (x, 0.5).
func found(x, from, until float64) detect.Stop {
	return detect.Stop{Class: detect.Car, Box: detect.Box{X: x, Y: 0.5, W: 0.2, H: 0.2}, Start: at(from), End: at(until)}
}

// parked is a vehicle as found finds it.
func parked(x, from, until float64) truth.Stop {
	return truth.Stop{
		Class: detect.Car, Box: detect.Box{X: x, Y: 0.5, W: 0.2, H: 0.2}, BoxAt: (from + until) / 2,
		Start: from, End: until, Kind: truth.Parked,
	}
}

func with[T any](v T, change func(*T)) T { change(&v); return v }

func read(text string, accepted bool) func(*detect.Stop) {
	return func(s *detect.Stop) { s.Plate = plate.Read{Text: text, Accepted: accepted} }
}

func TestOutcomes(t *testing.T) {
	left := enforce.Zone{Polygon: enforce.Polygon{{X: 0, Y: 0}, {X: 0.5, Y: 0}, {X: 0.5, Y: 1}, {X: 0, Y: 1}}}
	queue := with(parked(0.1, 10, 40), func(s *truth.Stop) { s.Kind = truth.Queue })
	pause := with(parked(0.1, 10, 40), func(s *truth.Stop) { s.Kind = truth.Pause })
	crowd := with(parked(0.1, 10, 40), func(s *truth.Stop) { s.Ignore, s.Box.W = true, 0.8 })
	part := with(found(0.1, 10, 40), func(s *detect.Stop) { s.Box.W /= 3 })
	tests := []struct {
		name  string
		zone  enforce.Zone
		truth []truth.Stop
		found []detect.Stop
		want  []truth.Outcome
	}{
		{name: "nothing parked and nothing found"},
		{name: "found", truth: []truth.Stop{parked(0.1, 10, 40)}, found: []detect.Stop{found(0.1, 11, 38)}, want: []truth.Outcome{truth.Matched}},
		{name: "not found", truth: []truth.Stop{parked(0.1, 10, 40)}, want: []truth.Outcome{truth.Missed}},
		{name: "found where nothing is", found: []detect.Stop{found(0.1, 11, 38)}, want: []truth.Outcome{truth.False}},
		{
			name: "found beside it", truth: []truth.Stop{parked(0.1, 10, 40)}, found: []detect.Stop{found(0.2, 10, 40)},
			want: []truth.Outcome{truth.False, truth.Missed},
		},
		{
			name: "found at another time", truth: []truth.Stop{parked(0.1, 10, 40)}, found: []detect.Stop{found(0.1, 41, 60)},
			want: []truth.Outcome{truth.Missed, truth.False},
		},
		{
			name: "found twice, one after the other: the longer one matches", truth: []truth.Stop{parked(0.1, 10, 40)},
			found: []detect.Stop{found(0.1, 10, 18), found(0.1, 20, 40)}, want: []truth.Outcome{truth.Doubled, truth.Matched},
		},
		{
			name: "found whole and in part", truth: []truth.Stop{parked(0.1, 10, 40)},
			found: []detect.Stop{found(0.1, 10, 40), part}, want: []truth.Outcome{truth.Matched, truth.Doubled},
		},
		{
			name: "neighbours are each found once", truth: []truth.Stop{parked(0.1, 0, 40), parked(0.18, 0, 40)},
			found: []detect.Stop{found(0.18, 0, 40), found(0.1, 0, 40)}, want: []truth.Outcome{truth.Matched, truth.Matched},
		},
		{name: "a queue is not found", truth: []truth.Stop{queue}},
		{name: "a queue is found", truth: []truth.Stop{queue}, found: []detect.Stop{found(0.1, 10, 40)}, want: []truth.Outcome{truth.False}},
		{name: "a pause is not found", truth: []truth.Stop{pause}},
		{name: "a pause is found", truth: []truth.Stop{pause}, found: []detect.Stop{found(0.1, 10, 40)}, want: []truth.Outcome{truth.Aside}},
		{name: "nothing of the ignored is found", truth: []truth.Stop{crowd}},
		{name: "one of the ignored is found", truth: []truth.Stop{crowd}, found: []detect.Stop{found(0.6, 10, 40)}, want: []truth.Outcome{truth.Aside}},
		{
			name: "one stands where there were ignored ones before", truth: []truth.Stop{crowd}, found: []detect.Stop{found(0.6, 50, 90)},
			want: []truth.Outcome{truth.False},
		},
		{
			name: "among the ignored, one that counts is found twice", truth: []truth.Stop{crowd, parked(0.5, 10, 40)},
			found: []detect.Stop{found(0.5, 10, 40), found(0.52, 20, 40)}, want: []truth.Outcome{truth.Matched, truth.Doubled},
		},
		{
			name: "only the zone counts", zone: left, truth: []truth.Stop{parked(0.1, 10, 40), parked(0.7, 10, 40)},
			found: []detect.Stop{found(0.1, 10, 40), found(0.6, 10, 40)}, want: []truth.Outcome{truth.Matched},
		},
		{
			name: "the camera moves: the box is that of its moment", truth: []truth.Stop{parked(0.1, 10, 40)},
			found: []detect.Stop{with(found(0.6, 10, 40), func(s *detect.Stop) {
				s.Observations = []detect.Observation{{At: at(10), Box: detect.Box{X: 0.4, Y: 0.5, W: 0.2, H: 0.2}}, {At: at(24), Box: detect.Box{X: 0.1, Y: 0.5, W: 0.2, H: 0.2}}}
			})},
			want: []truth.Outcome{truth.Matched},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			score := truth.Against(truth.Film{Zone: test.zone, Stops: test.truth}, start, test.found)
			var got []truth.Outcome
			for _, line := range score.Lines {
				got = append(got, line.Outcome)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsOfTimeAndPlate(t *testing.T) {
	vehicle := with(parked(0.1, 10, 40), func(s *truth.Stop) { s.Plate = "京_TW023" })
	for name, test := range map[string]struct {
		found detect.Stop
		want  truth.PlateOutcome
	}{
		"right":        {with(found(0.1, 9, 42), read("京DTW023", true)), truth.Right},
		"wrong":        {with(found(0.1, 9, 42), read("京DTW028", true)), truth.Wrong},
		"too short":    {with(found(0.1, 9, 42), read("京DTW02", true)), truth.Wrong},
		"not accepted": {with(found(0.1, 9, 42), read("京DTW023", false)), truth.Unread},
		"none":         {found(0.1, 9, 42), truth.Unread},
	} {
		t.Run(name, func(t *testing.T) {
			score := truth.Against(truth.Film{Stops: []truth.Stop{vehicle}}, start, []detect.Stop{test.found})
			if len(score.Lines) != 1 {
				t.Fatalf("%d lines, want one", len(score.Lines))
			}
			got := score.Lines[0]
			if got.Plate != test.want || got.StartError != -time.Second || got.EndError != 2*time.Second {
				t.Errorf("plate is %q, errors are %v and %v; want %q, -1s and 2s", got.Plate, got.StartError, got.EndError, test.want)
			}
		})
	}
}

func TestTally(t *testing.T) {
	film := truth.Film{Stops: []truth.Stop{
		with(parked(0, 0, 40), func(s *truth.Stop) { s.Plate = "京FTW139" }), parked(0.4, 0, 40), parked(0.7, 0, 40),
	}}
	got := truth.Against(film, start, []detect.Stop{
		with(found(0, 1, 40), read("京FTW139", true)), found(0.4, 3, 38), found(0.4, 20, 40), found(0.2, 0, 40),
	}).Tally()
	want := truth.Tally{
		Matched: 2, Missed: 1, False: 1, Doubled: 1, PlatesRight: 1,
		StartErrors: []time.Duration{time.Second, 3 * time.Second}, EndErrors: []time.Duration{0, 2 * time.Second},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tally (-want +got):\n%s", diff)
	}
	both := got.Add(truth.Tally{Matched: 1, PlatesUnread: 1, PlatesWrong: 2, Aside: 4, EndErrors: []time.Duration{7 * time.Second}})
	if both.Matched != 3 || both.PlatesUnread != 1 || both.PlatesWrong != 2 || both.Aside != 4 || truth.Median(both.EndErrors) != 2*time.Second {
		t.Errorf("both together are %+v", both)
	}
	for _, test := range []struct {
		tally truth.Tally
		want  float64
	}{{got, 4. / 7}, {truth.Tally{}, 1}, {truth.Tally{Aside: 2}, 1}, {truth.Tally{Missed: 1}, 0}, {truth.Tally{Matched: 3}, 1}} {
		if f1 := test.tally.F1(); f1 != test.want {
			t.Errorf("F1 of %+v is %v, want %v", test.tally, f1, test.want)
		}
	}
	if m := truth.Median(nil); m != 0 {
		t.Errorf("the median of nothing is %v", m)
	}
}

// TestBoxAt follows a stop whose camera moves.
func TestBoxAt(t *testing.T) {
	box := func(x float64) detect.Box { return detect.Box{X: x, Y: 0.5, W: 0.2, H: 0.1} }
	seen := func(second int, x float64) detect.Observation {
		return detect.Observation{At: start.Add(time.Duration(second) * time.Second), Box: box(x)}
	}
	stop := detect.Stop{
		Box: box(0.8), End: start.Add(20 * time.Second),
		Observations: []detect.Observation{seen(0, 0.1), seen(4, 0.2), {At: start.Add(8 * time.Second)}, seen(12, 0.6)},
	}
	for name, test := range map[string]struct{ second, x float64 }{
		"before the first picture":   {-1, 0.1},
		"at a picture":               {4, 0.2},
		"between two pictures":       {1, 0.125},
		"where one has no box":       {8, 0.4},
		"between a picture and now":  {16, 0.7},
		"after it was last seen":     {30, 0.8},
		"at the moment it was last":  {20, 0.8},
		"just before a picture":      {11.999, 0.6},
		"just after the first of it": {0.001, 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			at := start.Add(time.Duration(test.second * float64(time.Second)))
			if diff := cmp.Diff(box(test.x), truth.BoxAt(stop, at), cmpopts.EquateApprox(0, 1e-3)); diff != "" {
				t.Errorf("box (-want +got):\n%s", diff)
			}
		})
	}
}
