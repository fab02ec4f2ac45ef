package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// groupUnits makes units from letters, a second apart, of a hundred bytes each: K is
// a key unit, I one that the camera does not announce, l follows the one before, b
// does so and is shown before the key unit, B before the unit before it, p is not known to follow, x is damaged.
func groupUnits(letters string) []*Unit {
	begin := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	format := NewFormat(H264, []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x99}, []byte{0x68, 0xCE, 0x38, 0x80})
	var units []*Unit
	for i, letter := range letters {
		at := time.Duration(i) * time.Second
		u := &Unit{
			Stamp: Stamp{Arrival: begin.Add(at)}, PTS: at, Format: format, Session: 1,
			Key: letter == 'K' || letter == 'I', Linked: letter != 'p' && letter != 'x', Damaged: letter == 'x',
			NALUs: [][]byte{append([]byte{0x41, 0x88, 0x84}, make([]byte, 97)...)},
		}
		if letter == 'K' {
			u.NALUs[0][0] = 0x65
		}
		switch letter {
		case 'b':
			u.PTS = -time.Second
		case 'B':
			u.PTS -= 3 * time.Second / 2
		}
		units = append(units, u)
	}
	return units
}

func TestGroup(t *testing.T) {
	wide := GroupConfig{Span: time.Hour, Bytes: 1 << 20}
	for _, test := range []struct {
		name        string
		cfg         GroupConfig
		letters     string
		at          int // second by which a picture is wanted
		first, want int // of the run; want is below zero where there is none
		showable    bool
		apart       time.Duration
	}{
		{"the newest", wide, "Klll", 9, 0, 3, true, 3 * time.Second},
		{"by a moment", wide, "Klll", 2, 0, 2, true, 3 * time.Second},
		{"a key unit leads to itself", wide, "K", 9, 0, -1, true, 0},
		{"before any key unit", wide, "lll", 9, 0, -1, false, 0},
		{"another key unit", wide, "KlllKl", 9, 4, 5, true, 4 * time.Second},
		{"the group before is over", wide, "KlllKl", 3, 0, -1, true, 4 * time.Second},
		{"a damaged unit", wide, "Kllxll", 9, 0, -1, false, 5 * time.Second},
		{"a damaged unit, and a key unit", wide, "KlxxKll", 9, 4, 6, true, 4 * time.Second},
		{"one that does not follow", wide, "Kllpll", 9, 0, -1, false, 5 * time.Second},
		{"a key unit that nobody announced is one of many", wide, "KlIl", 9, 0, 3, true, 2 * time.Second},
		{"a key unit that nobody announced, and no other", wide, "xIl", 9, 1, 2, true, time.Second},
		{"shown before another", wide, "KlB", 9, 0, 1, true, 2 * time.Second},
		{"nothing but shown before", wide, "Kb", 9, 0, -1, true, time.Second},
		{"too long", GroupConfig{Span: 3 * time.Second, Bytes: 1 << 20}, "Kllll", 9, 0, -1, false, 4 * time.Second},
		{"just not", GroupConfig{Span: 4 * time.Second, Bytes: 1 << 20}, "Kllll", 9, 0, 4, true, 4 * time.Second},
		{"too many bytes", GroupConfig{Span: time.Hour, Bytes: 400}, "Kllll", 9, 0, -1, false, 4 * time.Second},
		{"too many bytes once", GroupConfig{Span: time.Hour, Bytes: 400}, "KllllKl", 9, 5, 6, true, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := NewGroup(test.cfg)
			units := groupUnits(test.letters)
			showable := false
			for _, u := range units {
				showable = g.Add(u)
			}
			if showable != test.showable {
				t.Errorf("the newest can be shown: %v", showable)
			}
			if apart := g.Apart(); apart != test.apart {
				t.Errorf("key units are %s apart, want %s", apart, test.apart)
			}
			got := g.Run(units[0].Arrival.Add(time.Duration(test.at) * time.Second))
			if got == nil || test.want < 0 {
				if got != nil || test.want >= 0 {
					t.Errorf("got %v, want number %d", got, test.want)
				}
				return
			}
			for i, u := range got.Run() {
				if u.PTS != units[test.first+i].PTS {
					t.Errorf("number %d of the run is of %s", i, u.PTS)
				}
			}
			if got.PTS != units[test.want].PTS || len(got.Lead) != test.want-test.first {
				t.Errorf("got the picture of %s with %d before it, want number %d", got.PTS, len(got.Lead), test.want)
			}
			if again := g.Run(units[0].Arrival.Add(time.Duration(test.at) * time.Second)); again != got {
				t.Error("another unit for the same picture")
			}
		})
	}
}

// TestAGroupLeavesOutWhatIsShownBeforeIt has pictures that are decoded after the key
// unit.
func TestAGroupLeavesOutWhatIsShownBeforeIt(t *testing.T) {
	g := NewGroup(DefaultGroupConfig())
	units := groupUnits("Kbbll")
	for _, u := range units {
		if !g.Add(u) {
			t.Error("nothing can be shown")
		}
	}
	run := g.Run(units[4].Arrival)
	if len(run.Lead) != 2 || run.Lead[0] != units[0] || run.Lead[1] != units[3] {
		t.Errorf("led by %v", run.Lead)
	}
}

// TestARunStays takes a picture and lets its group go on and end.
func TestARunStays(t *testing.T) {
	g := NewGroup(DefaultGroupConfig())
	units := groupUnits("KlllllKl")
	for _, u := range units[:3] {
		g.Add(u)
	}
	run := g.Run(units[2].Arrival)
	if all := run.Run(); len(all) != 3 || all[2] != run || g.units[2] != units[2] {
		t.Error("whoever takes a run changes the group")
	}
	for _, u := range units[3:] {
		g.Add(u)
	}
	if len(run.Lead) != 2 || run.Lead[0] != units[0] || run.Lead[1] != units[1] {
		t.Errorf("the run has changed: %v", run.Lead)
	}
}

func TestIntervalOutlivesASession(t *testing.T) {
	var i Interval
	units := groupUnits("KllKl")
	for _, u := range units {
		i.Add(u)
	}
	next := *units[3]
	next.Session, next.Arrival = 2, next.Arrival.Add(time.Hour)
	i.Add(&next)
	if known := i.Known(); known != 3*time.Second {
		t.Errorf("known to be %s, want 3s", known)
	}
	if apart := i.Apart(next.Arrival.Add(time.Second)); apart != 3*time.Second {
		t.Errorf("%s apart, want 3s", apart)
	}
}

// TestAppendFollowing decodes units one after the other of which each needs other sets.
func TestAppendFollowing(t *testing.T) {
	sps, first, second := []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x99}, []byte{0x68, 0xCE, 0x38, 0x80}, []byte{0x68, 0x5E, 0x38, 0x80}
	key, one, other := []byte{0x65, 0x88, 0x84}, []byte{0x41, 0x9A, 0x84}, []byte{0x41, 0x99, 0x04} // of the sets 0, 0 and 1
	single, both := NewFormat(H264, sps, first), NewFormat(H264, sps, first, second)
	unit := func(f *Format, slice []byte) *Unit {
		return &Unit{Format: f, NALUs: [][]byte{slice}, Key: slice[0] == 0x65}
	}
	for _, test := range []struct {
		name      string
		before, u *Unit
		want      [][]byte
	}{
		{"a key unit", nil, unit(single, key), [][]byte{sps, first, key}},
		{"a key unit in the midst", unit(single, one), unit(single, key), [][]byte{sps, first, key}},
		{"known sets", unit(single, key), unit(single, one), [][]byte{one}},
		{"a new format", unit(single, key), unit(both, other), [][]byte{sps, second, other}},
		{"other sets of the same format", unit(both, key), unit(both, other), [][]byte{sps, second, other}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var want []byte
			for _, nalu := range test.want {
				want = append(append(want, 0, 0, 0, 1), nalu...)
			}
			if diff := cmp.Diff(want, test.u.AppendFollowing(nil, test.before)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
