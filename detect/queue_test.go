package detect_test

import (
	"fmt"
	"testing"
	"time"

	"tidewatch/detect"
)

// waits is a vehicle that stands from one look until another one, and drives in
// from the right, where nothing else is said, and out to the left.
type waits struct {
	x, y        float64
	from, until int
	size        float64 // of its sides; 0 is that of the others
	class       detect.Class
	inX, inY    float64 // from where it comes, in its widths and heights a look; 0: from the right
}

func (w waits) at(look, seed int) []thing {
	size := w.size
	if size == 0 {
		size = 1
	}
	box := detect.Box{X: w.x, Y: w.y - 0.08*size, W: 0.1 * size, H: 0.08 * size}
	switch {
	case look < w.from-3 || look >= w.until+3:
		return nil
	case look < w.from:
		if w.inX == 0 && w.inY == 0 {
			w.inX = 1
		}
		box.X += w.inX * 0.1 * float64(w.from-look)
		box.Y += w.inY * 0.08 * float64(w.from-look)
	case look >= w.until:
		box.X -= 0.1 * float64(look-w.until+1)
	}
	if box.X >= 1 || box.X+box.W <= 0 {
		return nil
	}
	return []thing{{box: box, seed: seed, found: 0.8, class: w.class}}
}

// street of vehicles, those farther away first.
func waiting(all ...waits) func(int) street {
	return func(look int) street {
		var s street
		for i, w := range all {
			s.things = append(s.things, w.at(look, 20+i)...)
		}
		return s
	}
}

// line is some vehicles in a lane, each of which comes and leaves so many looks
// after the one before it.
func line(n int, y float64, from, until, come, leave int) []waits {
	var all []waits
	for i := range n {
		all = append(all, waits{x: 0.1 + 0.13*float64(i), y: y, from: from + come*i, until: until + leave*i})
	}
	return all
}

// flow is traffic in a lane, a vehicle in six looks.
type flow struct {
	y           float64 // of its wheels
	x           float64 // not zero: it goes down there instead
	step        float64 // of each in a look; less than zero: to the left, as those that wait drive
	from, until int     // looks in which they come into view
}

func (f flow) at(look int) (there []thing) {
	for n := max(f.from, look-12); n <= look && n < f.until; n++ {
		x := f.step * float64(look-n)
		if f.step < 0 {
			x += 0.95
		}
		if n%6 == 0 && x >= 0 && x < 0.95 {
			box := detect.Box{X: x, Y: f.y - 0.08, W: 0.1, H: 0.08}
			if f.x != 0 {
				box.X, box.Y = f.x, x
			}
			there = append(there, thing{box: box, seed: 1000 + n, found: 0.8})
		}
	}
	return there
}

// forever is a look that is not reached.
const forever = 1 << 20

func TestQueues(t *testing.T) {
	const long = 400
	excused := int(detect.LongestQueue / time.Second)
	tests := []struct {
		name  string
		waits []waits
		flow  flow
		// dwell is what counts of each at most, in looks, and at least: in order of
		// waits.
		most, least []int
	}{
		{
			name:  "a signal: four come and leave one after the other",
			waits: line(4, 0.5, 20, 220, 4, 2),
			most:  []int{0, 2, 4, 6}, least: []int{0, 0, 0, 0},
		},
		{
			name:  "a jam that comes to stand at once",
			waits: line(4, 0.5, 20, 220, 0, 1),
			most:  []int{0, 2, 4, 6}, least: []int{0, 0, 0, 0},
		},
		{
			name:  "two lanes",
			waits: append(line(4, 0.5, 20, 220, 4, 2), line(4, 0.7, 22, 222, 5, 2)...),
			most:  []int{0, 2, 4, 6, 0, 2, 4, 6}, least: []int{0, 0, 0, 0, 0, 0, 0, 0},
		},
		{
			name:  "a bus in the queue",
			waits: []waits{{x: 0.1, y: 0.5, from: 20, until: 220}, {x: 0.22, y: 0.5, from: 24, until: 222, size: 2.4}, {x: 0.48, y: 0.5, from: 28, until: 224}},
			most:  []int{0, 2, 4}, least: []int{0, 0, 0},
		},
		{
			name:  "two are no queue",
			waits: line(2, 0.5, 20, 220, 4, 2),
			most:  []int{200, 200}, least: []int{195, 195},
		},
		{
			name: "a motorcycle behind two",
			waits: []waits{
				{x: 0.1, y: 0.5, from: 20, until: 220},
				{x: 0.23, y: 0.5, from: 21, until: 220},
				{x: 0.36, y: 0.5, from: 36, until: 220, class: detect.Motorcycle},
			},
			most: []int{200, 199, 184}, least: []int{195, 194, 179},
		},
		{
			name:  "of four that came together one leaves, and the others stay",
			waits: append([]waits{{x: 0.1, y: 0.5, from: 20, until: 60}}, line(4, 0.5, 20, forever, 4, 0)[1:]...),
			most:  []int{0, long - 60, long - 60, long - 60}, least: []int{0, long - 64, long - 64, long - 64},
		},
		{
			name: "three that pull in from the lane beside",
			waits: []waits{
				{x: 0.1, y: 0.5, from: 20, until: 220, inX: 1, inY: 0.5},
				{x: 0.23, y: 0.5, from: 30, until: 220, inX: 1, inY: 0.5},
				{x: 0.36, y: 0.5, from: 42, until: 220, inX: 1, inY: 0.5},
			},
			most: []int{200, 190, 178}, least: []int{195, 185, 173},
		},
		{
			name: "one of a queue changed lanes at the end of it",
			waits: []waits{
				{x: 0.1, y: 0.5, from: 20, until: 220},
				{x: 0.23, y: 0.5, from: 24, until: 222, inX: 1, inY: 0.5},
				{x: 0.36, y: 0.5, from: 28, until: 224},
			},
			most: []int{0, 2, 4}, least: []int{0, 0, 0},
		},
		{
			name:  "three at the kerb beside a lane that moves",
			waits: line(3, 0.5, 20, 220, 4, 2), flow: flow{y: 0.62, step: -0.12, from: 30, until: forever},
			most: []int{200, 198, 196}, least: []int{195, 193, 191},
		},
		{
			name:  "a queue beside oncoming traffic",
			waits: line(3, 0.5, 20, 220, 4, 2), flow: flow{y: 0.62, step: 0.12, from: 30, until: forever},
			most: []int{0, 2, 4}, least: []int{0, 0, 0},
		},
		{
			name:  "a queue to turn left, beside the lane that goes on",
			waits: line(3, 0.5, 20, 220, 4, 2), flow: flow{y: 0.38, step: -0.12, from: 30, until: forever},
			most: []int{0, 2, 4}, least: []int{0, 0, 0},
		},
		{
			name:  "a queue, and traffic that crosses behind it",
			waits: line(3, 0.5, 20, 220, 4, 2), flow: flow{x: 0.55, step: 0.12, from: 36, until: 216},
			most: []int{0, 2, 4}, least: []int{0, 0, 0},
		},
		{
			name:  "a queue beside those who may turn left",
			waits: line(3, 0.5, 20, 220, 4, 2), flow: flow{y: 0.62, step: -0.12, from: 60, until: 100},
			most: []int{0, 2, 4}, least: []int{0, 0, 0},
		},
		{
			name:  "a row that fills over minutes",
			waits: line(4, 0.5, 20, 300, 55, 0),
			most:  []int{280, 225, 170, 115}, least: []int{275, 220, 165, 110},
		},
		{
			name:  "a row that fills from the back and the middle",
			waits: []waits{{x: 0.1, y: 0.5, from: 60, until: 300}, {x: 0.23, y: 0.5, from: 20, until: 300}, {x: 0.36, y: 0.5, from: 40, until: 300}},
			most:  []int{240, 280, 260}, least: []int{235, 275, 255},
		},
		{
			name:  "a row that stood there from the beginning",
			waits: line(4, 0.5, -10, 300, 0, 0),
			most:  []int{300, 300, 300, 300}, least: []int{295, 295, 295, 295},
		},
		{
			name:  "three come together and stay",
			waits: line(3, 0.5, 20, forever, 3, 0),
			most:  []int{long - 20 - excused, long - 23 - excused, long - 26 - excused}, least: []int{long - 22 - excused, long - 25 - excused, long - 28 - excused},
		},
		{
			name:  "one stays when the others drive on",
			waits: []waits{{x: 0.1, y: 0.5, from: 20, until: 100}, {x: 0.23, y: 0.5, from: 24, until: 102}, {x: 0.36, y: 0.5, from: 28, until: forever}},
			most:  []int{0, 2, long - 100}, least: []int{0, 0, long - 102},
		},
		{
			name:  "one beside a queue",
			waits: append(line(4, 0.5, 20, 220, 4, 2), waits{x: 0.17, y: 0.58, from: 26, until: 300}),
			most:  []int{0, 2, 4, 6, 274}, least: []int{0, 0, 0, 0, 270},
		},
		{
			name:  "one parked in front of a queue before that",
			waits: append(line(3, 0.5, 120, 220, 4, 2), waits{x: 0, y: 0.5, from: 20, until: 300}),
			most:  []int{0, 2, 4, 280}, least: []int{0, 0, 0, 275},
		},
		{
			name:  "three with gaps of two lengths",
			waits: []waits{{x: 0.1, y: 0.5, from: 20, until: 220}, {x: 0.4, y: 0.5, from: 24, until: 220}, {x: 0.7, y: 0.5, from: 28, until: 220}},
			most:  []int{200, 196, 192}, least: []int{195, 191, 187},
		},
		{
			name: "a queue that comes towards the camera",
			waits: []waits{
				{x: 0.6, y: 0.4, from: 20, until: 220, size: 0.8, inX: -0.4, inY: 0.8},
				{x: 0.57, y: 0.45, from: 24, until: 222, size: 0.9, inX: -0.4, inY: 0.8},
				{x: 0.535, y: 0.51, from: 28, until: 224, inX: -0.4, inY: 0.8},
			},
			most: []int{0, 3, 3}, least: []int{0, 0, 0},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			tracker := detect.NewTracker(detect.DefaultConfig(), "kerb")
			scene := waiting(test.waits...)
			stops := script{looks: long, scene: func(look int) street {
				s := scene(look)
				s.things = append(s.things, test.flow.at(look)...)
				return s
			}}.play(tracker, 0, long)
			for i, w := range test.waits {
				stop := stopOf(t, stops, w)
				if dwell := int(stop.Dwell() / time.Second); dwell > test.most[i] || dwell < test.least[i] {
					t.Errorf("vehicle %d counts for %d s, want %d to %d: %v to %v, queued %v", i, dwell, test.least[i], test.most[i], stop.Start, stop.End, stop.Queued)
				}
			}
		})
	}
}

// stopOf is the stop of a vehicle.
func stopOf(t *testing.T, stops []detect.Stop, w waits) detect.Stop {
	t.Helper()
	box := w.at(max(w.from, 0), 1)[0].box
	var of []detect.Stop
	for _, s := range stops {
		if s.Box.IoU(box) > 0.7 && s.Looks > 20 {
			of = append(of, s)
		}
	}
	if len(of) != 1 {
		t.Fatalf("the vehicle at %v has %d stops", box, len(of))
	}
	return of[0]
}

// A later tracker goes on with a queue, and sees who leaves it.
func TestAQueueIsTakenUpAgain(t *testing.T) {
	const long = 200
	all := line(3, 0.5, 20, 120, 4, 2)
	all[2].until = forever
	scene := waiting(all...)
	for _, cut := range []int{40, 110} {
		t.Run(fmt.Sprintf("after %d looks", cut), func(t *testing.T) {
			first := detect.NewTracker(detect.DefaultConfig(), "kerb")
			script{scene: scene}.play(first, 0, cut)
			second := detect.NewTracker(detect.DefaultConfig(), "kerb", first.Snapshot()...)
			stops := script{scene: scene}.play(second, cut, long)
			stays := stopOf(t, stops, all[2])
			if dwell := stays.Dwell(); len(stays.Queued) != 1 || dwell < 75*time.Second || dwell > 80*time.Second {
				t.Errorf("it counts for %v, queued %v", dwell, stays.Queued)
			}
		})
	}
}

// What comes into view because the camera turns has not come to stand.
func TestARowThatComesIntoViewIsNoQueue(t *testing.T) {
	const long = 120
	pan := func(look int) street {
		s := street{camera: detect.Box{X: min(0.9, max(0, 0.012*float64(look-20))), W: 1, H: 1}}
		for i := range 4 {
			s.things = append(s.things, thing{box: detect.Box{X: 1.1 + 0.13*float64(i), Y: 0.42, W: 0.1, H: 0.08}, seed: 30 + i, found: 0.8})
		}
		return s
	}
	stops := script{scene: pan}.play(detect.NewTracker(detect.DefaultConfig(), "kerb"), 0, long)
	if len(stops) < 4 {
		t.Errorf("of four vehicles %d are found", len(stops))
	}
	for _, s := range stops {
		if len(s.Queued) > 0 {
			t.Errorf("the stop at %v is queued: %v", s.Box, s.Queued)
		}
	}
}

func TestDwellLeavesOutWhatIsUnseenAndQueuedOnce(t *testing.T) {
	span := func(from, until int) detect.Span {
		return detect.Span{From: start.Add(time.Duration(from) * time.Second), Until: start.Add(time.Duration(until) * time.Second)}
	}
	stop := detect.Stop{Start: start, End: start.Add(100 * time.Second), Unseen: []detect.Span{span(10, 30), span(60, 70)}, Queued: []detect.Span{span(0, 20)}}
	if dwell := stop.Dwell(); dwell != 60*time.Second {
		t.Errorf("dwell %v, want 1m0s", dwell)
	}
}
