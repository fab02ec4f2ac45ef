package app

import (
	"image"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect/picture"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

// TestAgreementIsKept tells from checks whether the smaller stream may be looked
// at, and when the next check is due.
func TestAgreementIsKept(t *testing.T) {
	began := pair{1, 1, image.Pt(768, 576), image.Pt(352, 288)}
	again, resized := began, began
	again.sub, resized.sub = 2, 2
	resized.subSize = image.Pt(352, 240)
	const agrees, differs, unsure = picture.Agree, picture.Differs, picture.Unsure
	type check struct {
		found   picture.Agreement
		of      pair
		trusted bool
	}
	tests := []struct {
		name   string
		checks []check
		next   pair
		after  time.Duration
		due    bool
	}{
		{"none", nil, began, 0, true},
		{"it agrees", []check{{agrees, began, true}}, began, time.Minute, false},
		{"it has agreed for long", []check{{agrees, began, true}}, began, agreeEvery, true},
		{"it agreed, our clock was set back", []check{{agrees, began, true}}, began, -time.Hour, true},
		{"it agreed, another session", []check{{agrees, began, true}}, again, time.Second, true},
		{"it agreed, another size", []check{{agrees, began, true}}, resized, time.Second, true},
		{"it differs", []check{{differs, began, false}}, began, time.Second, true},
		{"a bus between the two", []check{{agrees, began, true}, {differs, began, false}, {agrees, began, true}}, began, time.Minute, false},
		{"dark from the beginning", []check{{unsure, began, false}}, began, time.Second, true},
		{"dark now", []check{{agrees, began, true}, {unsure, began, true}}, began, time.Minute, false},
		{"dark in another session", []check{{agrees, began, true}, {unsure, again, true}}, again, time.Minute, false},
		{"dark in another size", []check{{agrees, began, true}, {unsure, resized, false}}, resized, time.Second, true},
		{"dark while in doubt", []check{{agrees, began, true}, {differs, began, false}, {unsure, began, false}}, began, time.Second, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var a agreement
			now := time.Now()
			for i, c := range test.checks {
				a.take(c.found, c.of, now)
				if a.trusted() != c.trusted {
					t.Errorf("after check %d it is trusted: %v", i, a.trusted())
				}
			}
			if due := a.due(test.next, now.Add(test.after)); due != test.due {
				t.Errorf("a check is due: %v", due)
			}
		})
	}
}

// filmed is the real street as a camera sends it: through a filter of ffmpeg, at
// a size.
func filmed(t *testing.T, filter string, size image.Point) string {
	t.Helper()
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	film, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(t.TempDir(), "source.avi")
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-y", "-t", "4", "-i", film, "-an",
		"-vf", filter+",setsar=1", "-c:v", "mpeg4", "-q:v", "2", source).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	video, err := simcam.PrepareAs(t.Context(), source, t.TempDir(), simcam.Encoding{
		Codec: ingest.H264, GOP: 500 * time.Millisecond, Width: size.X, Height: size.Y, Quality: 28,
	})
	if err != nil {
		t.Fatal(err)
	}
	return video
}

// TestASmallerStreamThatShowsLess plays streams that do not show what the main
// one does, and then one that does.
func TestASmallerStreamThatShowsLess(t *testing.T) {
	main := filmed(t, "null", image.Pt(768, 576))
	same := filmed(t, "null", image.Pt(352, 288))
	for _, test := range []struct {
		name, sub string
		differs   bool
	}{
		{"the same", same, false},
		{"squeezed", filmed(t, "null", image.Pt(352, 480)), false},
		{"cropped", filmed(t, "crop=iw*0.75:ih*0.75:iw*0.25:0", image.Pt(704, 576)), true},
		{"mirrored", filmed(t, "hflip", image.Pt(352, 288)), true},
		{"rotated", filmed(t, "transpose=1", image.Pt(288, 352)), true},
		{"with black bars", filmed(t, "pad=iw:ih*4/3:0:-1", image.Pt(352, 288)), true},
		{"another camera", filmed(t, "crop=iw/3:ih/3:0:ih*2/3,negate", image.Pt(352, 288)), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // each takes its time, and little else
			server := simcam.New(simcam.Config{
				Listen: "127.0.0.1:0", Username: "tidewatch", Password: "kerb-side-42",
				Cameras: []simcam.Camera{{Path: "main", Video: main}, {Path: "sub", Video: test.sub}},
			}, slog.New(slog.DiscardHandler))
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			background(t, server.Run)
			decoders := decode.NewPool(1, decode.NewMetrics(prometheus.NewRegistry()))
			t.Cleanup(func() { decoders.Close() })
			source := ingest.Camera{ID: "kerb", URL: server.URL("main"), SubURL: server.URL("sub"), Transport: ingest.TransportTCP, Username: "tidewatch", Password: "kerb-side-42"}
			c := &camera{
				Camera: source, decoder: decoders.Follow(), undecoded: map[ingest.Stream]int{},
				feed: feed.New(source, feed.DefaultConfig(), feed.NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler), time.Now),
			}
			background(t, c.feed.Run)
			inTrouble := func() bool {
				return slices.ContainsFunc(c.feed.Health().Troubles, func(t ingest.Trouble) bool {
					return t.Kind == ingest.TroubleSubStream && t.State == ingest.Degraded && t.Cause.Code == ingest.SubDiffers
				})
			}
			looked := map[ingest.Stream]int{}
			look := func() {
				t.Helper()
				next, err := c.feed.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				pic, err := c.decode(t.Context(), next.Unit)
				if err == nil {
					next, pic, err = c.agreed(t.Context(), next, pic)
				}
				if err != nil {
					t.Fatal(err)
				}
				if pic != nil {
					looked[next.Unit.Stream]++
					pic.Close()
				}
			}
			for looked[ingest.Main]+looked[ingest.Sub] < 6 {
				look()
			}
			if test.differs != inTrouble() || test.differs == (looked[ingest.Sub] > 0) {
				t.Fatalf("looked at %v, health %+v", looked, c.feed.Health())
			}
			if err := server.Feed("sub").Show(same); err != nil {
				t.Fatal(err)
			}
			c.feed.PassOver(0) // it is not waited for
			for looked[ingest.Sub] < 3 {
				look()
			}
			if inTrouble() {
				t.Errorf("looked at %v, health %+v", looked, c.feed.Health())
			}
		})
	}
}
