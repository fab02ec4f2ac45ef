package watch_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/watch"
	"tidewatch/ingest/decode"
)

// swing is how long a vehicle takes to pull in or out.
const swing = 4.0

// parks is a vehicle that pulls into a bay from the right and out of it to the
// left, of the lane before and after; nil while it is not there.
func parks(id uint64, x, from, until float64) func(float64) []vehicle {
	return func(second float64) []vehicle {
		off, side := 0.0, 0.0
		switch {
		case second < from-2*swing || second > until+2*swing:
			return nil
		case second < from: // slows down
			left := (from - second) / swing
			off, side = 90*left*left, min(1, left*left)
		case second > until: // drives off
			gone := (second - until) / swing
			off, side = -90*gone*gone, min(1, gone*gone)
		}
		return []vehicle{saloon(id, x+off, kerbLine+side*(laneLine-kerbLine))}
	}
}

// always is a vehicle that stands in a bay all the time.
func always(id uint64, x float64) func(float64) []vehicle {
	return func(float64) []vehicle { return []vehicle{saloon(id, x, kerbLine)} }
}

// passes drives by on the lane, at its middle in a second.
func passes(v vehicle, when, speed float64) func(float64) []vehicle {
	return func(second float64) []vehicle {
		v.x, v.foot = kerbWidth/2-(second-when)*speed, laneLine
		if math.Abs(v.x-kerbWidth/2) > kerbWidth/2+v.length/2 {
			return nil
		}
		return []vehicle{v}
	}
}

// together are all of some, those in front last.
func together(all ...func(float64) []vehicle) func(float64) []vehicle {
	return func(second float64) []vehicle {
		var there []vehicle
		for _, one := range all {
			there = append(there, one(second)...)
		}
		slices.SortStableFunc(there, func(a, b vehicle) int { return int(a.foot - b.foot) })
		return there
	}
}

// traffic drives by without end, one each few seconds.
func traffic(every float64, lamps bool) func(float64) []vehicle {
	return func(second float64) []vehicle {
		var there []vehicle
		for n := math.Floor(second/every) - 4; n <= second/every+4; n++ {
			v := saloon(1000+uint64(n+10), 0, laneLine)
			v.shade, v.lamps = 60+140*hash(5, int(n), 1), lamps
			there = append(there, passes(v, n*every+every*hash(6, int(n), 2), 150)(second)...)
		}
		return there
	}
}

// signal is a queue on the lane: in each round some vehicles come one after the
// other, wait behind each other, and drive on one after the other.
func signal(second float64) []vehicle {
	const round = 70 // seconds
	turn := math.Floor((second + 12) / round)
	return queue(uint64(200+10*turn), second-turn*round, 40)
}

// queue is one round of it: the first comes to stand at second 0.
func queue(id uint64, second, red float64) []vehicle {
	var there []vehicle
	for n := range 4 {
		since := second - 3*float64(n) // since it came to stand
		x := 110 + 120*float64(n)
		switch {
		case since < 0:
			x += 25 * since * since
		case since > red-1.5*float64(n):
			gone := since - red + 1.5*float64(n)
			x -= 25 * gone * gone
		}
		v := saloon(id+uint64(n), x, laneLine)
		if x > -60 && x < kerbWidth+60 {
			there = append(there, v)
		}
	}
	return there
}

// longSignal is a queue that waits for longer than an observation period of a
// minute.
func longSignal(second float64) []vehicle { return queue(300, second-22, 75) }

// stands is what a stop should be: where, and from when to when, in seconds.
type stands struct{ x, from, until float64 }

// TestScenes watches drawn streets at the pace of key frames and of a watcher
// at rest.
func TestScenes(t *testing.T) {
	const long = 120.
	night := func(float64) light { return light{level: 0.22, shadow: -1, noise: 4} }
	tests := []struct {
		name     string
		vehicles func(float64) []vehicle
		light    func(float64) light
		want     []stands // those on the kerb
		longest  float64  // that anything else stands, in seconds
		late     float64  // that a stop may begin, in seconds, besides the usual
	}{
		{name: "an empty kerb and traffic", vehicles: traffic(3, false)},
		{
			name: "comes, stands and leaves", vehicles: together(parks(1, 300, 21.4, 80.7), traffic(5, false)),
			want: []stands{{300, 21.4, 80.7}},
		},
		{
			name:     "one of three of a kind leaves",
			vehicles: together(always(1, 180), parks(2, 285, -20, 60), always(3, 390)),
			want:     []stands{{180, 0, long}, {285, 0, 60}, {390, 0, long}},
		},
		{
			name:     "another one of its kind takes the bay at once",
			vehicles: together(parks(1, 300, 10, 50), parks(2, 303, 58, 110)),
			want:     []stands{{300, 10, 50}, {303, 58, 110}},
		},
		{
			name:     "a bus passes in front again and again",
			vehicles: together(always(1, 300), passes(coach(9, 0), 20, 90), passes(coach(8, 0), 40, 60), passes(coach(7, 0), 60, 120), passes(coach(6, 0), 90, 40)),
			want:     []stands{{300, 0, long}},
		},
		{
			name: "a bus stops in front for a while",
			vehicles: together(always(1, 300), func(second float64) []vehicle {
				rolled := max(0, 30-second) * max(0, 30-second) * 8
				if second > 65 {
					rolled = -(second - 65) * (second - 65) * 8
				}
				if math.Abs(rolled) > 500 {
					return nil
				}
				return []vehicle{coach(9, 300+rolled)}
			}),
			want: []stands{{300, 0, long}}, longest: 37,
		},
		{name: "a queue at a signal", vehicles: signal, longest: 43},
		{
			name: "a queue at a signal, and one at the kerb beside it", vehicles: together(always(1, 250), signal),
			want: []stands{{250, 0, long}}, longest: 43,
		},
		// What counts of it is no more than a look or two as it drives on.
		{name: "a queue that stands for long", vehicles: longSignal, longest: 4},
		{
			name: "a queue that stands for long, and one at the kerb beside it", vehicles: together(parks(1, 250, 25, 110), longSignal),
			want: []stands{{250, 25, 110}}, longest: 4,
		},
		{
			name:     "headlights at night",
			vehicles: together(always(1, 200), parks(2, 330, 31, 90), traffic(4, true)), light: night, late: 4,
			want: []stands{{200, 0, long}, {330, 31, 90}},
		},
		{
			name: "shadows of clouds", vehicles: together(always(1, 200), always(2, 330), traffic(7, false)),
			light: func(second float64) light {
				lit := day
				lit.shadow = 1.2 * math.Abs(math.Sin(second/19))
				return lit
			},
			want: []stands{{200, 0, long}, {330, 0, long}},
		},
		{
			name: "a cloud before the sun at once", vehicles: together(always(1, 200), parks(2, 330, 31, 90)),
			light: func(second float64) light {
				lit := day
				if math.Mod(second, 50) > 20 {
					lit.level = 0.6
				}
				return lit
			},
			want: []stands{{200, 0, long}, {330, 31, 90}},
		},
		{
			name: "rain sets in", vehicles: together(always(1, 200), parks(2, 330, 31, 90), traffic(6, false)),
			light: func(second float64) light {
				lit := day
				lit.rain, lit.noise = min(0.6, max(0, (second-20)/40)), 2+6*min(1, max(0, (second-20)/20))
				return lit
			},
			want: []stands{{200, 0, long}, {330, 31, 90}},
		},
	}
	for _, test := range tests {
		for _, every := range []float64{1, 4} {
			t.Run(fmt.Sprintf("%s, a look in %v s", test.name, every), func(t *testing.T) {
				street := &kerb{vehicles: test.vehicles, light: test.light}
				stops := street.watch(t, long, every)
				checkScene(t, stops, test.want, test.longest, test.late, long, every)
			})
		}
	}
}

// along is a vehicle that comes along the kerb from the right, and stays.
func along(id uint64, x, from float64) func(float64) []vehicle {
	return func(second float64) []vehicle {
		left := max(0, from-second) / swing
		return []vehicle{saloon(id, x+90*left*left, kerbLine)}
	}
}

// TestWhatStandsAtAKerbIsNoQueue watches three that come to a kerb one after the
// other, from the front to the back.
func TestWhatStandsAtAKerbIsNoQueue(t *testing.T) {
	const long, never = 120., 1000.
	tests := []struct {
		name     string
		vehicles func(float64) []vehicle
	}{
		{"they pull in from the lane", together(parks(1, 170, 20, never), parks(2, 290, 30, never), parks(3, 410, 42, never))},
		{"traffic goes on beside them", together(along(1, 170, 20), along(2, 290, 24), along(3, 410, 28), traffic(5, false))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			street := &kerb{vehicles: test.vehicles}
			counts := map[float64]float64{} // by bay, in seconds
			for _, s := range street.watch(t, long, 1) {
				counts[math.Round(s.Box.X*kerbWidth/120)] = s.Dwell().Seconds()
			}
			for bay := range 3 {
				if dwell := counts[float64(bay+1)]; dwell < 70 {
					t.Errorf("the vehicle in bay %d counts for %v s", bay, dwell)
				}
			}
		})
	}
}

// finder finds what the street says.
type finder struct{ found []detect.Detection }

func (f *finder) Find(*decode.Picture) ([]detect.Detection, error) { return f.found, nil }

// watch looks at the street for some seconds.
func (k *kerb) watch(t *testing.T, long, every float64) []detect.Stop {
	t.Helper()
	f := &finder{}
	cfg := watch.DefaultConfig()
	cfg.Zones = "as drawn"
	cfg.Past = pastOf(func(before time.Time) []detect.Shot { return k.past(t, before) })
	r := newRig(t, cfg, f, nil)
	stops := map[string]detect.Stop{}
	for second := 0.0; second <= long; second += every {
		pic, found := k.look(t, second)
		f.found = found
		when := start.Add(time.Duration(second * float64(time.Second)))
		seen, err := r.Look(t.Context(), when, pic, detect.Shot{At: when})
		if err != nil {
			t.Fatal(err)
		}
		pic.Close()
		for _, s := range seen {
			stops[s.ID] = s
		}
		r.Settle()
	}
	var all []detect.Stop
	for _, s := range stops {
		if s.Dwell() >= 3*time.Second {
			all = append(all, s)
		}
	}
	return all
}

// past is what the ring holds: a picture of each second.
func (k *kerb) past(t *testing.T, before time.Time) []detect.Shot {
	t.Helper()
	var shots []detect.Shot
	last := int(math.Ceil(before.Sub(start).Seconds())) - 1
	for second := last; second >= 0 && second > last-8; second-- {
		pic, _ := k.look(t, float64(second))
		shots = append(shots, detect.Shot{At: at(second), Unit: unit(t, second, pic)})
		pic.Close()
	}
	return shots
}

// checkScene holds stops against what is there: each from about the second on in
// which it came to stand, until a look or two before it left, and nothing else but what stands for a short time on the lane.
func checkScene(t *testing.T, stops []detect.Stop, want []stands, longest, latest, long, every float64) {
	t.Helper()
	seconds := func(at time.Time) float64 { return at.Sub(start).Seconds() }
	matched := map[string]bool{}
	for _, w := range want {
		var fits []detect.Stop
		for _, s := range stops {
			overlap := min(w.until, seconds(s.End)) - max(w.from, seconds(s.Start))
			if s.Box.IoU(saloon(0, w.x, kerbLine).box()) > 0.5 && overlap > 0 {
				fits, matched[s.ID] = append(fits, s), true
			}
		}
		if len(fits) != 1 {
			t.Errorf("what stands at %v from %v to %v has %d stops", w.x, w.from, w.until, len(fits))
		}
		for _, s := range fits {
			late, early := seconds(s.Start)-w.from, w.until-seconds(s.End)
			const most = 2.0 // a second too late, and a miss
			slack := 2 * every
			ends := w.until+2*slack+watch.DefaultConfig().Stops.Patience.Seconds() < long
			if late < -1 || late > most+latest || early < -1 || early > slack || ends && !s.Ended || s.Ended && w.until >= long {
				t.Errorf("it stands from %v to %v (ended: %v), want %v to %v", seconds(s.Start), seconds(s.End), s.Ended, w.from, w.until)
			}
		}
	}
	for _, s := range stops {
		if !matched[s.ID] && s.Dwell().Seconds() > longest+every {
			t.Errorf("a %s stands from %v to %v at %+v, where none does for so long", s.Class, seconds(s.Start), seconds(s.End), s.Box)
		}
	}
}
