package ring

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/ingest"
)

var (
	begin  = time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	format = &ingest.Format{Codec: ingest.H264}
)

// at is a moment some seconds after the beginning.
func at(seconds float64) time.Time {
	return begin.Add(time.Duration(seconds * float64(time.Second)))
}

// script makes units from letters, a second apart: K is a key unit, p builds
// on it, k and x are the same but damaged, R is a key unit of a new connection,
// F one of a new format. Each has 100 bytes.
func script(letters string) []*ingest.Unit {
	var units []*ingest.Unit
	session, inForce := uint64(1), format
	for i, letter := range letters {
		switch letter {
		case 'R':
			session++
		case 'F':
			inForce = &ingest.Format{Codec: ingest.H264}
		}
		units = append(units, &ingest.Unit{
			Stamp:   ingest.Stamp{Arrival: at(float64(i))},
			Session: session,
			PTS:     time.Duration(i) * time.Second,
			Format:  inForce,
			NALUs:   [][]byte{make([]byte, 100)},
			Key:     strings.ContainsRune("KkRF", letter),
			Damaged: strings.ContainsRune("kx", letter),
		})
	}
	return units
}

func newRing(cfg Config) *Ring {
	return New(cfg, NewMetrics(prometheus.NewRegistry()).Camera("kerb"))
}

func fill(r *Ring, units []*ingest.Unit) {
	for _, u := range units {
		r.Add(u)
	}
}

func TestRingKeepsWithinItsBounds(t *testing.T) {
	for _, test := range []struct {
		name    string
		cfg     Config
		letters string
		oldest  int
		crowded float64
	}{
		{"not full", Config{Duration: time.Minute, Bytes: 1 << 20}, "KppKpp", 0, 0},
		{"a key unit older than the bound stays", Config{Duration: 4 * time.Second, Bytes: 1 << 20}, "KppKppKpp", 3, 0},
		{"exactly at the bound", Config{Duration: 2 * time.Second, Bytes: 1 << 20}, "KppKppKpp", 6, 0},
		{"one long group stays whole", Config{Duration: 2 * time.Second, Bytes: 1 << 20}, "Kpppppppp", 0, 0},
		{"too many bytes drop a group", Config{Duration: time.Minute, Bytes: 700}, "KppKppKpp", 3, 3},
		{"one group is too large", Config{Duration: time.Minute, Bytes: 300}, "Kpppp", 2, 2},
		{"a unit larger than the ring", Config{Duration: time.Minute, Bytes: 50}, "Kpp", 2, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRing(test.cfg)
			units := script(test.letters)
			fill(r, units)
			if got := r.units[0]; got != units[test.oldest] {
				t.Errorf("oldest unit arrived %s after the beginning, want %d s", got.Arrival.Sub(begin), test.oldest)
			}
			held := len(units) - test.oldest
			if r.bytes != held*100 || len(r.units) != held {
				t.Errorf("holds %d units and %d bytes, want %d units", len(r.units), r.bytes, held)
			}
			if got := testutil.ToFloat64(r.metrics.Crowded); got != test.crowded {
				t.Errorf("counted %v units as crowded out, want %v", got, test.crowded)
			}
			if got := testutil.ToFloat64(r.metrics.Bytes); got != float64(held*100) {
				t.Errorf("bytes metric says %v", got)
			}
			if got := testutil.ToFloat64(r.metrics.Seconds); got != float64(held-1) {
				t.Errorf("seconds metric says %v", got)
			}
		})
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		name        string
		letters     string
		from, to    float64
		first, last int // of the units in the clip
		damaged     int
		err         error
	}{
		{"from a key unit", "KppKppKpp", 3, 5, 3, 5, 0, nil},
		{"from between key units", "KppKppKpp", 4.5, 7, 3, 7, 0, nil},
		{"one moment", "KppKppKpp", 4, 4, 3, 4, 0, nil},
		{"to after the newest", "KppKpp", 3, 99, 3, 5, 0, nil},
		{"from before the oldest", "KppKpp", -5, 4, 0, 4, 0, ErrShort},
		{"the oldest is no key unit", "ppKppKpp", 0.5, 6, 2, 6, 0, ErrShort},
		{"nothing yet", "", 0, 5, 0, 0, 0, ErrEmpty},
		{"all after", "KppKpp", -5, -1, 0, 0, 0, ErrEmpty},
		{"damage before the clip", "KxxKppKpp", 3, 7, 3, 7, 0, nil},
		{"damage at its beginning", "KpxKppKpp", 1, 8, 3, 8, 1, ErrShort},
		{"damage at its end", "KppKppKxx", 1, 8, 0, 6, 2, ErrShort},
		{"a damaged key unit", "KppkxxKppKpp", 1, 11, 6, 11, 3, ErrShort},
		{"the newer of two equal stretches", "KppkxxKpp", 0, 8, 6, 8, 3, ErrShort},
		{"all damaged", "kxxkxx", 0, 5, 0, 0, 6, ErrEmpty},
		{"a reconnect", "KppKppRpppp", 3, 10, 6, 10, 0, ErrShort},
		{"a reconnect near its end", "KppKppKppRp", 0, 10, 0, 8, 0, ErrShort},
		{"a change of format", "KppKppFpp", 0, 8, 0, 5, 0, ErrShort},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRing(DefaultConfig())
			units := script(test.letters)
			fill(r, units)
			clip, err := r.Cut(at(test.from), at(test.to))
			if !errors.Is(err, test.err) || (err != nil) != (test.err != nil) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			if clip.Damaged != test.damaged {
				t.Errorf("tells of %d damaged units, want %d", clip.Damaged, test.damaged)
			}
			if errors.Is(err, ErrEmpty) {
				return
			}
			var got, want []int
			for _, u := range clip.Units {
				got = append(got, int(u.PTS/time.Second))
			}
			for i := test.first; i <= test.last; i++ {
				want = append(want, i)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("units of the clip: %s", diff)
			}
			if clip.From != at(float64(test.first)) || clip.Until != at(float64(test.last)) {
				t.Errorf("clip says it covers %s to %s", clip.From, clip.Until)
			}
			if span := fmt.Sprintf("covers %s to %s", clock(clip.From), clock(clip.Until)); err != nil && !strings.Contains(err.Error(), span) {
				t.Errorf("error %q does not say that it %s", err, span)
			}
		})
	}
}

func TestRingWhileCutting(t *testing.T) {
	r := newRing(Config{Duration: 10 * time.Second, Bytes: 1 << 20})
	units := script(strings.Repeat("Kpp", 300))
	r.Add(units[0])
	var group sync.WaitGroup
	group.Go(func() { fill(r, units[1:]) })
	for range 4 {
		group.Go(func() {
			for range 200 {
				clip, err := r.Cut(begin, at(900))
				if errors.Is(err, ErrEmpty) || playable(clip.Units) != len(clip.Units) {
					t.Errorf("cut %d units: %v", len(clip.Units), err)
				}
			}
		})
	}
	group.Wait()
}
