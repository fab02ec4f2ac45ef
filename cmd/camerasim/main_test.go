package main

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var discard = slog.New(slog.DiscardHandler)

func TestRunPlaysVideosAsCameras(t *testing.T) {
	film := filepath.Join(t.TempDir(), "film.avi")
	encode := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10", "-t", "1", film)
	if out, err := encode.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	args := arguments{
		Listen: "127.0.0.1:0", User: "camera", CacheDir: t.TempDir(),
		Cameras: []string{"kerb=" + film, "gate=" + film},
	}
	printed, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, "p=w", out, discard)
		out.Close()
		done <- err
	}()
	urls := make(map[string]string)
	lines := bufio.NewScanner(printed)
	for _, name := range []string{"kerb", "gate"} {
		if !lines.Scan() {
			t.Fatalf("no URL of camera %s: %v", name, <-done)
		}
		urls[name] = lines.Text()
	}
	for name, url := range urls {
		host, found := strings.CutPrefix(url, "rtsp://")
		if !found || !strings.HasSuffix(url, "/"+name) || strings.Contains(url, "@") {
			t.Errorf("printed %q, want the bare URL of %s", url, name)
		}
		// A client that we did not write.
		probe := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-rtsp_transport", "tcp",
			"-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0", "rtsp://camera:p%3Dw@"+host)
		got, err := probe.Output()
		if err != nil || strings.TrimSpace(string(got)) != "h264,320,240" {
			t.Errorf("ffprobe says %q: %v", got, err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, camera, password, want string }{
		{"no password", "kerb=film.mp4", "", "CAMERASIM_PASSWORD"},
		{"no name", "film.mp4", "pw", "NAME=VIDEO"},
		{"no such video", "kerb=/no/such.mp4", "pw", "/no/such.mp4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args := arguments{Listen: "127.0.0.1:0", User: "camera", CacheDir: t.TempDir(), Cameras: []string{test.camera}}
			err := run(t.Context(), args, test.password, io.Discard, discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %q", err, test.want)
			}
		})
	}
}
