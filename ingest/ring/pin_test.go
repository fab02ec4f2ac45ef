package ring

import (
	"testing"
	"time"
)

// TestAPinOutlivesTheRing asks for a clip long after the ring has moved on.
func TestAPinOutlivesTheRing(t *testing.T) {
	for _, test := range []struct {
		name        string
		pinned      int // units that have come when it is pinned
		came        int // and when it is asked for
		first, last time.Duration
		short       bool
		letters     string
		from, until float64
	}{
		{"all of it", 10, 60, 2 * time.Second, 11 * time.Second, false, "KpKpKpKpKpKpKpKp", 3, 11},
		{"begun between key units", 10, 60, 4 * time.Second, 11 * time.Second, false, "KpppKpppKpppKppp", 5.5, 11},
		{"its end never comes", 10, 11, 2 * time.Second, 10 * time.Second, true, "KpKpKpKpKpKp", 3, 14},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRing(Config{Duration: 12 * time.Second, Bytes: 1 << 20})
			for len(test.letters) < test.came {
				test.letters += test.letters
			}
			all := script(test.letters[:test.came])
			fill(r, all[:test.pinned])
			pin := r.Pin(at(test.from), at(test.until))
			defer pin.Release()
			fill(r, all[test.pinned:])
			clip, err := pin.Cut()
			if (err != nil) != test.short {
				t.Fatalf("cut: %v", err)
			}
			if got := clip.From.Sub(begin); got != test.first {
				t.Errorf("begins at %s, want %s", got, test.first)
			}
			if got := clip.Until.Sub(begin); got != test.last {
				t.Errorf("ends at %s, want %s", got, test.last)
			}
			if held := len(pin.units); held > 20 {
				t.Errorf("holds %d units", held)
			}
		})
	}
}

func TestAReleasedPinHoldsNothing(t *testing.T) {
	r := newRing(Config{Duration: 12 * time.Second, Bytes: 1 << 20})
	fill(r, script("KpKpKp"))
	a, b := r.Pin(at(1), at(9)), r.Pin(at(2), at(9))
	a.Release()
	r.Add(script("KpKpKpK")[6])
	if len(a.units) != 0 || len(r.pins) != 1 || r.pins[0] != b {
		t.Errorf("it holds %d units, and there are %d pins", len(a.units), len(r.pins))
	}
}

// TestAPinReachesBackToAnAnnouncedKeyUnit has key units that the camera does not
// announce: a clip may have to begin before them.
func TestAPinReachesBackToAnAnnouncedKeyUnit(t *testing.T) {
	for _, test := range []struct {
		name    string
		letters string
		length  time.Duration // of the ring
		from    float64
		want    time.Duration // where what is pinned begins
	}{
		{"it is there", "Kppippippp", 20 * time.Second, 8, 0},
		{"the newest of them", "KppKppippp", 20 * time.Second, 8, 3 * time.Second},
		{"the ring still has it", "Kppippippip", 6 * time.Second, 9, 0},
		{"the ring has let go of it", "Kppippippippipp", 3 * time.Second, 13, 12 * time.Second},
		{"there is none", "ippippippp", 20 * time.Second, 8, 6 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRing(Config{Duration: test.length, Bytes: 1 << 20})
			fill(r, script(test.letters))
			pin := r.Pin(at(test.from), at(60))
			defer pin.Release()
			if got := pin.units[0].Arrival.Sub(begin); got != test.want {
				t.Errorf("holds the video from %s on, want %s", got, test.want)
			}
		})
	}
}
