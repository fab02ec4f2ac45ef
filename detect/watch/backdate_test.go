package watch_test

import (
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/detect/watch"
	"tidewatch/ingest/decode"
)

// pastOf is what a camera's ring holds that was not looked at.
type pastOf func(time.Time) []detect.Shot

func (p pastOf) Before(at time.Time) []detect.Shot { return p(at) }

// TestRareLooksFindTheBeginning looks at a vehicle every four seconds, and
// wants the second in which it came to stand.
func TestRareLooksFindTheBeginning(t *testing.T) {
	present, gone := stage(t, true), stage(t, false)
	defer present.Close()
	defer gone.Close()
	const came = 9
	taken := func(second int) *decode.Picture {
		if second >= came {
			return present
		}
		return gone
	}
	cfg := watch.DefaultConfig()
	cfg.Past = pastOf(func(before time.Time) []detect.Shot {
		var shots []detect.Shot
		for second := 40; second >= 0; second-- {
			if at(second).Before(before) {
				shots = append(shots, detect.Shot{At: at(second), Unit: unit(t, second, taken(second))})
			}
		}
		return shots
	})
	finder := &script{looks: [][]detect.Detection{nil}}
	r := newRig(t, cfg, finder, nil)
	var stops []detect.Stop
	for second := 0; second <= 20; second += 4 {
		if second >= came {
			finder.looks = [][]detect.Detection{sure(bay)}
		}
		var err error
		if stops, err = r.Look(t.Context(), at(second), taken(second), detect.Shot{At: at(second), Unit: unit(t, second, taken(second))}); err != nil {
			t.Fatal(err)
		}
	}
	if len(stops) != 1 || !stops[0].Start.Equal(at(came)) {
		t.Fatalf("stops %+v, want one that begins at second %d", stops, came)
	}
	if first := stops[0].Observations[0]; !first.At.Equal(at(came)) || first.Unit == nil {
		t.Errorf("the first picture is of %s", first.At)
	}
	if n := r.metric(t, "tidewatch_detect_backdated_pictures_total"); n != 12-came {
		t.Errorf("%v pictures backdated, want %d", n, 12-came)
	}
}

// TestRareLooksFindTheEnd looks at a vehicle every four seconds until it has left,
// and wants the second in which it was last there.
func TestRareLooksFindTheEnd(t *testing.T) {
	present, gone := stage(t, true), stage(t, false)
	defer present.Close()
	defer gone.Close()
	const left = 31
	taken := func(second int) *decode.Picture {
		if second < left {
			return present
		}
		return gone
	}
	cfg := watch.DefaultConfig()
	asked := 0
	cfg.Past = pastOf(func(before time.Time) []detect.Shot {
		asked++
		var shots []detect.Shot
		for second := 60; second >= 0; second-- {
			if at(second).Before(before) {
				shots = append(shots, detect.Shot{At: at(second), Unit: unit(t, second, taken(second))})
			}
		}
		return shots
	})
	finder := &script{looks: [][]detect.Detection{sure(bay)}}
	r := newRig(t, cfg, finder, nil)
	var ended []detect.Stop
	for second := 0; second <= 60; second += 4 {
		if second >= left {
			finder.looks = [][]detect.Detection{nil}
		}
		stops, err := r.Look(t.Context(), at(second), taken(second), detect.Shot{At: at(second), Unit: unit(t, second, taken(second))})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stops {
			if s.Ended {
				ended = append(ended, s)
			}
		}
	}
	if len(ended) != 1 || !ended[0].End.Equal(at(left-1)) {
		t.Fatalf("ended %+v, want one that ends at second %d", ended, left-1)
	}
	if last := ended[0].Observations[len(ended[0].Observations)-1]; !last.At.Equal(at(left-1)) || last.Unit == nil {
		t.Errorf("the last picture is of %s", last.At)
	}
	if n := r.metric(t, "tidewatch_detect_postdated_pictures_total"); n != 2 {
		t.Errorf("%v pictures postdated, want 2", n)
	}
	if asked != 2 {
		t.Errorf("earlier pictures were asked for %d times, want once for the beginning and once for the end", asked)
	}
}
