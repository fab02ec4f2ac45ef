package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/pprof/profile"

	"tidewatch/cmd/benchrig"
)

// profileOf is a profile of stacks, the innermost function first, each with the
// nanoseconds spent in it.
func profileOf(t *testing.T, stacks map[int64][]string) []byte {
	t.Helper()
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1,
	}
	for nanoseconds, stack := range stacks {
		sample := &profile.Sample{Value: []int64{1, nanoseconds}}
		for _, name := range stack {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			l := &profile.Location{ID: uint64(len(p.Location) + 1), Line: []profile.Line{{Function: f}}}
			p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			sample.Location = append(sample.Location, l)
		}
		p.Sample = append(p.Sample, sample)
	}
	var data bytes.Buffer
	if err := p.Write(&data); err != nil {
		t.Fatal(err)
	}
	return data.Bytes()
}

func TestStages(t *testing.T) {
	const look = "tidewatch/detect/watch.(*Watcher).Look"
	data := profileOf(t, map[int64][]string{
		10: {"runtime.cgocall", "tidewatch/detect/model.(*Network).Run", "tidewatch/detect/model.(*Vehicles).Find", "tidewatch/detect/model.(*Camera).Find", look},
		20: {"runtime.cgocall", "tidewatch/ingest/decode.(*Pool).DecodeWithin", "main.(*camera).lookAt"},
		// The full picture is decoded to read a plate.
		5:  {"tidewatch/ingest/decode.(*Pool).Decode", "tidewatch/detect/watch.(*Watcher).readPlates", look},
		3:  {"tidewatch/detect/picture.NewGrey", look},
		2:  {"tidewatch/detect.(*Tracker).Look", look},
		40: {"syscall.Read", "github.com/bluenviron/gortsplib/v5.(*Client).read"},
	})
	got, err := stages(data)
	if err != nil {
		t.Fatal(err)
	}
	want := map[stage]float64{
		stageIngest: 0.5, stageDecode: 0.25, stageInference: 0.125, stagePlates: 0.0625, stagePicture: 0.0375, stageRest: 0.025,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("shares (-want +got):\n%s", diff)
	}
	if _, err := stages([]byte("no profile")); err == nil {
		t.Error("what is no profile has stages")
	}
}

// TestArrivals has two cameras whose vehicles come at 60 and 120 seconds of the
// films, which begin a minute apart.
func TestArrivals(t *testing.T) {
	began := time.Unix(1000, 0)
	at := func(seconds float64) time.Time { return began.Add(time.Duration(seconds * float64(time.Second))) }
	for name, test := range map[string]struct {
		from, until float64
		took        []opening
		want        result
	}{
		"both seen":                     {50, 130, []opening{{0, at(63)}, {0, at(64)}, {1, at(125)}, {1, at(122)}}, result{Arrivals: 4, Seen: 4, Slowest: 5}},
		"one late":                      {50, 110, []opening{{0, at(63)}, {0, at(72)}}, result{Arrivals: 2, Seen: 1, Slowest: 12}},
		"not seen":                      {50, 110, nil, result{Arrivals: 2}},
		"seen by the other camera only": {50, 110, []opening{{1, at(63)}}, result{Arrivals: 2}},
		"seen in the second round":      {170, 230, []opening{{0, at(62)}, {0, at(183)}, {0, at(184)}}, result{Arrivals: 2, Seen: 2, Slowest: 4}},
		"none came":                     {70, 110, []opening{{0, at(63)}}, result{}},
		"came too late to be measured":  {50, 60, []opening{{0, at(63)}}, result{}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &worker{cmd: &workerCmd{At: []int{0, 1}, Count: 2, Began: began.UnixNano()}, took: test.took}
			var got result
			w.arrivals(&got, at(test.from), at(test.until))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("arrivals (-want +got):\n%s", diff)
			}
		})
	}
	if got := benchrig.Phase(1, 2, length); got != time.Minute {
		t.Errorf("the second of two cameras is %v later", got)
	}
}
