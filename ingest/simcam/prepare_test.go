package simcam

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
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
	for _, test := range []struct {
		name, file string
		options    []string
		width      int
	}{
		{"H.264 with reordered pictures", "a.mp4", []string{"-c:v", "libx264", "-bf", "3"}, 322},
		{"MPEG-4 in AVI, odd size", "a.avi", []string{"-vf", "scale=321:241", "-c:v", "mpeg4"}, 320},
		{"4:4:4", "a.mkv", []string{"-pix_fmt", "yuv444p", "-c:v", "libx264"}, 322},
		{"a name like an option", "-y.mp4", []string{"-c:v", "mpeg4"}, 322},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			prepared, err := Prepare(t.Context(), source(t, test.file, test.options...), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			v, err := load(prepared)
			if err != nil {
				t.Fatal(err)
			}
			var sps h264.SPS
			if err := sps.Unmarshal(v.sps); err != nil || sps.Width() != test.width {
				t.Errorf("width %d, want %d: %v", sps.Width(), test.width, err)
			}
			if len(v.frames) != 30 || v.duration != 2500*time.Millisecond {
				t.Errorf("%d frames in %s, want 30 in 2.5 s", len(v.frames), v.duration)
			}
			var keys []time.Duration
			for _, f := range v.frames {
				if h264.IsRandomAccess(f.nalus) {
					keys = append(keys, f.due)
				}
			}
			if !slices.Equal(keys, []time.Duration{0, time.Second, 2 * time.Second}) {
				t.Errorf("key frames at %v, want one a second", keys)
			}
		})
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
	raw := source(t, "a.mp4", "-c:v", "libx264", "-bf", "3")
	other := source(t, "a.mp4", "-c:v", "mpeg4")
	for _, test := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"no password", Config{Username: "camera"}, "password"},
		{"no such video", Config{Username: "camera", Password: "pw", Cameras: []Camera{{"kerb", "/no/such.mp4"}}}, "no such file"},
		{"not prepared", Config{Username: "camera", Password: "pw", Cameras: []Camera{{"kerb", raw}}}, "prepare it first"},
		{"not H.264", Config{Username: "camera", Password: "pw", Cameras: []Camera{{"kerb", other}}}, "no H.264"},
		{"no path", Config{Username: "camera", Password: "pw", Cameras: []Camera{{"", raw}}}, "path"},
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
