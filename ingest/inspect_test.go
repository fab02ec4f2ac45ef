package ingest

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script makes units from letters, a fifth of a second apart: K is a key unit,
// p builds on it, l does so and follows the one before, k and x are the same but
// damaged, N begins a new session with a key unit, - is a unit that does not come.
func script(letters string, stamp func(at time.Time) Stamp) []*Unit {
	at := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	session := uint64(1)
	var units []*Unit
	for _, letter := range letters {
		at = at.Add(200 * time.Millisecond)
		if letter == 'N' {
			session++
		}
		if letter != '-' {
			units = append(units, &Unit{
				Session: session, Stamp: stamp(at),
				Key: strings.ContainsRune("KkN", letter), Damaged: strings.ContainsRune("kx", letter), Linked: letter == 'l',
			})
		}
	}
	return units
}

func exact(at time.Time) Stamp { return Stamp{Camera: at, Arrival: at.Add(20 * time.Millisecond)} }

func silent(at time.Time) Stamp { return Stamp{Arrival: at} }

// off is a clock that is ahead by so much, as the fit tells it.
func off(by time.Duration) func(time.Time) Stamp {
	return func(at time.Time) Stamp {
		return Stamp{Camera: at.Add(by), Arrival: at, Clock: ClockReading{Offset: by, Settled: true}}
	}
}

// gains is a clock that is right but fast, as the fit tells it.
func gains(drift float64) func(time.Time) Stamp {
	return func(at time.Time) Stamp {
		return Stamp{Camera: at, Arrival: at, Clock: ClockReading{Drift: drift, Settled: true}}
	}
}

func TestInspector(t *testing.T) {
	second := "Kpppp"
	for _, test := range []struct {
		name     string
		letters  string
		stamp    func(time.Time) Stamp
		interval time.Duration
		want     Kind // the only trouble in the end
		state    State
		cause    Cause
	}{
		{name: "all well", letters: strings.Repeat(second, 60), stamp: exact, interval: 200 * time.Millisecond},
		{name: "a damaged unit", letters: strings.Repeat(second, 5) + "Kpxxx" + second, stamp: exact, want: TroubleDamage, state: Degraded, cause: Because(PacketsLost)},
		{name: "a damaged unit a while ago", letters: "Kpxxx" + strings.Repeat(second, 31), stamp: exact},
		{name: "no key unit any more, all that came since can be decoded on", letters: strings.Repeat(second, 5) + strings.Repeat("l", 400), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 80*time.Second)},
		{name: "key units 15 s apart, the first of them", letters: "K" + strings.Repeat("l", 70), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 12*time.Second)},
		{name: "key units 15 s apart", letters: strings.Repeat("K"+strings.Repeat("l", 74), 3), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 15*time.Second)},
		{name: "key units 15 s apart, most of what comes between cannot be told to follow", letters: strings.Repeat("Kl"+strings.Repeat("p", 73), 3), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 15*time.Second)},
		{name: "key units 15 s apart, a loss, and what comes then cannot be told to follow", letters: strings.Repeat("K"+strings.Repeat("l", 74), 2) + "Kll" + strings.Repeat("x", 72) + strings.Repeat("Kl"+strings.Repeat("p", 73), 3), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 15*time.Second)},
		{name: "a loss between key units 79 s apart, and another", letters: strings.Repeat("K"+strings.Repeat("l", 394), 2) + "Kll" + strings.Repeat("x", 392) + "Kll" + strings.Repeat("x", 60) + strings.Repeat("p", 101), stamp: exact, want: TroubleKeys, state: Blind, cause: Because(KeyFramesAway, "for", 32*time.Second)},
		{name: "key units 79 s apart", letters: strings.Repeat("K"+strings.Repeat("l", 394), 3), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 79*time.Second)},
		{name: "key units 79 s apart, after a reconnect", letters: strings.Repeat("K"+strings.Repeat("l", 394), 2) + "Nl", stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 79*time.Second)},
		{name: "key units close again", letters: strings.Repeat("K"+strings.Repeat("l", 394), 2) + strings.Repeat(second, 2), stamp: exact},
		{name: "key units 45 s apart, nothing between can be shown", letters: "K" + strings.Repeat("p", 224), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 40*time.Second)},
		{name: "a loss between key units 79 s apart", letters: strings.Repeat("K"+strings.Repeat("l", 394), 2) + "Klll" + strings.Repeat("x", 60) + strings.Repeat("p", 101), stamp: exact, want: TroubleKeys, state: Blind, cause: Because(KeyFramesAway, "for", 32*time.Second)},
		{name: "no key unit any more", letters: strings.Repeat(second, 5) + strings.Repeat("p", 60), stamp: exact, want: TroubleKeys, state: Blind, cause: Because(KeyFramesAway, "for", 13*time.Second)},
		{name: "no key unit for a while, as always with this camera", letters: strings.Repeat("K"+strings.Repeat("p", 99), 3), stamp: exact, want: TroubleKeys, state: Degraded, cause: Because(KeyFramesApart, "apart", 20*time.Second)},
		{name: "key units again", letters: second + strings.Repeat("p", 80) + second + second, stamp: exact},
		{name: "a new session begins anew", letters: second + strings.Repeat("p", 80) + "Npppp", stamp: exact},
		{name: "half of the pictures", letters: strings.Repeat("K-p-p", 30), stamp: exact, interval: 200 * time.Millisecond, want: TroubleRate, state: Degraded, cause: Because(FewPictures, "rate", 3.0, "configured", 5.0)},
		{name: "half of the pictures, nobody said how many", letters: strings.Repeat("K-p-p", 30), stamp: exact},
		{name: "no time told yet", letters: strings.Repeat(second, 29), stamp: silent},
		{name: "no time told", letters: strings.Repeat(second, 31), stamp: silent, want: TroubleClock, state: Degraded, cause: Because(ClockUnknown)},
		{name: "an hour fast", letters: second, stamp: off(time.Hour), want: TroubleClock, state: Degraded, cause: Because(ClockZoneFast, "by", time.Hour)},
		{name: "eight hours slow", letters: second, stamp: off(-8 * time.Hour), want: TroubleClock, state: Degraded, cause: Because(ClockZoneSlow, "by", 8*time.Hour)},
		{name: "gains 43 s a day", letters: second, stamp: gains(500e-6), want: TroubleClock, state: Degraded, cause: Because(ClockGains, "by", 43*time.Second)},
		{name: "loses 17 s a day", letters: second, stamp: gains(-200e-6), want: TroubleClock, state: Degraded, cause: Because(ClockLoses, "by", 17*time.Second)},
		{name: "gains 2 s a day", letters: second, stamp: gains(23e-6)},
		{name: "seven minutes fast", letters: second, stamp: off(7*time.Minute + 300*time.Millisecond), want: TroubleClock, state: Degraded, cause: Because(ClockFast, "by", 7*time.Minute)},
		{name: "half an hour and a minute fast", letters: second, stamp: off(31 * time.Minute), want: TroubleClock, state: Degraded, cause: Because(ClockZoneFast, "by", 31*time.Minute)},
		{name: "an hour less two minutes slow", letters: second, stamp: off(-58 * time.Minute), want: TroubleClock, state: Degraded, cause: Because(ClockSlow, "by", 58*time.Minute)},
		{name: "a day fast", letters: second, stamp: off(24 * time.Hour), want: TroubleClock, state: Degraded, cause: Because(ClockFast, "by", 24*time.Hour)},
		{name: "at the tolerance", letters: second, stamp: off(2 * time.Second)},
		{name: "beyond the tolerance", letters: second, stamp: off(2*time.Second + 1), want: TroubleClock, state: Degraded, cause: Because(ClockFast, "by", 2*time.Second)},
	} {
		t.Run(test.name, func(t *testing.T) {
			monitor, _ := newMonitor(slog.New(slog.DiscardHandler))
			monitor.Clear(TroubleStream)
			inspector := NewInspector(DefaultInspectorConfig(), Camera{ClockTolerance: 2 * time.Second, FrameInterval: test.interval}, monitor)
			for _, u := range script(test.letters, test.stamp) {
				inspector.Unit(u, u.Whole())
			}
			got := monitor.Health()
			if test.want == "" {
				if got.State != Live {
					t.Errorf("got %+v, want no trouble", got)
				}
				return
			}
			if len(got.Troubles) != 1 || got.Troubles[0].Kind != test.want || got.State != test.state || !cmp.Equal(got.Cause, test.cause) {
				t.Errorf("got %+v, want %s (%s): %v", got, test.want, test.state, test.cause)
			}
		})
	}
}
