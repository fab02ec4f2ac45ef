package watch_test

import (
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/detect"
	"tidewatch/detect/watch"
	"tidewatch/enforce/words"
	"tidewatch/ingest/decode"
)

// road is a textured street of which a camera sees 480x360, and the vehicle
// that may stand in it.
type road struct {
	t       *testing.T
	texture *image.RGBA
	vehicle *image.RGBA
	other   *image.RGBA
	views   map[shown]*decode.Picture // made so far
}

// shown is what makes a view.
type shown struct {
	noise  int
	from   image.Point
	parked bool
}

var (
	homeView = image.Pt(60, 40)
	// standsAt is where the vehicle stands in the street.
	standsAt = image.Rect(240, 180, 340, 250)
	// otherAt is beside what the camera should see.
	otherAt = image.Rect(545, 180, 645, 250)
)

func newRoad(t *testing.T) *road {
	texture := func(size image.Point, seed uint64) *image.RGBA {
		canvas := image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(canvas, canvas.Rect, image.NewUniform(color.Gray{Y: 110}), image.Point{}, draw.Src)
		random := rand.New(rand.NewPCG(seed, 1))
		for range size.X * size.Y / 150 {
			x, y := random.IntN(size.X), random.IntN(size.Y)
			shade := image.NewUniform(color.Gray{Y: uint8(random.IntN(256))})
			draw.Draw(canvas, image.Rect(x, y, x+2+random.IntN(20), y+2+random.IntN(14)), shade, image.Point{}, draw.Src)
		}
		return canvas
	}
	return &road{t, texture(image.Pt(700, 440), 1), texture(standsAt.Size(), 2), texture(otherAt.Size(), 3), map[shown]*decode.Picture{}}
}

// view is what the camera sees from a corner of the street.
func (r *road) view(noise int, from image.Point, parked bool) *decode.Picture {
	r.t.Helper()
	what := shown{noise, from, parked}
	if made, known := r.views[what]; known {
		return made
	}
	canvas := image.NewRGBA(image.Rect(0, 0, 480, 360))
	draw.Draw(canvas, canvas.Rect, r.texture, from, draw.Src)
	draw.Draw(canvas, otherAt.Sub(from), r.other, image.Point{}, draw.Src)
	if parked {
		draw.Draw(canvas, standsAt.Sub(from), r.vehicle, image.Point{}, draw.Src)
	}
	random := rand.New(rand.NewPCG(uint64(noise), 2))
	for range 60000 {
		canvas.Pix[random.IntN(len(canvas.Pix))/4*4] ^= 3
	}
	r.views[what] = decoded(r.t, canvas)
	return r.views[what]
}

// covered is a hand before the lens.
func (r *road) covered() *decode.Picture {
	canvas := image.NewRGBA(image.Rect(0, 0, 480, 360))
	draw.Draw(canvas, canvas.Rect, image.NewUniform(color.RGBA{R: 150, G: 100, B: 90, A: 255}), image.Point{}, draw.Src)
	return decoded(r.t, canvas)
}

// boxes are those of what a view shows.
func boxes(from image.Point, parked bool) []detect.Detection {
	var found []detect.Detection
	for _, v := range []struct {
		at   image.Rectangle
		seen bool
	}{{standsAt, parked}, {otherAt, true}} {
		at := v.at.Sub(from)
		if !v.seen || !at.In(image.Rect(0, 0, 480, 360)) {
			continue
		}
		box := detect.Box{
			X: float64(at.Min.X) / 480, Y: float64(at.Min.Y) / 360,
			W: float64(at.Dx()) / 480, H: float64(at.Dy()) / 360,
		}
		found = append(found, detect.Detection{Box: box, Class: detect.Car, Score: 0.9})
	}
	return found
}

// act is what a camera sees for a while.
type act struct {
	until  int // second
	hidden bool
	frozen bool
	away   image.Point // how far from home the camera looks; nowhere: nobody looks
	parked bool
}

// nowhere is where nobody looks.
var nowhere = image.Pt(-1, -1)

// play shows acts to a watcher and calls visit after each look.
func (r *road) play(w *watch.Watcher, finder *script, from int, acts []act, visit func(second int, stops []detect.Stop)) {
	r.t.Helper()
	second := from
	for _, a := range acts {
		for ; second < a.until; second++ {
			if a.away == nowhere {
				continue
			}
			corner := homeView.Add(a.away)
			noise := second % 23 // views are kept; one comes again, but not soon
			if a.frozen {
				noise = 99
			}
			pic, found := r.view(noise, corner, a.parked), boxes(corner, a.parked)
			if a.hidden {
				pic, found = r.covered(), nil
			}
			finder.looks = [][]detect.Detection{found}
			stops, err := w.Look(r.t.Context(), at(second), pic, detect.Shot{At: at(second)})
			if err != nil {
				r.t.Fatal(err)
			}
			visit(second, stops)
			w.Settle()
		}
	}
}

func fixed() watch.Config {
	cfg := watch.DefaultConfig()
	cfg.Zones = "as drawn"
	return cfg
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func TestWhatIsSeenAfterBlindness(t *testing.T) {
	away := image.Pt(48, 0)
	for name, test := range map[string]struct {
		acts   []act
		stops  int
		dwell  time.Duration // of the first stop
		unseen []detect.Span
		ended  bool
		why    string // while blind
	}{
		"always in sight": {
			acts: []act{{until: 60, parked: true}}, stops: 1, dwell: seconds(59),
		},
		"covered, the vehicle is still there": {
			acts:  []act{{until: 20, parked: true}, {until: 60, parked: true, hidden: true}, {until: 80, parked: true}},
			stops: 1, dwell: seconds(19 + 79 - 62), unseen: []detect.Span{{From: at(19), Until: at(62)}},
			why: "covers the lens",
		},
		"covered, and the vehicle gone": {
			acts:  []act{{until: 20, parked: true}, {until: 60, hidden: true}, {until: 90}},
			stops: 1, dwell: seconds(19), ended: true, why: "covers the lens",
		},
		"covered for minutes, and just as it was": {
			acts:  []act{{until: 20, parked: true}, {until: 150, parked: true, hidden: true}, {until: 160, parked: true}},
			stops: 1, dwell: seconds(19 + 159 - 152), unseen: []detect.Span{{From: at(19), Until: at(152)}}, why: "covers the lens",
		},
		"covered for too long to tell": {
			acts:  []act{{until: 20, parked: true}, {until: 940, parked: true, hidden: true}, {until: 950, parked: true}},
			stops: 2, dwell: seconds(19), ended: true, why: "covers the lens",
		},
		"covered for a moment": {
			acts:  []act{{until: 20, parked: true}, {until: 25, parked: true, hidden: true}, {until: 60, parked: true}},
			stops: 1, dwell: seconds(59),
		},
		"frozen": {
			acts:  []act{{until: 20, parked: true}, {until: 120, parked: true, frozen: true}, {until: 140, parked: true}},
			stops: 1, dwell: seconds(20 + 139 - 122), unseen: []detect.Span{{From: at(20), Until: at(122)}},
			why: "the same picture again and again",
		},
		"frozen for good": {
			acts:  []act{{until: 20, parked: true}, {until: 120, parked: true, frozen: true}},
			stops: 1, dwell: seconds(20), unseen: []detect.Span{{From: at(20), Until: at(24)}},
			why: "the same picture again and again",
		},
		"nobody looked for a moment": {
			acts: []act{{until: 20, parked: true}, {until: 45, away: nowhere}, {until: 60, parked: true}}, stops: 1, dwell: seconds(59),
		},
		"nobody looked for a while": {
			acts:  []act{{until: 20, parked: true}, {until: 60, away: nowhere}, {until: 80, parked: true}},
			stops: 1, dwell: seconds(19 + 79 - 60), unseen: []detect.Span{{From: at(19), Until: at(60)}},
		},
		"frozen for a moment": {
			acts:  []act{{until: 20, parked: true}, {until: 40, parked: true, frozen: true}, {until: 60, parked: true}},
			stops: 1, dwell: seconds(59),
		},
		"turned away and back": {
			acts:  []act{{until: 20, parked: true}, {until: 60, parked: true, away: away}, {until: 80, parked: true}},
			stops: 1, dwell: seconds(19 + 79 - 62), unseen: []detect.Span{{From: at(19), Until: at(62)}},
			why: "lies up to 10 % away",
		},
		"turned away for good": {
			acts:  []act{{until: 20, parked: true}, {until: 940, parked: true, away: away}},
			stops: 1, dwell: seconds(19), ended: true, why: "lies up to 10 % away",
		},
		"knocked by three pixels": {
			acts: []act{{until: 20, parked: true}, {until: 60, parked: true, away: image.Pt(3, 0)}}, stops: 1, dwell: seconds(59),
		},
	} {
		t.Run(name, func(t *testing.T) {
			finder := &script{}
			r := newRig(t, fixed(), finder, nil)
			seen := map[string]detect.Stop{}
			var first, why string
			newRoad(t).play(r.Watcher, finder, 0, test.acts, func(second int, stops []detect.Stop) {
				for _, s := range stops {
					if first == "" {
						first = s.ID
					}
					seen[s.ID] = s
				}
				if blind := r.WhyBlind(); blind.Code != "" {
					why = words.In(words.English).Cause(blind)
				}
			})
			got := seen[first]
			if len(seen) != test.stops || got.Dwell() != test.dwell || got.Ended != test.ended {
				t.Errorf("%d stops, the first stands for %v (%v to %v), ended: %v", len(seen), got.Dwell(), got.Start, got.End, got.Ended)
			}
			if diff := cmp.Diff(test.unseen, got.Unseen); diff != "" {
				t.Errorf("unseen (-want +got):\n%s", diff)
			}
			if (why == "") != (test.why == "") || !strings.Contains(why, test.why) {
				t.Errorf("blind because %q, want %q", why, test.why)
			}
			blind := 0.0
			if r.Blind() {
				blind = 1
			}
			if got := r.metric(t, "tidewatch_detect_scene_blind"); got != blind {
				t.Errorf("%v reasons for blindness by the metrics, want %v", got, blind)
			}
			if doubts := r.metric(t, "tidewatch_detect_scene_doubts_total"); test.why != "" && doubts < 20 {
				t.Errorf("%v doubts were counted", doubts)
			}
		})
	}
}

// While a camera looks elsewhere, what stands there is no stop, and what stood
// before keeps its place: zones are drawn in the picture as it was.
func TestAMovedPictureOpensNothing(t *testing.T) {
	for name, test := range map[string]struct {
		zones string
		stops int
		still bool // the box is where it was
	}{
		"with zones":           {"as drawn", 1, true},
		"without: followed on": {"", 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			finder := &script{}
			cfg := fixed()
			cfg.Zones = test.zones
			r := newRig(t, cfg, finder, nil)
			seen := map[string]detect.Stop{}
			acts := []act{{until: 20, parked: true}, {until: 60, parked: true, away: image.Pt(120, 0)}}
			var box detect.Box
			newRoad(t).play(r.Watcher, finder, 0, acts, func(second int, stops []detect.Stop) {
				for _, s := range stops {
					if second < 20 {
						box = s.Box
					} else if s.Start.Before(at(10)) && (s.Box == box) != test.still {
						t.Errorf("second %d: the box is %v, was %v", second, s.Box, box)
					}
					seen[s.ID] = s
				}
			})
			if len(seen) != test.stops {
				t.Errorf("%d stops, want %d", len(seen), test.stops)
			}
		})
	}
}

// A camera is known again after a restart by what it showed when its zones were
// drawn.
func TestTheReferenceSurvivesARestart(t *testing.T) {
	away := image.Pt(48, 0)
	for name, test := range map[string]struct {
		zones string
		away  image.Point
		blind bool
	}{
		"as it was":                    {"as drawn", image.Point{}, false},
		"turned while nobody looked":   {"as drawn", away, true},
		"turned, and zones drawn anew": {"drawn anew", away, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, finder, street := fixed(), &script{}, newRoad(t)
			cfg.Dir = t.TempDir()
			before := newRig(t, cfg, finder, nil)
			street.play(before.Watcher, finder, 0, []act{{until: 10}}, func(int, []detect.Stop) {})
			cfg.Zones = test.zones
			after := newRig(t, cfg, finder, nil)
			street.play(after.Watcher, finder, 400, []act{{until: 430, away: test.away}}, func(int, []detect.Stop) {})
			if why := after.WhyBlind(); (why.Code != "") != test.blind {
				t.Errorf("blind: %q", why)
			}
			if lost := after.metric(t, "tidewatch_detect_unsaved_stops_total"); lost != 0 {
				t.Errorf("%v times something was not kept", lost)
			}
		})
	}
}

// past is a ring in which a vehicle has been standing for ever.
type past struct {
	t    *testing.T
	road *road
}

func (p past) Before(moment time.Time) []detect.Shot {
	var shots []detect.Shot
	for back := 1; back <= 6; back++ {
		when := moment.Add(-seconds(back))
		shots = append(shots, detect.Shot{At: when, Unit: unit(p.t, back, p.road.view(back, homeView, true))})
	}
	return shots
}

// The beginning of a stop is not looked for where the camera could not be
// trusted.
func TestNothingIsLookedBackToBeyondADoubt(t *testing.T) {
	for name, test := range map[string]struct {
		acts  []act
		start int
	}{
		"no doubt":          {[]act{{until: 12}, {until: 40, parked: true}}, 6},
		"a moment's":        {[]act{{until: 8}, {until: 12, hidden: true}, {until: 40, parked: true}}, 12},
		"after a blind one": {[]act{{until: 8}, {until: 50, hidden: true}, {until: 70, parked: true}}, 52},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, finder, street := fixed(), &script{}, newRoad(t)
			cfg.Past = past{t, street}
			r := newRig(t, cfg, finder, nil)
			var stops []detect.Stop
			street.play(r.Watcher, finder, 0, test.acts, func(_ int, now []detect.Stop) { stops = now })
			if len(stops) != 1 || !stops[0].Start.Equal(at(test.start)) {
				t.Errorf("stops %+v, want one from %v", stops, at(test.start))
			}
		})
	}
}

func TestARealStreetIsInSight(t *testing.T) {
	r := newRig(t, fixed(), &script{looks: [][]detect.Detection{nil}}, nil)
	walkway(t, 0, 80, func(second int, pic *decode.Picture) {
		if _, err := r.Look(t.Context(), at(second), pic, detect.Shot{At: at(second)}); err != nil {
			t.Fatal(err)
		}
	})
	if doubts := r.metric(t, "tidewatch_detect_scene_doubts_total"); doubts != 0 {
		t.Errorf("%v looks were in doubt", doubts)
	}
	if looks := r.metric(t, "tidewatch_detect_looks_total"); looks != 80 {
		t.Errorf("%v looks", looks)
	}
}

// What was not seen is not seen after a restart either.
func TestBlindTimeSurvivesARestart(t *testing.T) {
	stood := act{until: 20, parked: true}
	for name, test := range map[string]struct {
		before []act
		back   int // second in which the next worker looks first
		unseen []detect.Span
	}{
		"blind, and seeing again": {
			before: []act{stood, {until: 60, parked: true, hidden: true}, {until: 64, parked: true}},
			back:   70, unseen: []detect.Span{{From: at(19), Until: at(62)}},
		},
		"killed while blind": {
			before: []act{stood, {until: 50, parked: true, hidden: true}},
			back:   52, unseen: []detect.Span{{From: at(19), Until: at(52)}},
		},
		"killed while frozen": {
			before: []act{stood, {until: 100, parked: true, frozen: true}},
			back:   102, unseen: []detect.Span{{From: at(20), Until: at(102)}},
		},
		"killed while in doubt": {
			before: []act{stood, {until: 32, parked: true, hidden: true}},
			back:   34, unseen: []detect.Span{{From: at(19), Until: at(34)}},
		},
		"back at once": {
			before: []act{stood}, back: 22,
		},
		"away for a while": {
			before: []act{stood}, back: 60, unseen: []detect.Span{{From: at(12), Until: at(60)}}, // saved in second 12
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, finder, street := fixed(), &script{}, newRoad(t)
			cfg.Dir = t.TempDir()
			street.play(newRig(t, cfg, finder, nil).Watcher, finder, 0, test.before, func(int, []detect.Stop) {})
			var stops []detect.Stop
			after := newRig(t, cfg, finder, nil)
			street.play(after.Watcher, finder, test.back, []act{{until: test.back + 20, parked: true}}, func(_ int, now []detect.Stop) { stops = now })
			if len(stops) != 1 {
				t.Fatalf("%d stops", len(stops))
			}
			if diff := cmp.Diff(test.unseen, stops[0].Unseen); diff != "" {
				t.Errorf("unseen (-want +got):\n%s", diff)
			}
			want := seconds(test.back + 19)
			for _, u := range test.unseen {
				want -= u.Until.Sub(u.From)
			}
			if stops[0].Dwell() != want {
				t.Errorf("it has stood for %v in sight, want %v", stops[0].Dwell(), want)
			}
		})
	}
}
