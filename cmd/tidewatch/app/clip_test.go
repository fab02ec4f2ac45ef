package app

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/detect"
	"tidewatch/detect/plate"
	"tidewatch/enforce"
	"tidewatch/enforce/accounts"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/evidence/overlay"
	"tidewatch/enforce/proof"
	"tidewatch/enforce/review"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/ring"
	"tidewatch/storage/blob"
)

// smallest is the format of a stream of 64x64 whose pictures all stand alone.
var smallest = ingest.NewFormat(ingest.H264,
	[]byte{
		0x67, 0x42, 0xC0, 0x0A, 0xD9, 0x04, 0x26, 0xC0, 0x44, 0x00, 0x00, 0x03,
		0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0x28, 0x3C, 0x48, 0x99, 0x20,
	},
	[]byte{0x68, 0xCB, 0x83, 0xCB, 0x20},
)

func newRing(keep, tolerance time.Duration) *ring.Ring {
	return ring.New(ring.Config{Duration: keep, Bytes: 1 << 20, Tolerance: tolerance},
		ring.NewMetrics(prometheus.NewRegistry()).Camera("gate"))
}

// TestClipWaitsForItsEnd asks for clips whose ends have yet to come, of a
// camera whose clock is a second fast.
func TestClipWaitsForItsEnd(t *testing.T) {
	for _, test := range []struct {
		name     string
		units    int // that come, one a second; the case is due as number 8 does
		after    time.Duration
		duration time.Duration
		waited   time.Duration
		short    bool
	}{
		{"all of it", 30, 3 * time.Second, 11 * time.Second, 3 * time.Second, false},
		{"nothing after", 30, 0, 8 * time.Second, 0, false},
		{"a camera that goes away", 9, 3 * time.Second, 8 * time.Second, 4 * time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				video := newRing(12*time.Second, 2*time.Second)
				start := time.Now()
				due := start.Add(8 * time.Second)
				done := make(chan struct{})
				go func() {
					defer close(done)
					for i := range test.units {
						video.Add(&ingest.Unit{
							Stamp: ingest.Stamp{Camera: time.Now().Add(time.Second), Arrival: time.Now()},
							PTS:   time.Duration(i) * time.Second, Format: smallest, NALUs: [][]byte{{0x65, 0x88}}, Key: true,
						})
						time.Sleep(time.Second)
					}
				}()
				time.Sleep(8*time.Second + 1)
				called := time.Now()
				// Number 8 shows second 9 by the camera's clock.
				moment := due.Add(time.Second)
				held := clips{video, test.after + clipLag}.Hold(moment.Add(-7*time.Second), moment.Add(test.after))
				defer held.Release()
				cut, err := held.Clip(t.Context(), io.Discard, false)
				if err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(called).Round(time.Second); waited != test.waited && !test.short {
					t.Errorf("waited for %s, want %s", waited, test.waited)
				}
				if waited := time.Since(called); waited > test.after+clipLag {
					t.Errorf("waited for %s", waited)
				}
				if first := cut.First.Camera; !first.Equal(moment.Add(-7*time.Second)) || cut.Short != test.short || (cut.Note != "") != test.short {
					t.Errorf("begins at %s, short: %v, which is noted as %q", first, cut.Short, cut.Note)
				}
				if want := test.duration; cut.Duration.Round(time.Second) != want {
					t.Errorf("lasts %s, want %s", cut.Duration, want)
				}
				<-done
			})
		})
	}
}

// h265Film is some seconds of a camera that encodes in H.265, ten pictures a
// second, the last of which came just now.
func h265Film(t *testing.T, seconds int) []*ingest.Unit {
	t.Helper()
	film := filepath.Join(t.TempDir(), "film.mp4")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", "testsrc2=size=320x240:rate=10", "-t", strconv.Itoa(seconds), "-pix_fmt", "yuv420p", "-c:v", "libx265", "-g", "10",
		"-x265-params", "log-level=none:open-gop=0:bframes=2", film).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	file, err := os.Open(film)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var content pmp4.Presentation
	if err := content.Unmarshal(file); err != nil {
		t.Fatal(err)
	}
	track := content.Tracks[0]
	codec := track.Codec.(*codecs.H265)
	format := ingest.NewFormat(ingest.H265, codec.VPS, codec.SPS, codec.PPS)
	began := time.Now().Add(-time.Duration(seconds) * time.Second)
	var units []*ingest.Unit
	var elapsed int64
	for _, sample := range track.Samples {
		payload, err := sample.GetPayload()
		if err != nil {
			t.Fatal(err)
		}
		var nalus h264.AVCC
		if err := nalus.Unmarshal(payload); err != nil {
			t.Fatal(err)
		}
		pts := time.Duration(elapsed+int64(sample.PTSOffset)) * time.Second / time.Duration(track.TimeScale)
		units = append(units, &ingest.Unit{
			Stamp:  ingest.Stamp{Camera: began.Add(pts).UTC(), Arrival: began.Add(pts)},
			Stream: ingest.Main, PTS: pts, Format: format, NALUs: nalus, Key: !sample.IsNonSyncSample,
		})
		elapsed += int64(sample.Duration)
	}
	return units
}

// dot stands for the renderer of pictures.
type dot struct{}

func (dot) Scene(context.Context, *ingest.Unit) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, image.NewGray(image.Rect(0, 0, 8, 8)), nil)
	return out.Bytes(), err
}

func (d dot) CloseUp(ctx context.Context, u *ingest.Unit, _ detect.Box) ([]byte, error) {
	return d.Scene(ctx, u)
}

func (d dot) Plate(ctx context.Context, u *ingest.Unit, _ plate.Corners) ([]byte, error) {
	return d.Scene(ctx, u)
}

func (dot) Mark(picture []byte, _ []string) ([]byte, error) { return picture, nil }

func (dot) Composite(cells []overlay.Cell, _ []string) ([]byte, error) { return cells[0].Picture, nil }

// oneCase is a case log with one case in it.
type oneCase struct{ only enforce.Case }

func (c oneCase) List(context.Context, enforce.State, int, time.Time) ([]enforce.Case, error) {
	return []enforce.Case{c.only}, nil
}

func (c oneCase) Counts(context.Context) (map[enforce.State]int, error) {
	return map[enforce.State]int{c.only.State: 1}, nil
}

func (c oneCase) Case(context.Context, string) (enforce.Case, error) { return c.only, nil }

func (c oneCase) History(context.Context, string) ([]enforce.Recorded, error) { return nil, nil }

func (c oneCase) Append(context.Context, ...enforce.Event) error { return nil }

// noSeal takes a manifest as it is.
type noSeal struct{}

func (noSeal) Manifest(_ context.Context, m proof.Manifest) (enforce.Evidence, error) {
	return enforce.Evidence{Files: m.Files}, nil
}

// TestAnH265ClipIsWatchedAsAPreview takes a clip the whole way: from the ring,
// into the evidence, onto the page of its case and into Chromium.
func TestAnH265ClipIsWatchedAsAPreview(t *testing.T) {
	video := newRing(12*time.Second, 2*time.Second)
	film := h265Film(t, 8)
	for _, u := range film {
		video.Add(u)
	}
	files, err := blob.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	recorder := &evidence.Recorder{
		Pictures: dot{}, Copies: dot{}, Clips: clips{video, time.Second}, Viewer: decode.Alone{Metrics: decode.NewMetrics(prometheus.NewRegistry())}, Files: files, Clock: 2 * time.Second,
		Span: evidence.Span{Before: 3 * time.Second, After: time.Second}, Seal: noSeal{}, Now: time.Now,
		Log: log, Metrics: evidence.NewMetrics(prometheus.NewRegistry()),
	}
	look := func(n int) detect.Observation { return detect.Observation{At: film[n].Camera, Unit: film[n]} }
	v := enforce.Violation{ID: "0123456789abcdef", Section: enforce.SectionRef{ID: "road", TimeZone: "Asia/Shanghai"}}
	v.Evidence, err = recorder.Record(t.Context(), v, evidence.Exhibits{Begin: look(0), Middle: look(30), Due: look(60)})
	if err != nil {
		t.Fatal(err)
	}
	clip, ok := v.Evidence.File(enforce.Clip)
	if !ok || clip.Codec != "h265" || !clip.At.Equal(film[30].Camera) {
		t.Fatalf("clip %+v", clip)
	}

	var password string
	folder := t.TempDir()
	officers, err := accounts.Open(filepath.Join(folder, "officers.json"), func(_, made string) error { password = made; return nil })
	if err != nil {
		t.Fatal(err)
	}
	record, err := accounts.OpenRecord(filepath.Join(folder, "sign-ins.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer record.Close()
	metrics := prometheus.NewRegistry()
	known := oneCase{enforce.Case{ID: v.ID, State: enforce.StateSuspected, Revision: 1, Violation: v, OpenedAt: time.Now()}}
	pages := httptest.NewServer(review.New(review.DefaultConfig(), review.Dependencies{
		Cases: known, Records: known, Log: known, Files: files,
		Gate:     accounts.NewGate(officers, record, log, metrics),
		Previews: decode.Previewer{}, Logger: log, Metrics: metrics,
	}).Handler())
	defer pages.Close()

	browser, stop := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.WSURLReadTimeout(time.Minute))...)
	defer stop()
	tab, leave := chromedp.NewContext(browser)
	defer leave()
	tab, expire := context.WithTimeout(tab, 2*time.Minute)
	defer expire()
	var seen string
	if err := chromedp.Run(tab,
		chromedp.Navigate(pages.URL),
		chromedp.SendKeys("#name", accounts.FirstOfficer), chromedp.SendKeys("#password", password+kb.Enter),
		chromedp.WaitVisible("#cases"),
		chromedp.Navigate(pages.URL+"/cases/"+v.ID),
		chromedp.Evaluate(`{
			const v = document.querySelector("video")
			document.querySelector("#pick5").click()
			v.onloadedmetadata = () => { v.currentTime = 2.55 }
			v.onseeked = () => v.play()
			v.onended = () => { document.title = [v.videoWidth, v.videoHeight, v.duration.toFixed(2), v.currentTime.toFixed(2)].join(" ") }
			v.onerror = () => { document.title = "error " + v.error.message }
			v.preload = "auto"
		}`, nil),
		chromedp.Poll(`/^(error|320)/.test(document.title)`, nil),
		chromedp.Title(&seen)); err != nil {
		t.Fatal(err)
	}
	if want := "320 240 4.10 4.10"; seen != want {
		t.Errorf("Chromium saw %q, want %q", seen, want)
	}
}
