package detect_test

import (
	"testing"
	"time"

	"tidewatch/detect"
)

// ghostly is a box over a part of the place, from a share of its width on.
func ghostly(from, width, score float64) thing {
	return thing{box: detect.Box{X: place.X + from*place.W, Y: place.Y, W: width * place.W, H: place.H}, seed: ghost, found: score}
}

// TestBacking is of what the detector says.
func TestBacking(t *testing.T) {
	play(t, []scripted{
		{
			"box in every third look only",
			script{looks: 30, scene: func(look int) street {
				c := car(1)
				if look%3 != 0 {
					c.found = 0
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 29, false, detect.Car}},
		},
		{
			"a lorry drives by, of whose box most is sky and road",
			script{looks: 30, scene: func(look int) street {
				road, lorry := car(1).scored(0), ghostly(0, 1, 0.8)
				if look < 5 || look > 6 {
					lorry.found = 0
				}
				return street{things: []thing{road, lorry}}
			}},
			nil,
		},
		{
			"detector loses it later, the pixels do not",
			script{looks: 60, scene: func(look int) street {
				c := car(1)
				if look > 20 {
					c.found = 0
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 59, false, detect.Car}},
		},
		{
			"steady low scores are enough",
			script{looks: 10, scene: always(car(1).scored(0.36))},
			[]expected{{0, 9, false, detect.Car}},
		},
		{
			"road paint: low scores now and then",
			script{looks: 60, scene: func(look int) street {
				scores := []float64{0.31, 0, 0.43, 0.2, 0, 0.29, 0.34, 0, 0.12, 0.25, 0, 0.3}
				return street{things: []thing{car(1).scored(scores[look%len(scores)])}}
			}},
			nil,
		},
		{
			"a railing that is a vehicle once",
			script{looks: 12, scene: func(look int) street {
				scores := []float64{0.18, 0.26, 0.2, 0.52, 0.21, 0.15, 0.18}
				return street{things: []thing{car(1).scored(scores[look%len(scores)])}}
			}},
			nil,
		},
		{
			"a tree divides it: boxes of its ends, and now and then one of the whole",
			script{looks: 60, scene: func(look int) street {
				front, rear := ghostly(0, 0.6, 0.7), ghostly(0.65, 0.35, 0.38)
				if look%9 == 4 {
					return street{things: []thing{car(1), front.scored(0), rear}}
				}
				return street{things: []thing{car(1).scored(0), front, rear}}
			}},
			[]expected{{0, 59, false, detect.Car}, {0, 13, true, detect.Car}},
		},
		{
			"two vehicles side by side, and now and then a box over both",
			script{looks: 60, scene: func(look int) street {
				both := ghostly(0, 2, 0)
				if look%9 < 2 {
					both.found = 0.5
				}
				return street{things: []thing{car(1), car(2).at(1, 0).scored(0.6), both}}
			}},
			[]expected{{0, 59, false, detect.Car}, {0, 59, false, detect.Car}},
		},
		{
			"a bus drives by twice in front of two vehicles",
			script{looks: 30, scene: func(look int) street {
				things := []thing{car(1), car(2).at(1.2, 0).scored(0.45)}
				if look%10 == 5 {
					things[0].found, things[1].found = 0, 0
					things = append(things, thing{box: detect.Box{X: 0.35, Y: 0.35, W: 0.4, H: 0.2}, seed: 100 + look, found: 0.9, class: detect.Bus})
				}
				return street{things: things}
			}},
			[]expected{{0, 29, false, detect.Car}, {0, 29, false, detect.Car}},
		},
		{
			"the camera turns until only its end shows, and back",
			script{looks: 60, scene: func(look int) street {
				away := min(max(0, 0.02*float64(look-10)), max(0, 0.02*float64(50-look)), 0.47)
				front := ghostly(0, 0.6, 0.8)
				end := ghostly(0.6, 0.4, 0)
				if away > 0.4 {
					front.found, end.found = 0, 0.8
				}
				return street{things: []thing{car(1).scored(0), front, end}, camera: detect.Box{X: away, W: 1, H: 1}}
			}},
			[]expected{{0, 59, false, detect.Car}},
		},
		{
			"road paint that is not believed is not judged anew when something has passed",
			script{looks: 60, scene: func(look int) street {
				paint := car(1).scored(0.22)
				switch look % 30 {
				case 20:
					return street{things: []thing{paint.scored(0), {box: place, seed: 7}}}
				case 21, 22, 23, 24:
					paint.found = 0.37
				}
				return street{things: []thing{paint}}
			}},
			nil,
		},
		{
			"a vehicle that was not believed in the dark is believed when it is clear",
			script{looks: 90, scene: func(look int) street {
				c := car(1).scored(0.15)
				if look >= 60 {
					c.found = 0.5
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 89, false, detect.Car}},
		},
		{
			"a second box for a part of it",
			script{looks: 20, scene: func(int) street {
				whole := car(1)
				part := thing{box: detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.04}, seed: 1, found: 0.5}
				s := street{things: []thing{part, whole}}
				return s
			}},
			[]expected{{0, 19, false, detect.Car}},
		},
		{
			"the class most boxes say",
			script{looks: 20, scene: func(look int) street {
				c := car(1)
				if look%4 != 0 {
					c.class = detect.Truck
				}
				return street{things: []thing{c}}
			}},
			[]expected{{0, 19, false, detect.Truck}},
		},
	})
}

// TestClassOverLooks sees a van now as a lorry and now as a bus, and each time a
// little less as a car.
func TestClassOverLooks(t *testing.T) {
	tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
	scene := street{things: []thing{car(1)}}
	var stops []detect.Stop
	for n := range 20 {
		next := scene.look(start.Add(time.Duration(n) * time.Second))
		best := []detect.Class{detect.Truck, detect.Bus}[n%2]
		next.Found[0].Class = best
		next.Found[0].Classes = map[detect.Class]float64{best: 0.4, detect.Car: 0.35}
		stops = tracker.Look(next)
	}
	if len(stops) != 1 || stops[0].Class != detect.Car {
		t.Errorf("stops %+v, want one of a car", stops)
	}
}
