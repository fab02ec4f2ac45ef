package simcam

import (
	"context"
	"crypto/tls"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"tidewatch/ingest"
)

// source makes a video file as it may come from anywhere.
func source(t *testing.T, name string, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=322x242:rate=12", "-t", "2.5"}, options...)
	if out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	return path
}

func TestPrepareMakesACamerasVideo(t *testing.T) {
	camera := DefaultEncoding()
	hevc := Encoding{Codec: ingest.H265, GOP: time.Second, Quality: 30}
	benchmark := Encoding{Codec: ingest.H264, GOP: 2 * time.Second, Width: 160, Height: 90, FPS: 25, Bitrate: 200_000, Duration: 5 * time.Second}
	benchmarkHEVC := benchmark
	benchmarkHEVC.Codec = ingest.H265
	for _, test := range []struct {
		name, file string
		options    []string
		encoding   Encoding
		size       image.Point
		frames     int
		duration   time.Duration
		keys       []time.Duration
	}{
		{"H.264 with reordered pictures", "a.mp4", []string{"-c:v", "libx264", "-bf", "3"}, camera, image.Pt(322, 242), 30, 2500 * time.Millisecond, []time.Duration{0, 1, 2}},
		{"MPEG-4 in AVI, odd size", "a.avi", []string{"-vf", "scale=321:241", "-c:v", "mpeg4"}, camera, image.Pt(320, 240), 30, 2500 * time.Millisecond, []time.Duration{0, 1, 2}},
		{"4:4:4", "a.mkv", []string{"-pix_fmt", "yuv444p", "-c:v", "libx264"}, camera, image.Pt(322, 242), 30, 2500 * time.Millisecond, []time.Duration{0, 1, 2}},
		{"a name like an option", "-y.mp4", []string{"-c:v", "mpeg4"}, camera, image.Pt(322, 242), 30, 2500 * time.Millisecond, []time.Duration{0, 1, 2}},
		{"H.265", "a.mp4", []string{"-c:v", "mpeg4"}, hevc, image.Pt(322, 242), 30, 2500 * time.Millisecond, []time.Duration{0, 1, 2}},
		{"another size, pace, rate and length", "a.avi", []string{"-c:v", "mpeg4"}, benchmark, image.Pt(160, 90), 125, 5 * time.Second, []time.Duration{0, 2, 4}},
		{"the same in H.265", "a.avi", []string{"-c:v", "mpeg4"}, benchmarkHEVC, image.Pt(160, 90), 125, 5 * time.Second, []time.Duration{0, 2, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			prepared, err := PrepareAs(t.Context(), source(t, test.file, test.options...), t.TempDir(), test.encoding)
			if err != nil {
				t.Fatal(err)
			}
			v, err := load(prepared)
			if err != nil {
				t.Fatal(err)
			}
			if size := size(t, v); size != test.size {
				t.Errorf("pictures of %s, want %s", size, test.size)
			}
			if len(v.frames) != test.frames || v.duration != test.duration {
				t.Errorf("%d frames in %s, want %d in %s", len(v.frames), v.duration, test.frames, test.duration)
			}
			var keys []time.Duration
			bytes := 0
			for _, f := range v.frames {
				if f.key {
					keys = append(keys, f.due/time.Second)
				}
				for _, payload := range f.payloads {
					bytes += len(payload)
				}
			}
			if !slices.Equal(keys, test.keys) {
				t.Errorf("key frames at the seconds %d, want %d", keys, test.keys)
			}
			rate := float64(bytes) * 8 / v.duration.Seconds()
			if want := float64(test.encoding.Bitrate); want > 0 && (rate > 1.5*want || rate < 0.5*want) {
				t.Errorf("%.0f bit/s, want %.0f", rate, want)
			}
		})
	}
}

func size(t *testing.T, v *video) image.Point {
	t.Helper()
	switch f := v.format.(type) {
	case *format.H264:
		var sps h264.SPS
		if err := sps.Unmarshal(f.SPS); err != nil {
			t.Fatal(err)
		}
		return image.Pt(sps.Width(), sps.Height())
	case *format.H265:
		var sps h265.SPS
		if err := sps.Unmarshal(f.SPS); err != nil {
			t.Fatal(err)
		}
		return image.Pt(sps.Width(), sps.Height())
	}
	t.Fatalf("a video of %T", v.format)
	return image.Point{}
}

func TestPrepareRefusesEncodings(t *testing.T) {
	for _, test := range []struct {
		name, want string
		change     func(*Encoding)
	}{
		{"another codec", "mjpeg", func(e *Encoding) { e.Codec = "mjpeg" }},
		{"no key frames", "key frames", func(e *Encoding) { e.GOP = 0 }},
		{"an odd size", "320x241", func(e *Encoding) { e.Width, e.Height = 320, 241 }},
		{"half a size", "320x0", func(e *Encoding) { e.Width = 320 }},
		{"a negative rate", "negative", func(e *Encoding) { e.Bitrate = -1 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := DefaultEncoding()
			test.change(&e)
			_, err := PrepareAs(t.Context(), "film.mp4", t.TempDir(), e)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}

func TestPrepareTellsEncodingsApart(t *testing.T) {
	video, cache := source(t, "a.avi", "-c:v", "mpeg4"), t.TempDir()
	seen := make(map[string]bool)
	for _, e := range []Encoding{
		DefaultEncoding(),
		{Codec: ingest.H264, GOP: time.Second, Quality: 40},
		{Codec: ingest.H264, GOP: 2 * time.Second, Quality: 40},
		{Codec: ingest.H264, GOP: time.Second, Quality: 40, Duration: time.Second},
	} {
		prepared, err := PrepareAs(t.Context(), video, cache, e)
		if err != nil {
			t.Fatal(err)
		}
		if seen[prepared] {
			t.Errorf("%+v gives the video of another encoding", e)
		}
		seen[prepared] = true
	}
}

func TestPrepareWorksOnce(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "new", "cache")
	video := source(t, "a.avi", "-c:v", "mpeg4")
	first, err := Prepare(t.Context(), video, cache)
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.avi")
	content, err := os.ReadFile(video)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, content, 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := Prepare(t.Context(), copied, cache)
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(second)
	if err != nil {
		t.Fatal(err)
	}
	if first != second || !os.SameFile(before, after) {
		t.Error("the same content was prepared twice")
	}
}

func TestPrepareSaysWhatIsWrongAndLeavesNothing(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.mp4")
	if err := os.WriteFile(text, []byte("no video"), 0o600); err != nil {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, test := range []struct {
		name  string
		ctx   context.Context
		video string
		want  string
	}{
		{"no file", t.Context(), "/no/such.mp4", "no such file"},
		{"no video", t.Context(), text, "ffmpeg"},
		{"cancelled", cancelled, source(t, "a.mp4"), context.Canceled.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			cache := t.TempDir()
			_, err := Prepare(test.ctx, test.video, cache)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
			left, err := os.ReadDir(cache)
			if err != nil || len(left) != 0 {
				t.Errorf("left %v in the cache: %v", left, err)
			}
		})
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	other := source(t, "a.mp4", "-c:v", "mpeg4")
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no password", Config{Username: "camera"}, "password"},
		{"no such video", Config{Username: "camera", Password: "pw", Cameras: []Camera{{Path: "kerb", Video: "/no/such.mp4"}}}, "no such file"},
		{"not H.264", Config{Username: "camera", Password: "pw", Cameras: []Camera{{Path: "kerb", Video: other}}}, "no H.264"},
		{"no path", Config{Username: "camera", Password: "pw", Cameras: []Camera{{Path: "", Video: other}}}, "path"},
		{"UDP under TLS", Config{Username: "camera", Password: "pw", TLS: &tls.Config{}, UDP: true}, "TLS"},
		{"port in use", Config{Username: "camera", Password: "pw", Listen: "256.0.0.1:0"}, "256.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := New(test.cfg, discard).Start()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}
