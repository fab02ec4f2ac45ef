package detect_test

import (
	"testing"
	"time"

	"tidewatch/detect"
)

// trim makes another car of the same kind of one that stands in the place.
var trim = thing{box: detect.Box{X: place.X, Y: place.Y, W: place.W, H: 0.4 * place.H}, seed: 9}

// unseen is a street of which nothing is seen from the twentieth look to the
// two hundredth; after that other things are there.
func unseen(looks int, every time.Duration, after ...thing) script {
	return script{looks: looks, every: every, scene: func(look int) street {
		switch {
		case look < 20:
			return street{things: []thing{car(1)}}
		case look < 200:
			return street{lost: true}
		}
		return street{things: after}
	}}
}

// TestDoubt is of vehicles that are hidden, replaced or look otherwise.
func TestDoubt(t *testing.T) {
	play(t, []scripted{
		{
			"a bus passes in front",
			script{looks: 30, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 10 && look < 13 {
					bus := thing{box: detect.Box{X: 0.1, Y: 0.35, W: 0.6, H: 0.25}, seed: 100 + look, found: 0.9, class: detect.Bus}
					things[0].found = 0
					things = append(things, bus)
				}
				return street{things: things}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"a bus waits in front for a minute",
			script{looks: 100, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 10 && look < 70 {
					bus := thing{box: detect.Box{X: 0.1, Y: 0.35, W: 0.6, H: 0.25}, seed: 100 + look, found: 0.9, class: detect.Bus}
					things[0].found = 0
					things = append(things, bus)
				}
				return street{things: things}
			}},
			[]expected{{0, 99, false, detect.Car}},
		},
		{
			"half of it is hidden by a vehicle that stops in front",
			script{looks: 60, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 20 {
					things = append(things, thing{box: detect.Box{X: 0.35, Y: 0.45, W: 0.16, H: 0.12}, seed: 2, found: 0.9})
				}
				return street{things: things}
			}},
			[]expected{{0, 59, false, detect.Car}, {20, 59, false, detect.Car}},
		},
		{
			"half of it is hidden for long by vehicles that crawl by",
			script{looks: 300, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 20 {
					things[0].found = 0.8 * float64(look/4%2)
					things = append(things, thing{box: detect.Box{X: 0.3, Y: 0.45, W: 0.3, H: 0.12}, seed: 100 + look, found: 0.9})
				}
				return street{things: things}
			}},
			[]expected{{0, 299, false, detect.Car}},
		},
		{
			"something unknown hides the lower half for long",
			script{looks: 60, scene: func(look int) street {
				c := car(1)
				things := []thing{c}
				if look >= 20 {
					upper := thing{box: detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.055}, seed: ghost, found: 0.7}
					things[0].found = 0
					things = append(things, thing{box: detect.Box{X: 0.38, Y: 0.455, W: 0.15, H: 0.05}, seed: 100 + look}, upper)
				}
				return street{things: things}
			}},
			[]expected{{0, 59, false, detect.Car}},
		},
		{
			"its box shifts, and what hides half of it is found now and then",
			script{looks: 58, every: 400 * time.Millisecond, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 20 {
					shifted := thing{box: detect.Box{X: 0.425, Y: 0.4, W: 0.1, H: 0.1}, seed: ghost, found: 0.8}
					front := thing{box: detect.Box{X: 0.33, Y: 0.38, W: 0.12, H: 0.14}, seed: 3, found: 0.9}
					if look%5 >= 3 {
						front.found = 0
					}
					things[0].found = 0
					things = append(things, front, shifted)
				}
				return street{things: things}
			}},
			[]expected{{0, 57, false, detect.Car}, {20, 57, false, detect.Car}},
		},
		{
			"something unknown hides it for three looks",
			script{looks: 30, scene: func(look int) street {
				things := []thing{car(1)}
				if look >= 10 && look < 13 {
					things[0].found = 0
					things = append(things, thing{box: place, seed: 50 + look})
				}
				return street{things: things}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"another vehicle takes the place",
			script{looks: 60, scene: func(look int) street {
				switch {
				case look < 20:
					return street{things: []thing{car(1)}}
				case look < 24:
					return street{}
				}
				return street{things: []thing{car(2).at(0.1, 0)}}
			}},
			[]expected{{0, 19, true, detect.Car}, {24, 59, false, detect.Car}},
		},
		{
			"a vehicle of the same kind takes the place, which was seen to be empty",
			script{looks: 30, scene: func(look int) street {
				switch {
				case look < 10:
					return street{things: []thing{car(1)}}
				case look < 12:
					return street{}
				}
				return street{things: []thing{car(1), trim}}
			}},
			[]expected{{0, 9, true, detect.Car}, {12, 29, false, detect.Car}},
		},
		{
			"a vehicle looks otherwise after something unknown hid it, and was found all the time",
			script{looks: 30, scene: func(look int) street {
				switch {
				case look < 10:
					return street{things: []thing{car(1)}}
				case look < 12:
					return street{things: []thing{car(50+look).at(0.2, 0).scored(0.3)}}
				}
				return street{things: []thing{car(1), trim}}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"another vehicle takes the place between two rare looks",
			script{looks: 30, every: 10 * time.Second, scene: func(look int) street {
				return street{things: []thing{car(1 + look/15)}}
			}},
			[]expected{{0, 14, true, detect.Car}, {15, 29, false, detect.Car}},
		},
		{
			"a shadow falls on half of it",
			script{looks: 40, scene: func(look int) street {
				c := car(1)
				if look >= 15 {
					c.dark = 0.6
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"a shadow falls on half of it between rare looks",
			script{looks: 40, every: 10 * time.Second, scene: func(look int) street {
				c := car(1)
				if look >= 15 {
					c.dark = 0.6
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"its boot is opened: other pixels, the same box",
			script{looks: 40, scene: func(look int) street {
				return street{things: []thing{car(1 + look/20)}}
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"pictures that cannot be compared",
			script{looks: 40, scene: func(look int) street {
				s := street{things: []thing{car(1)}}
				if look >= 10 && look < 25 {
					s = street{lost: true, things: []thing{car(7).at(1, 1)}}
				}
				return s
			}},
			[]expected{{0, 39, false, detect.Car}},
		},
		{
			"out of sight for minutes, and just as it was",
			unseen(300, time.Second, car(1)),
			[]expected{{0, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and another one of its kind there",
			unseen(300, time.Second, car(1), trim),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and in another light",
			unseen(300, time.Second, thing{box: place, seed: 1, found: 0.8, dark: 0.6}),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and parked anew a little further",
			unseen(300, time.Second, car(1).at(0.08, 0)),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
		{
			"out of sight for minutes, and only paint where it was",
			unseen(300, time.Second, car(1).scored(0)),
			[]expected{{0, 19, true, detect.Car}},
		},
		{
			"out of sight for half an hour",
			unseen(300, 10*time.Second, car(1)),
			[]expected{{0, 19, true, detect.Car}, {200, 299, false, detect.Car}},
		},
	})
}

// TestAnotherComesUnseen has nobody look at a street for a while, after which a
// vehicle stands where one stood that looks much like it.
func TestAnotherComesUnseen(t *testing.T) {
	for _, test := range []struct {
		name    string
		away    time.Duration
		dark    float64 // by which it looks different; 0: it is the same one
		restart bool
		lost    bool // a look in between shows another street
		goesOn  bool
	}{
		{name: "no time for another one", away: 10 * time.Second, dark: 0.55, goesOn: true},
		{name: "another one", away: 20 * time.Second, dark: 0.55},
		{name: "the same one", away: 20 * time.Second, goesOn: true},
		{name: "another one, while nothing could be seen", away: 20 * time.Second, dark: 0.55, lost: true},
		{name: "a quick restart", away: 3 * time.Second, dark: 0.55, restart: true, goesOn: true},
		{name: "another one during a restart", away: 8 * time.Second, dark: 0.55, restart: true},
		{name: "the same one after a restart", away: 8 * time.Second, restart: true, goesOn: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := street{things: []thing{car(1)}}, street{things: []thing{car(1)}}
			after.things[0].dark = test.dark
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			first := script{scene: func(int) street { return before }}.play(tracker, 0, 10)
			if test.restart {
				tracker = detect.NewTracker(detect.DefaultConfig(), "kerb", tracker.Snapshot()...)
			}
			at := first[0].End.Add(test.away)
			if test.lost {
				between := at.Add(-test.away / 2)
				tracker.Look(street{lost: true}.look(between))
			}
			open := map[string]bool{}
			for range 10 {
				for _, s := range tracker.Look(after.look(at)) {
					open[s.ID] = !s.Ended
				}
				at = at.Add(time.Second)
			}
			stops := 1
			if !test.goesOn {
				stops = 2
			}
			if open[first[0].ID] != test.goesOn || len(open) != stops {
				t.Errorf("the stop is open: %v, of %d stops; want %v, of %d", open[first[0].ID], len(open), test.goesOn, stops)
			}
		})
	}
}
