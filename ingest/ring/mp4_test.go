package ring

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	var format *ingest.Format
	switch codec := track.Codec.(type) {
	case *codecs.H264:
		format = ingest.NewFormat(ingest.H264, codec.SPS, codec.PPS)
	case *codecs.H265:
		format = ingest.NewFormat(ingest.H265, codec.VPS, codec.SPS, codec.PPS)
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
			Format: format, NALUs: nalus, Key: !sample.IsNonSyncSample,
		})
		elapsed += int64(sample.Duration)
	}
	return units
}

func clipOf(units []*ingest.Unit) Clip {
	clip := Clip{Units: units, Clock: ServerClock}
	if len(units) > 0 {
		clip.From = units[0].Arrival
	}
	return clip
}

func save(t *testing.T, units []*ingest.Unit) string {
	t.Helper()
	return saveClip(t, clipOf(units))
}

func saveClip(t *testing.T, clip Clip) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.mp4")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := clip.WriteMP4(file); err != nil {
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
			clip := save(t, all[test.from:test.from+test.count])
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
				Format struct {
					Duration string
					Tags     map[string]string
				}
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
			moment := all[test.from].Arrival.UTC()
			for tag, want := range map[string]string{
				"com.apple.quicktime.creationdate": moment.Format("2006-01-02T15:04:05.000000Z"),
				"tidewatch.clock":                  "server",
				"creation_time":                    moment.Truncate(time.Second).Format("2006-01-02T15:04:05.000000Z"),
			} {
				if got := probe.Format.Tags[tag]; got != want {
					t.Errorf("ffprobe says %s %q, want %q", tag, got, want)
				}
			}
			want, got := pictures(t, source)[test.from:test.from+test.count], pictures(t, clip)
			if strings.Join(got, "") != strings.Join(want, "") {
				t.Errorf("the clip's pictures are not the camera's:\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// TestEveryPictureTellsItsMoment holds what ffprobe makes of a clip against
// the moments of its units.
func TestEveryPictureTellsItsMoment(t *testing.T) {
	all, _ := film(t, 3, "-c:v", "libx264", "-bf", "2", "-flags", "+cgop")
	for _, u := range all { // a camera whose clock runs a little fast
		u.Camera = at(0).Add((u.PTS - time.Hour) + u.PTS/100_000 + 123_456_789*time.Nanosecond)
	}
	cfg := DefaultConfig()
	cfg.Tolerance = time.Minute
	r := newRing(cfg)
	fill(r, all)
	clip, err := r.Cut(at(1.2), at(2.5))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_frames", "-show_format", "-of", "json", saveClip(t, clip)).Output()
	if err != nil {
		t.Fatal(err)
	}
	var probe struct {
		Frames []struct {
			Time string `json:"best_effort_timestamp_time"`
		}
		Format struct{ Tags map[string]string }
	}
	if err := json.Unmarshal(out, &probe); err != nil {
		t.Fatal(err)
	}
	first, err := time.Parse(time.RFC3339Nano, probe.Format.Tags["com.apple.quicktime.creationdate"])
	if err != nil || probe.Format.Tags["tidewatch.clock"] != "camera" {
		t.Fatalf("%v in %s", err, out)
	}
	shown := slices.SortedFunc(slices.Values(clip.Units), func(a, b *ingest.Unit) int { return cmp.Compare(a.PTS, b.PTS) })
	if len(probe.Frames) != len(shown) || len(shown) < 10 {
		t.Fatalf("ffprobe sees %d pictures of %d", len(probe.Frames), len(shown))
	}
	for i, frame := range probe.Frames {
		after, err := time.ParseDuration(frame.Time + "s")
		if err != nil {
			t.Fatal(err)
		}
		if off := first.Add(after).Sub(shown[i].Camera).Abs(); off > time.Millisecond {
			t.Errorf("picture %d is off by %s", i, off)
		}
	}
}

func TestTheSameClipGivesTheSameFile(t *testing.T) {
	all, _ := film(t, 2, "-c:v", "libx264", "-bf", "2", "-flags", "+cgop")
	var files [2]bytes.Buffer
	for i := range files {
		if err := clipOf(all).WriteMP4(&files[i]); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
		t.Error("two files of one clip differ")
	}
}

// TestAClipTellsTimesBeyondTheOldHeader is of a day on which the times of MP4's
// first version have run out.
func TestAClipTellsTimesBeyondTheOldHeader(t *testing.T) {
	all, _ := film(t, 1, "-c:v", "libx264", "-bf", "0")
	clip := clipOf(all)
	clip.From = time.Date(2051, 2, 3, 4, 5, 6, 7000, time.UTC)
	out, err := exec.Command("ffprobe", "-v", "error", "-show_format", saveClip(t, clip)).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"TAG:creation_time=2051-02-03T04:05:06.", "TAG:com.apple.quicktime.creationdate=2051-02-03T04:05:06.000007Z"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is not in\n%s", want, out)
		}
	}
}

func TestWriteMP4RefusesWhatDoesNotPlay(t *testing.T) {
	unknown := script("K")
	unknown[0].Format = ingest.NewFormat(ingest.H264)
	for name, units := range map[string][]*ingest.Unit{
		"nothing":            nil,
		"no key unit first":  script("pKpp"),
		"a damaged unit":     script("Kpxp"),
		"two connections":    script("KppRp"),
		"two sizes":          script("KppFp"),
		"an unknown picture": unknown,
	} {
		t.Run(name, func(t *testing.T) {
			if err := clipOf(units).WriteMP4(&bytes.Buffer{}); err == nil {
				t.Error("no error")
			}
		})
	}
}

// TestClipPlaysInABrowser seeks in a clip and plays it to its end in Chromium.
func TestClipPlaysInABrowser(t *testing.T) {
	all, _ := film(t, 4, "-c:v", "libx264", "-bf", "2", "-flags", "+cgop")
	clip := save(t, all[rate:]) // its last three seconds, off the stream's clock
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/clip.mp4" {
			http.ServeFile(w, r, clip)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<video src="/clip.mp4" muted onloadedmetadata="v.currentTime = 1.55" onseeked="seeked()" onended="show()" onerror="fail()"></video><p id="out"></p><script>
			const v = document.querySelector("video"), out = text => { document.getElementById("out").innerHTML = "<b>" + text + "</b>" }
			let place
			function seeked() { place = v.currentTime.toFixed(2); v.play() }
			function show() { out([v.videoWidth, v.videoHeight, v.duration.toFixed(2), place, v.currentTime.toFixed(2), v.getVideoPlaybackQuality().corruptedVideoFrames].join(" ")) }
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
	if got != "320 240 3.00 1.55 3.00 0" {
		t.Errorf("the browser played %q, want 320x240, 3.00 s, from 1.55 s to the end, and nothing corrupt", got)
	}
}
