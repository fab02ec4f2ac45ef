package ring

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"
	"github.com/chromedp/chromedp"

	"tidewatch/ingest"
)

const rate = 10 // pictures a second

// film encodes a test pattern and returns its units as a camera sends them,
// and the file they are from.
func film(t *testing.T, seconds int, options ...string) ([]*ingest.Unit, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "film.mp4")
	args := append([]string{
		"-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=" + strconv.Itoa(rate),
		"-t", strconv.Itoa(seconds), "-pix_fmt", "yuv420p", "-g", strconv.Itoa(rate),
	}, options...)
	if out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	var content pmp4.Presentation
	if err := content.Unmarshal(file); err != nil {
		t.Fatal(err)
	}
	return units(t, content.Tracks[0]), path
}

func units(t *testing.T, track *pmp4.Track) []*ingest.Unit {
	t.Helper()
	var format ingest.Format
	switch codec := track.Codec.(type) {
	case *codecs.H264:
		format = ingest.Format{Codec: ingest.H264, SPS: codec.SPS, PPS: codec.PPS}
	case *codecs.H265:
		format = ingest.Format{Codec: ingest.H265, VPS: codec.VPS, SPS: codec.SPS, PPS: codec.PPS}
	}
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
		due := func(ticks int64) time.Duration {
			return time.Duration(ticks) * time.Second / time.Duration(track.TimeScale)
		}
		units = append(units, &ingest.Unit{
			Stamp: ingest.Stamp{Arrival: begin.Add(due(elapsed))}, Session: 1,
			PTS:    time.Hour + due(elapsed+int64(sample.PTSOffset)),
			Format: &format, NALUs: nalus, Key: !sample.IsNonSyncSample,
		})
		elapsed += int64(sample.Duration)
	}
	return units
}

func write(t *testing.T, units []*ingest.Unit) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := WriteMP4(file, units); err != nil {
		t.Fatal(err)
	}
	return path
}

// pictures is what decoding a file gives: a checksum for each picture.
func pictures(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", path, "-f", "framemd5", "-vsync", "0", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	var sums []string
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "#") {
			sums = append(sums, line[strings.LastIndex(line, ",")+1:])
		}
	}
	return sums
}

func TestWriteMP4(t *testing.T) {
	for _, test := range []struct {
		name     string
		options  []string
		from     int // first unit, a key unit
		count    int
		duration float64
	}{
		{"from the beginning", []string{"-c:v", "libx264", "-bf", "0"}, 0, 40, 4},
		{"from the middle", []string{"-c:v", "libx264", "-bf", "0"}, 20, 15, 1.5},
		{"a single picture", []string{"-c:v", "libx264", "-bf", "0"}, 30, 1, 0.04},
		{"reordered pictures", []string{"-c:v", "libx264", "-bf", "2", "-flags", "+cgop"}, 10, 20, 2},
		{"H.265", []string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=0"}, 10, 20, 2},
		{"reordered H.265", []string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=3:open-gop=0"}, 10, 20, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all, source := film(t, 4, test.options...)
			clip := write(t, all[test.from:test.from+test.count])
			out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", clip).Output()
			if err != nil {
				t.Fatal(err)
			}
			var probe struct {
				Streams []struct {
					Width, Height          int
					Frames                 string `json:"nb_read_frames"`
					Duration, StartTime    string
					AverageRate, CodecName string
				}
				Format struct{ Duration string }
			}
			if err := json.Unmarshal(out, &probe); err != nil {
				t.Fatal(err)
			}
			if len(probe.Streams) != 1 || probe.Streams[0].Width != 320 || probe.Streams[0].Height != 240 {
				t.Fatalf("ffprobe says %s", out)
			}
			if probe.Streams[0].Frames != strconv.Itoa(test.count) {
				t.Errorf("ffprobe decodes %s pictures, want %d", probe.Streams[0].Frames, test.count)
			}
			for _, text := range []string{probe.Format.Duration, probe.Streams[0].Duration} {
				if d, err := strconv.ParseFloat(text, 64); err != nil || d < test.duration-0.002 || d > test.duration+0.002 {
					t.Errorf("ffprobe says %s s, want %v", text, test.duration)
				}
			}
			want, got := pictures(t, source)[test.from:test.from+test.count], pictures(t, clip)
			if strings.Join(got, "") != strings.Join(want, "") {
				t.Errorf("the clip's pictures are not the camera's:\n%v\nwant\n%v", got, want)
			}
		})
	}
}

func TestWriteMP4RefusesWhatDoesNotPlay(t *testing.T) {
	for name, letters := range map[string]string{
		"nothing":            "",
		"no key unit first":  "pKpp",
		"a damaged unit":     "Kpxp",
		"two connections":    "KppRp",
		"an unknown picture": "K", // its format has no parameter sets
	} {
		t.Run(name, func(t *testing.T) {
			if err := WriteMP4(&bytes.Buffer{}, script(letters)); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestClipPlaysInABrowser plays a clip to its end in Chromium.
func TestClipPlaysInABrowser(t *testing.T) {
	all, _ := film(t, 2, "-c:v", "libx264", "-bf", "0")
	clip := write(t, all[rate:]) // its last second, off the stream's clock
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/clip.mp4" {
			http.ServeFile(w, r, clip)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<video src="/clip.mp4" muted autoplay onended="show()" onerror="fail()"></video><p id="out"></p><script>
			const v = document.querySelector("video"), out = text => { document.getElementById("out").innerHTML = "<b>" + text + "</b>" }
			function show() { out([v.videoWidth, v.videoHeight, v.duration.toFixed(2), v.getVideoPlaybackQuality().corruptedVideoFrames].join(" ")) }
			function fail() { out("error " + v.error.message) }
		</script>`))
	}))
	defer pages.Close()
	browser, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)...)
	defer cancel()
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	tab, cancel = context.WithTimeout(tab, time.Minute)
	defer cancel()
	var got string
	if err := chromedp.Run(tab, chromedp.Navigate(pages.URL), chromedp.WaitVisible("#out b"), chromedp.Text("#out", &got)); err != nil {
		t.Fatal(err)
	}
	if got != "320 240 1.00 0" {
		t.Errorf("the browser played %q, want 320x240, 1.00 s and nothing corrupt", got)
	}
}
