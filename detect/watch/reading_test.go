package watch_test

import (
	"errors"
	"image"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/detect/watch"
	"tidewatch/ingest/decode"
)

// reader gives prepared reads, and remembers how often it was asked.
type reader struct {
	reads     []plate.Read
	err       error
	narrowest float64 // vehicle in pixels
	calls     int
}

func (r *reader) Read(*decode.Picture, detect.Box) (plate.Read, error) {
	read := r.reads[r.calls%len(r.reads)]
	r.calls++
	return read, r.err
}

// Legible implements watch.PlateReader.
func (r *reader) Legible(width float64) bool { return width >= r.narrowest }

func good(text string) plate.Read {
	return plate.Read{Text: text, Kind: plate.Blue, Confidence: 0.9, Accepted: true}
}

func TestPlates(t *testing.T) {
	hiding := detect.Detection{Box: detect.Box{X: 0.25, Y: 0.42, W: 0.3, H: 0.2}, Class: detect.Truck, Score: 0.3}
	tests := []struct {
		name      string
		reader    reader
		beside    []detect.Detection
		want      plate.Read
		outcome   string
		least     float64 // attempts with that outcome
		mostCalls int
	}{
		{
			name:   "read alike each time",
			reader: reader{reads: []plate.Read{good("京A12345")}},
			want:   good("京A12345"), outcome: "accepted", least: 5, mostCalls: 5,
		},
		{
			name:   "one hint among good reads",
			reader: reader{reads: []plate.Read{good("京A12345"), good("京A12345"), {Text: "京A12S45", Confidence: 0.4}}},
			want:   good("京A12345"), outcome: "unread", least: 1, mostCalls: 6,
		},
		{
			name:   "good reads that disagree",
			reader: reader{reads: []plate.Read{good("京A12345"), good("京A12346")}},
			want:   plate.Read{Text: "京A12345", Kind: plate.Blue, Confidence: 0.9}, outcome: "accepted", least: 5, mostCalls: 12,
		},
		{
			name:   "no plate shows",
			reader: reader{reads: []plate.Read{{}}},
			want:   plate.Read{}, outcome: "none", least: 4, mostCalls: 5,
		},
		{
			name:   "the reader fails",
			reader: reader{reads: []plate.Read{good("京A12345")}, err: errors.New("out of order")},
			want:   plate.Read{}, outcome: "failed", least: 5, mostCalls: 12,
		},
		{
			name:   "too small in the picture",
			reader: reader{reads: []plate.Read{good("京A12345")}, narrowest: 1000},
			want:   plate.Read{}, outcome: "small", least: 50, mostCalls: 0,
		},
		{
			name:   "no plate shows at first",
			reader: reader{reads: []plate.Read{{}, good("京A12345"), good("京A12345"), good("京A12345"), good("京A12345"), good("京A12345")}},
			want:   good("京A12345"), outcome: "accepted", least: 4, mostCalls: 5,
		},
		{
			name:   "another vehicle is in front",
			reader: reader{reads: []plate.Read{good("京A12345")}},
			beside: []detect.Detection{hiding},
			want:   plate.Read{}, outcome: "hidden", least: 50, mostCalls: 0,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			finder := &script{looks: [][]detect.Detection{append(sure(bay), test.beside...)}}
			r := newRig(t, watch.DefaultConfig(), finder, &test.reader)
			pic := stage(t, true)
			var got plate.Read
			for second := range 90 {
				stops, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)})
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range stops {
					if s.Box.IoU(bay) > 0.9 {
						got = s.Plate
					}
				}
			}
			if got.Text != test.want.Text || got.Accepted != test.want.Accepted {
				t.Errorf("the plate is %q (accepted: %v), want %q (%v)", got.Text, got.Accepted, test.want.Text, test.want.Accepted)
			}
			if test.reader.calls > test.mostCalls {
				t.Errorf("it was read %d times, want at most %d", test.reader.calls, test.mostCalls)
			}
			if n := r.outcome(t, test.outcome); n < test.least {
				t.Errorf("outcome %q was counted %v times, want at least %v", test.outcome, n, test.least)
			}
		})
	}
}

// TestPlatesAreReadInPicturesOfTheStop checks that a plate is never read in a
// picture from before the vehicle stood, and only once in each.
func TestPlatesAreReadInPicturesOfTheStop(t *testing.T) {
	pic := stage(t, true)
	for _, test := range []struct {
		name  string
		shown func(second int) int // second in which the picture at full size was taken
		calls int
	}{
		{"a picture of each look", func(second int) int { return second }, 5},
		{"the main stream is away", func(int) int { return -10 }, 0},
		{"the main stream brings one every ten seconds", func(second int) int { return second - second%10 }, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			plates := &reader{reads: []plate.Read{good("京A12345")}}
			r := newRig(t, watch.DefaultConfig(), &script{looks: [][]detect.Detection{sure(bay)}}, plates)
			for second := range 20 {
				taken := test.shown(second)
				shot := detect.Shot{At: at(taken), Unit: unit(t, taken, pic)}
				if _, err := r.Look(t.Context(), at(second), pic, shot); err != nil {
					t.Fatal(err)
				}
			}
			if plates.calls != test.calls {
				t.Errorf("read %d times, want %d", plates.calls, test.calls)
			}
		})
	}
}

// outcome is how often plate reads had an outcome.
func (r rig) outcome(t *testing.T, outcome string) float64 {
	t.Helper()
	if problems, err := testutil.GatherAndLint(r.registry); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "outcome" && l.GetValue() == outcome {
					return m.GetCounter().GetValue()
				}
			}
		}
	}
	t.Fatalf("no plate reads are counted as %q", outcome)
	return 0
}

func TestPlatesPerLook(t *testing.T) {
	cfg := watch.DefaultConfig()
	var found []detect.Detection
	var boxes []detect.Box
	for i := range 5 {
		box := detect.Box{X: 0.02 + 0.19*float64(i), Y: 0.3, W: 0.15, H: 0.2}
		boxes = append(boxes, box)
		found = append(found, sure(box)...)
	}
	found = append(found, detect.Detection{Box: detect.Box{X: 0.4, Y: 0.7, W: 0.1, H: 0.2}, Class: detect.Bicycle, Score: 0.9})
	pic := painted(t, image.Rect(0, 0, 320, 240))
	plates := &reader{reads: []plate.Read{good("京A12345")}}
	r := newRig(t, cfg, &script{looks: [][]detect.Detection{found}}, plates)
	for second := range 40 {
		before := plates.calls
		stops, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)})
		if err != nil {
			t.Fatal(err)
		}
		if n := plates.calls - before; n > cfg.PlatesPerLook {
			t.Fatalf("second %d: %d plates were read, want at most %d", second, n, cfg.PlatesPerLook)
		}
		if second == 39 {
			read := 0
			for _, s := range stops {
				if s.Plate.Accepted {
					read++
				}
			}
			if read != len(boxes) {
				t.Errorf("%d vehicles have a plate, want the %d motor vehicles", read, len(boxes))
			}
		}
	}
}
