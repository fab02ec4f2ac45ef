package feed

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/ingest"
	"tidewatch/rescue"
)

// TestMain lets more tests wait at once than there are cores: they do little
// else.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	var err error
	if Scratch, err = os.MkdirTemp("", "feed"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(Scratch)
		os.Exit(code)
	}))
}

// Scratch is a folder for all tests of the package.
var Scratch string

// tape is a source that sends one unit a second: a letter each, as long as it
// lasts. K is a key unit, k a damaged one, p builds on one, l does so and follows the
// one before, x is damaged, - is none.
type tape struct {
	stream  ingest.Stream
	letters string
	late    time.Duration // of the first unit
}

func (s tape) Run(ctx context.Context, emit func(*ingest.Unit)) error {
	began := time.Now().Add(s.late)
	for i, letter := range s.letters {
		due := began.Add(time.Duration(i) * time.Second)
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return ctx.Err()
		}
		if letter == '-' {
			continue
		}
		emit(&ingest.Unit{
			Stream: s.stream, Session: 1, PTS: time.Duration(i) * time.Second,
			Stamp: ingest.Stamp{Camera: due, Arrival: due}, Format: &ingest.Format{Codec: ingest.H264},
			NALUs: [][]byte{{0x65, 0x88, 0x84}}, // an IDR picture's slice
			Key:   letter == 'K' || letter == 'k', Damaged: letter == 'k' || letter == 'x', Linked: letter == 'l',
		})
	}
	<-ctx.Done()
	return ctx.Err()
}

func newFeed(main, sub string, late time.Duration) *Feed {
	camera := ingest.Camera{ID: "kerb", ClockTolerance: time.Second}
	if sub != "" {
		camera.SubURL = "rtsp://127.0.0.1/sub"
	}
	f := New(camera, DefaultConfig(), NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler), time.Now)
	f.main.source = tape{ingest.Main, main, 0}
	if f.sub != nil {
		f.sub.source = tape{ingest.Sub, sub, late}
	}
	return f
}

// seen is a look: which stream, and when the picture and the one to show were
// taken, in milliseconds from the beginning.
type seen struct {
	Stream     ingest.Stream
	At, Shown  int64
	Unshowable bool
}

func TestFeedGivesWhatToLookAt(t *testing.T) {
	for _, test := range []struct {
		name      string
		main, sub string
		late      time.Duration // of the smaller stream
		pace      time.Duration
		want      []seen
		spared    float64
	}{
		{
			name: "one stream", main: "KpKkK",
			want: []seen{{"main", 0, 0, false}, {"main", 2000, 2000, false}, {"main", 4000, 4000, false}},
		},
		{
			name: "two streams", main: "KpKp", sub: "KKKK", late: 300 * time.Millisecond,
			want: []seen{{"sub", 300, 0, false}, {"sub", 1300, 0, false}, {"sub", 2300, 2000, false}, {"sub", 3300, 2000, false}},
		},
		{
			name: "the main stream is late", main: "--K", sub: "KKKK", late: 500 * time.Millisecond,
			want: []seen{{"sub", 500, 0, true}, {"sub", 1500, 0, true}, {"sub", 2500, 2000, false}, {"sub", 3500, 2000, false}},
		},
		{
			name: "what was damaged is not shown", main: "Kkk", sub: "KkK", late: 500 * time.Millisecond,
			want: []seen{{"sub", 500, 0, false}, {"sub", 2500, 0, false}},
		},
		{
			name: "the smaller stream goes away", main: "KKKKKKKKKKKKKKKKKKKK", sub: "KK", late: 500 * time.Millisecond,
			want: []seen{{"sub", 500, 0, false}, {"sub", 1500, 1000, false}, {"main", 17000, 17000, false}, {"main", 18000, 18000, false}, {"main", 19000, 19000, false}},
		},
		{
			name: "the main stream goes away", main: "KK", sub: "KKKKKKKKK", late: 500 * time.Millisecond,
			want: []seen{
				{"sub", 500, 0, false},
				{"sub", 1500, 1000, false},
				{"sub", 2500, 1000, false},
				{"sub", 3500, 1000, false},
				{"sub", 4500, 1000, false},
				{"sub", 5500, 1000, false},
				{"sub", 6500, 0, true},
				{"sub", 7500, 0, true},
				{"sub", 8500, 0, true},
			},
		},
		{
			name: "rarely", main: "KKKKKKKKKK", pace: 4 * time.Second, spared: 7,
			want: []seen{{"main", 0, 0, false}, {"main", 4000, 4000, false}, {"main", 8000, 8000, false}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed(test.main, test.sub, test.late)
				f.Pace(test.pace)
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- f.Run(ctx) }()
				var got []seen
				for {
					look, err := f.Next(ctx)
					if err != nil {
						break
					}
					s := seen{Stream: look.Unit.Stream, At: look.Unit.Camera.Sub(begin).Milliseconds()}
					if s.Unshowable = look.Shown == nil; !s.Unshowable {
						s.Shown = look.Shown.Camera.Sub(begin).Milliseconds()
					}
					got = append(got, s)
				}
				if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("looks (-want +got):\n%s", diff)
				}
				if spared := testutil.ToFloat64(f.metrics.Spared); spared != test.spared {
					t.Errorf("spared %v, want %v", spared, test.spared)
				}
			})
		})
	}
}

// TestFeedLooksBetweenKeyUnits tells each look's stream and second, those of the
// picture to show in brackets, and behind a + how many units lead to either.
func TestFeedLooksBetweenKeyUnits(t *testing.T) {
	far := "K" + strings.Repeat("l", 19)
	for _, test := range []struct {
		name      string
		main, sub string
		pace      time.Duration
		want      string
	}{
		{
			"one stream, its interval known by the second key unit", far + "Klllll", "", 4 * time.Second,
			"m0[0] m7+7[7+7] m11+11[11+11] m15+15[15+15] m19+19[19+19] m23+3[23+3]",
		},
		{"key units as they should be", "KllKllKll", "", 0, "m0[0] m3[3] m6[6]"},
		{
			"every picture is wanted", "K" + strings.Repeat("l", 10), "", 0,
			"m0[0] m7+7[7+7] m8+8[8+8] m9+9[9+9] m10+10[10+10]",
		},
		{"a loss", "K" + strings.Repeat("l", 8) + "xlllKl", "", 0, "m0[0] m7+7[7+7] m8+8[8+8] m13[13] m14+1[14+1]"},
		{"the smaller stream alone is as it should be", far, "KlKlKlKlKlKl", 0, "s0[0] s2[0] s4[0] s6[6+6] s8[8+8] s10[10+10]"},
		{"the main stream alone is", "KlKlKlKlKlKl", far, 0, "s0[0] m8[8] m10[10]"},
		{"the main stream alone is, and goes away", "KlKl", "K" + strings.Repeat("l", 19), 0, "s0[0] s17+17 s18+18 s19+19"},
		{"neither is", far, far, 6 * time.Second, "s0[0] s7+7[7+7] s13+13[13+13] s19+19[19+19]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed(test.main, test.sub, 100*time.Millisecond)
				f.Pace(test.pace)
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				done := make(chan error, 1)
				go func() { done <- f.Run(ctx) }()
				var got []string
				for {
					look, err := f.Next(ctx)
					if err != nil {
						break
					}
					of := string(look.Unit.Stream[0]) + told(look.Unit, begin)
					if look.Shown != nil {
						of += "[" + told(look.Shown, begin) + "]"
					}
					got = append(got, of)
				}
				<-done
				if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
					t.Errorf("looks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestFeedLooksOnceASecondBetweenKeyUnits sends twenty-five pictures a second, of
// which no look wants fewer.
func TestFeedLooksOnceASecondBetweenKeyUnits(t *testing.T) {
	f := newFeed("", "", 0)
	begin := time.Now()
	for i := range 10 * 25 {
		f.receiveMain(&ingest.Unit{
			Stamp: ingest.Stamp{Arrival: begin.Add(time.Duration(i) * 40 * time.Millisecond)}, PTS: time.Duration(i) * 40 * time.Millisecond,
			Format: &ingest.Format{Codec: ingest.H264}, NALUs: [][]byte{{0x65, 0x88, 0x84}}, Key: i == 0, Linked: i > 0,
		})
	}
	if looks := testutil.ToFloat64(f.metrics.Superseded) + 1; looks < 5 || looks > 6 {
		t.Errorf("%v looks in ten seconds, in four of which pictures between key units are looked at", looks)
	}
}

// told is a unit's second, and how many lead to it.
func told(u *ingest.Unit, begin time.Time) string {
	at := fmt.Sprintf("%.0f", u.Arrival.Sub(begin).Seconds())
	if len(u.Lead) > 0 {
		at += fmt.Sprintf("+%d", len(u.Lead))
	}
	return at
}

// TestFeedSurvivesOurClockBeingSetBack offers a key unit after our clock was
// set back by an hour: nobody waits until it has caught up.
func TestFeedSurvivesOurClockBeingSetBack(t *testing.T) {
	f := newFeed("", "", 0)
	f.Pace(4 * time.Second)
	now := time.Now()
	f.consider(f.main, &ingest.Unit{Key: true, Stamp: ingest.Stamp{Arrival: now.Round(0)}})
	f.consider(f.main, &ingest.Unit{Key: true, Stamp: ingest.Stamp{Arrival: now.Round(0).Add(-time.Hour)}})
	if spared := testutil.ToFloat64(f.metrics.Spared); spared != 0 {
		t.Errorf("%v key units were spared", spared)
	}
}

// TestFeedPassesOver looks at the main stream while the smaller one is of no
// use.
func TestFeedPassesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed("KKKKKKKKKK", "KKKKKKKKKK", 500*time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- f.Run(ctx) }()
		streams := ""
		for {
			look, err := f.Next(ctx)
			if err != nil {
				break
			}
			if streams += string(look.Unit.Stream[0]); len(streams) == 2 {
				f.PassOver(4 * time.Second)
			}
		}
		<-done
		if streams != "ssmmmmsssss" {
			t.Errorf("looked at %s, want ssmmmmsssss", streams)
		}
	})
}

func TestFeedCountsWhatNobodyTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed("KKKK", "", 0)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := f.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if superseded := testutil.ToFloat64(f.metrics.Superseded); superseded != 3 {
			t.Errorf("superseded %v, want 3", superseded)
		}
		look, err := f.Next(t.Context())
		if err != nil || look.Unit != f.Newest() {
			t.Errorf("got %v, %v; want the newest unit", look.Unit, err)
		}
	})
}

// TestAMainStreamThatIsQuick brings a key unit before Run has got any further:
// the smaller stream still has its patience.
func TestAMainStreamThatIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed("KK", "KK", 0)
		f.now = func() time.Time {
			defer time.Sleep(time.Hour) // whatever has been started works meanwhile
			return time.Now()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		if err := f.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// struck is a source that panics, as whatever receives its units may.
type struck struct{}

func (struck) Run(context.Context, func(*ingest.Unit)) error { panic("struck") }

// TestAPanicEndsTheFeed strikes each stream, and the way of its units.
func TestAPanicEndsTheFeed(t *testing.T) {
	for name, strike := range map[string]func(*Feed){
		"the main stream":    func(f *Feed) { f.main.source = struck{} },
		"the smaller stream": func(f *Feed) { f.sub.source = struck{} },
		"a unit":             func(f *Feed) { f.ring = nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed("KKKK", "KKKK", 0)
				strike(f)
				if err := f.Run(t.Context()); rescue.From(err) == nil {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}
