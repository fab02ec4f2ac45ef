package watch_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/watch"
	"tidewatch/ingest"
)

// keyPicture is one that a camera sent.
type keyPicture struct {
	second float64
	shot   detect.Shot
	found  []detect.Detection // what a detector finds in it
}

// film is what a camera sends of the street, a key picture each second.
func (k *kerb) film(t *testing.T, long float64) []keyPicture {
	t.Helper()
	var keys []keyPicture
	for second := 0.0; second <= long; second++ {
		pic, found := k.look(t, second)
		keys = append(keys, keyPicture{second, detect.Shot{At: at(int(second)), Unit: unit(t, int(second), pic)}, found})
		pic.Close()
	}
	return keys
}

// ringOf is a past that reaches back for twelve seconds of what has been sent.
type ringOf struct{ sent []keyPicture }

func (r *ringOf) Before(at time.Time) []detect.Shot {
	var shots []detect.Shot
	for _, k := range slices.Backward(r.sent[max(0, len(r.sent)-12):]) {
		if k.shot.At.Before(at) {
			shots = append(shots, k.shot)
		}
	}
	return shots
}

// watchPaced looks at a film as a worker does: at what is sent once the wanted
// time has passed since the look before, and at the last picture. In the second
// restart, if it is not zero, the worker is started anew, and its ring is empty.
func watchPaced(t *testing.T, keys []keyPicture, restart float64) []detect.Stop {
	t.Helper()
	f, ring := &finder{}, &ringOf{}
	cfg := watch.DefaultConfig()
	cfg.Zones, cfg.Past, cfg.Dir = "as drawn", ring, t.TempDir()
	cfg.Areas = []detect.Box{{X: 0.05, Y: 0.4, W: 0.9, H: 0.16}}
	r := newRig(t, cfg, f, nil)
	stops := map[string]detect.Stop{}
	next := 0.0
	for i, k := range keys {
		if restart > 0 && k.second == restart {
			r, ring.sent, next = newRig(t, cfg, f, nil), nil, 0
		}
		ring.sent = append(ring.sent, k)
		if k.second < next && i < len(keys)-1 {
			continue
		}
		for _, s := range lookAt(t, r, f, k) {
			stops[s.ID] = s
		}
		r.Settle()
		pace := r.Pace().Seconds()
		next = k.second + pace - pace/8
	}
	var long []detect.Stop
	for _, s := range stops {
		if s.Dwell() >= 3*time.Second {
			long = append(long, s)
		}
	}
	return long
}

func lookAt(t *testing.T, r rig, f *finder, k keyPicture) []detect.Stop {
	t.Helper()
	pic, err := picture.Decode(k.shot.Unit.NALUs[0])
	if err != nil {
		t.Fatal(err)
	}
	defer pic.Close()
	f.found = k.found
	stops, err := r.Look(t.Context(), k.shot.At, pic, k.shot)
	if err != nil {
		t.Fatal(err)
	}
	return stops
}

// TestPacedScenes watches drawn streets as a worker does, which looks rarely and
// finds what came to pass in between in its ring. Times are as exact as if each
// key picture were looked at.
func TestPacedScenes(t *testing.T) {
	const long = 80.
	night := func(float64) light { return light{level: 0.22, shadow: -1, noise: 4} }
	tests := []struct {
		name     string
		vehicles func(float64) []vehicle
		light    func(float64) light
		want     []stands
		late     float64 // that a stop may begin, in seconds, besides the usual
		restart  float64
	}{
		{
			name: "two come and leave at the same moment", vehicles: together(parks(1, 200, 21.3, 50.6), parks(2, 420, 21.3, 50.6), traffic(5, false)),
			want: []stands{{200, 21.3, 50.6}, {420, 21.3, 50.6}},
		},
		{
			name: "another one of its kind follows at once", vehicles: together(parks(1, 300, 10, 35), parks(2, 302, 40, 60)),
			want: []stands{{300, 10, 35}, {302, 40, 60}},
		},
		{
			name: "another one of its kind follows", vehicles: together(parks(1, 300, 10, 35), parks(2, 302, 43, 60)),
			want: []stands{{300, 10, 35}, {302, 43, 60}},
		},
		{
			name: "another one of its kind comes, and the worker is started anew", vehicles: together(parks(1, 300, 10, 38), parks(2, 302, 46, long+20)),
			want: []stands{{300, 10, 38}, {302, 46, long}}, restart: 48, late: 2,
		},
		{
			name: "a bus passes as one comes and as it leaves", vehicles: together(parks(1, 300, 21.3, 50.6), passes(coach(9, 0), 22.5, 110), passes(coach(8, 0), 50.5, 110)),
			want: []stands{{300, 21.3, 50.6}}, late: 2,
		},
		{
			name: "headlights at night", vehicles: together(always(1, 200), parks(2, 330, 21.3, 50.6), traffic(4, true)), light: night, late: 4,
			want: []stands{{200, 0, long}, {330, 21.3, 50.6}},
		},
		{
			name: "shadows come and go", vehicles: together(always(3, 450), parks(1, 300, 21.3, 50.6)), light: func(second float64) light {
				lit := day
				lit.shadow = 1.2 * math.Abs(math.Sin(second/7))
				return lit
			},
			want: []stands{{450, 0, long}, {300, 21.3, 50.6}},
		},
		{
			name: "only for some seconds", vehicles: together(parks(1, 300, 31.3, 37.8), traffic(6, false)),
			want: []stands{{300, 31.3, 37.8}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			street := &kerb{vehicles: test.vehicles, light: test.light}
			stops := watchPaced(t, street.film(t, long), test.restart)
			checkScene(t, stops, test.want, 0, test.late, long, 1)
			for _, s := range stops {
				checkPictures(t, s)
			}
		})
	}
}

// checkPictures wants those that are kept of a stop to be of its time, in order.
func checkPictures(t *testing.T, s detect.Stop) {
	t.Helper()
	seen := slices.Clone(s.Observations)
	slices.SortFunc(seen, func(a, b detect.Observation) int { return a.At.Compare(b.At) })
	units := map[*ingest.Unit]bool{}
	for i, o := range seen {
		units[o.Unit] = true
		if o.Unit == nil || !o.At.Equal(s.Observations[i].At) {
			t.Errorf("the pictures of %s are %+v, want them whole and in order", s.ID, s.Observations)
			return
		}
	}
	if n := len(seen); n < 2 || len(units) != n || !seen[0].At.Equal(s.Start) || !seen[n-1].At.Equal(s.End) {
		t.Errorf("%d pictures from %s to %s, %d of them different, show a stop from %s to %s", n, seen[0].At, seen[n-1].At, len(units), s.Start, s.End)
	}
}
