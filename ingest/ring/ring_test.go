package ring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/ingest"
)

var (
	begin  = time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	format = sized(0xDA, 0x10, 0x99)       // 64x64
	other  = sized(0xDA, 0x08, 0x26, 0x40) // 128x64
)

// sized is a format of pictures of a size.
func sized(sps ...byte) *ingest.Format {
	return ingest.NewFormat(ingest.H264, append([]byte{0x67, 0x42, 0xC0, 0x0A}, sps...), []byte{0x68, 0xCE, 0x38, 0x80})
}

// slice is a slice of a key picture of a hundred bytes.
func slice() []byte { return append([]byte{0x65, 0x88, 0x84}, make([]byte, 97)...) }

// at is a moment some seconds after the beginning.
func at(seconds float64) time.Time {
	return begin.Add(time.Duration(seconds * float64(time.Second)))
}

// script makes units from letters, a second apart: K is a key unit, p builds
// on it, k and x are the same but damaged, R is a key unit of a new connection,
// F one of a new format, i one that the camera does not announce. Each has 100
// bytes.
func script(letters string) []*ingest.Unit {
	var units []*ingest.Unit
	session, inForce := uint64(1), format
	for i, letter := range letters {
		switch letter {
		case 'R':
			session++
		case 'F':
			inForce = other
		}
		nalu := slice()
		if letter == 'i' {
			nalu[0] = 0x41 // the same slice, not of an IDR picture
		}
		units = append(units, &ingest.Unit{
			Stamp:   ingest.Stamp{Arrival: at(float64(i))},
			Session: session,
			PTS:     time.Duration(i) * time.Second,
			Format:  inForce,
			NALUs:   [][]byte{nalu},
			Key:     strings.ContainsRune("KkRFi", letter),
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

func TestAClipThatBeginsUnannouncedIsDoubtful(t *testing.T) {
	for letters, doubtful := range map[string]bool{"Kpp": false, "Kipp": false, "iiii": false, "ipp": true, "iKp": true} {
		if got := clipOf(script(letters)).Doubtful(); got != doubtful {
			t.Errorf("%s: doubtful %t, want %t", letters, got, doubtful)
		}
	}
}

func TestAShortClipSaysWhy(t *testing.T) {
	for _, test := range []struct {
		name, letters string
		from, to      float64
		want          string
	}{
		{"too young", "KppKpp", -5, 4, "nothing older was held"},
		{"its end never came", "KppKpp", 3, 99, "nothing newer came"},
		{"both", "KppKpp", -5, 99, "nothing older was held, and nothing newer came"},
		{"damage before", "KpxKppKpp", 1, 8, "before it packets were lost"},
		{"damage after", "KppKppKxx", 1, 8, "after it packets were lost"},
		{"a reconnect", "KppKppRpppp", 3, 10, "before it the connection was made anew"},
		{"a change of format", "KppKppFpp", 0, 8, "after it the camera's coding changed"},
		{"no key unit", "ppKppKpp", 0.5, 6, "before it no picture came with which decoding can begin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRing(DefaultConfig())
			fill(r, script(test.letters))
			_, err := r.Cut(at(test.from), at(test.to))
			if err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) {
				t.Errorf("error %v, want it to say: %s", err, test.want)
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
		{"from an announced key unit", "KppippippKpp", 7, 8, 0, 8, 0, nil},
		{"none is announced", "ippippipp", 7, 8, 6, 8, 0, nil},
		{"announced only afterwards", "ippippKpp", 4, 8, 3, 8, 0, nil},
		{"to while the newest is shown", "KppKpp", 3, 5.9, 3, 5, 0, nil},
		{"to after the newest", "KppKpp", 3, 99, 3, 5, 0, ErrShort},
		{"from before the oldest", "KppKpp", -5, 4, 0, 4, 0, ErrShort},
		{"the oldest is no key unit", "ppKppKpp", 0.5, 6, 2, 6, 0, ErrShort},
		{"nothing yet", "", 0, 5, 0, 0, 0, ErrEmpty},
		{"all after", "KppKpp", -5, -1, 0, 0, 0, ErrEmpty},
		{"all before", "KppKpp", 7, 9, 0, 0, 0, ErrEmpty},
		{"a reconnect just after", "KppRpp", 0, 2.5, 0, 2, 0, nil},
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

// told makes units as script does, with a camera's clock: a digit, in place of
// each letter, is how many seconds it is ahead of ours, ? that it is unknown.
func told(clocks string) []*ingest.Unit {
	units := script("K" + strings.Repeat("p", len(clocks)-1))
	for i, digit := range clocks {
		u := units[i]
		u.Key = i%3 == 0
		if digit != '?' {
			u.Camera = u.Arrival.Add(time.Duration(digit-'0') * time.Second)
		}
	}
	return units
}

func TestCutGoesByTheMomentsOfThePictures(t *testing.T) {
	for _, test := range []struct {
		name        string
		clocks      string // of each unit, a second apart
		from, to    float64
		first, last int
		begins      float64
		clock       Clock
		err         error
	}{
		{"a clock that is believed", "222222222222", 7, 10, 3, 8, 5, CameraClock, nil},
		{"a clock too far off", "555555555555", 7, 10, 6, 10, 6, ServerClock, nil},
		{"a clock that is not known", "????????????", 7, 10, 6, 10, 6, ServerClock, nil},
		{"a clock set ahead", "000000222222", 3, 12, 6, 10, 8, CameraClock, ErrShort},
		{"a clock set ahead, before it", "000000222222", 1, 4, 0, 4, 0, CameraClock, nil},
		{"a clock set back", "222222000000", 0, 12, 6, 11, 6, CameraClock, ErrShort},
		{"a clock set back, before it", "222222000000", 2, 5, 0, 3, 2, CameraClock, nil},
		{"a clock lost from sight", "111111555555", 3, 12, 6, 11, 6, ServerClock, ErrShort},
		{"a clock set from far off to ours", "555555000000", 3, 12, 3, 11, 3, ServerClock, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Tolerance = 2 * time.Second
			r := newRing(cfg)
			fill(r, told(test.clocks))
			clip, err := r.Cut(at(test.from), at(test.to))
			if !errors.Is(err, test.err) || (err != nil) != (test.err != nil) {
				t.Fatalf("got error %v, want %v", err, test.err)
			}
			first, last := clip.Units[0], clip.Units[len(clip.Units)-1]
			if first.PTS != time.Duration(test.first)*time.Second || last.PTS != time.Duration(test.last)*time.Second {
				t.Errorf("clip of %s to %s, want %d s to %d s", first.PTS, last.PTS, test.first, test.last)
			}
			if !clip.From.Equal(at(test.begins)) || clip.Clock != test.clock {
				t.Errorf("begins at %s by the clock of the %s, want %s, %s", clock(clip.From), clip.Clock, clock(at(test.begins)), test.clock)
			}
			for _, u := range clip.Units { // what the file will say of each picture
				if off := u.Time(cfg.Tolerance).Sub(clip.From.Add(u.PTS - first.PTS)).Abs(); off > jump {
					t.Errorf("the clip's time of the picture at %s is off by %s", u.PTS, off)
				}
			}
		})
	}
}

// TestCutAcrossOurOwnClock sets the server's clock back: arrivals repeat, and
// a clip must not show one for the other.
func TestCutAcrossOurOwnClock(t *testing.T) {
	r := newRing(DefaultConfig())
	units := script("KppKppKppKpp")
	for _, u := range units[6:] {
		u.Arrival = u.Arrival.Add(-4 * time.Second)
	}
	fill(r, units)
	clip, err := r.Cut(at(3), at(5))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, u := range clip.Units {
		got = append(got, int(u.PTS/time.Second))
	}
	if diff := cmp.Diff([]int{6, 7, 8, 9}, got); diff != "" {
		t.Errorf("want the longer stretch alone: %s", diff)
	}
}

func TestAwait(t *testing.T) {
	const patience = 5 * time.Second
	for _, test := range []struct {
		name     string
		count    int // of units that come, one a second
		until    time.Duration
		reached  bool
		waited   time.Duration
		canceled time.Duration // after which nobody wants it any more
	}{
		{name: "what has come", count: 3, until: 0, reached: true},
		{name: "what comes", count: 20, until: 2500 * time.Millisecond, reached: true, waited: 3 * time.Second},
		{name: "a camera that goes away", count: 3, until: 3 * time.Second, waited: patience},
		{name: "more than anybody waits for", count: 99, until: time.Minute, waited: patience},
		{name: "a stop", count: 20, until: 4 * time.Second, waited: 2 * time.Second, canceled: 2 * time.Second},
		{name: "an empty ring", count: 0, until: time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRing(DefaultConfig())
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				start := time.Now()
				comes := make(chan struct{})
				go func() {
					defer close(comes)
					for i := range test.count {
						r.Add(&ingest.Unit{Stamp: ingest.Stamp{Arrival: time.Now()}, Key: true, PTS: time.Duration(i) * time.Second})
						time.Sleep(time.Second)
					}
				}()
				if test.canceled > 0 {
					time.AfterFunc(test.canceled, cancel)
				}
				synctest.Wait() // the first has come
				if got := r.Await(ctx, start.Add(test.until), patience); got != test.reached {
					t.Errorf("reached: %v", got)
				}
				if waited := time.Since(start); waited != test.waited {
					t.Errorf("waited for %s, want %s", waited, test.waited)
				}
				<-comes
				if test.count == 3 && !test.reached {
					before := time.Now()
					if r.Await(ctx, start.Add(time.Hour), patience) || time.Since(before) > patience-time.Second {
						t.Errorf("waited for %s for a camera that is away", time.Since(before))
					}
				}
			})
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
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				if !r.Await(ctx, at(1), time.Since(begin)+time.Hour) {
					t.Error("waited for what is there")
				}
				cancel()
			}
		})
	}
	group.Wait()
}

func TestKeyUnits(t *testing.T) {
	r := newRing(Config{Duration: time.Minute, Bytes: 1 << 20, Tolerance: time.Second})
	units := script("KpKkpKp")
	fill(r, units)
	for _, test := range []struct {
		name   string
		at     float64
		unit   int // -1: none
		before []int
	}{
		{"before all", -1, -1, nil},
		{"at the first", 0, 0, nil},
		{"between", 1.5, 0, []int{0}},
		{"what is damaged does not count", 4, 2, []int{2, 0}},
		{"at the last", 5, 5, []int{2, 0}},
		{"after all", 60, 5, []int{5, 2, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want *ingest.Unit
			if test.unit >= 0 {
				want = units[test.unit]
			}
			if got := r.KeyUnit(at(test.at)); got != want {
				t.Errorf("the key unit is %+v, want unit %d", got, test.unit)
			}
			got := r.KeyUnitsBefore(at(test.at))
			if len(got) != len(test.before) {
				t.Fatalf("%d key units before, want %v", len(got), test.before)
			}
			for i, n := range test.before {
				if got[i] != units[n] {
					t.Errorf("key unit %d before is not unit %d", i, n)
				}
			}
		})
	}
	if span := r.Span(); span != 6*time.Second {
		t.Errorf("the ring spans %s, want 6 s", span)
	}
	if span := newRing(Config{}).Span(); span != 0 {
		t.Errorf("an empty ring spans %s", span)
	}
}
