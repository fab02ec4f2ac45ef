package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tidewatch/ingest"
	"tidewatch/ingest/feed"
)

// sharedEnv names the folder with cases of real cameras, which play in their own
// time and need a machine that keeps up with them.
const sharedEnv = "TIDEWATCH_SHARED"

// sharedTroubles are the paths of shared cases that are not live, by case: what
// is wrong then. TestFaults tries the same kinds with inputs of our own.
var sharedTroubles = map[string]ingest.Trouble{
	"intra-refresh/refresh":              {State: ingest.Offline, Kind: ingest.TroubleStream},
	"media-clock-1khz-or-still/ts1k":     {State: ingest.Degraded, Kind: ingest.TroubleMedia},
	"media-clock-1khz-or-still/ts1knosr": {State: ingest.Degraded, Kind: ingest.TroubleMedia},
	"media-clock-1khz-or-still/ts10x":    {State: ingest.Degraded, Kind: ingest.TroubleMedia},
	"media-clock-1khz-or-still/ts0":      {State: ingest.Degraded, Kind: ingest.TroubleMedia},
}

// sharedElsewhere are cases that need more than a feed to be seen.
var sharedElsewhere = []string{"frozen-with-running-clock", "smart-codec-long-gop", "sub-stream-shows-less"}

// TestSharedCases plays the cases that are cameras with the camera that comes
// with them, and which is none of ours.
func TestSharedCases(t *testing.T) {
	shared := os.Getenv(sharedEnv)
	if shared == "" {
		t.Skipf("%s does not say where the cases of real cameras are", sharedEnv)
	}
	cases, err := filepath.Glob(filepath.Join(shared, "cases", "*", "case.json"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases of real cameras in %s: %v", shared, err)
	}
	work := t.TempDir()
	film := filepath.Join(work, "film.mp4")
	command(t, work, "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=768x576:rate=10", "-t", "61",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", film)
	copied(t, filepath.Join(shared, "cases", "common"), filepath.Join(work, "common"))
	for _, path := range cases {
		name := filepath.Base(filepath.Dir(path))
		if slices.Contains(sharedElsewhere, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(work, name)
			copied(t, filepath.Dir(path), dir)
			t.Setenv("FILM", film)
			command(t, dir, "sh", "make.sh")
			address := play(t, dir)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var cameras map[string]json.RawMessage
			if err := json.Unmarshal(text, &cameras); err != nil {
				t.Fatal(err)
			}
			t.Run("cameras", func(t *testing.T) { // all at once
				for path := range cameras {
					t.Run(path, func(t *testing.T) {
						t.Parallel()
						sharedCamera(t, address+"/"+path, sharedTroubles[name+"/"+path])
					})
				}
			})
		})
	}
}

// sharedCamera pulls a camera, which is live unless another trouble is given.
func sharedCamera(t *testing.T, url string, trouble ingest.Trouble) {
	r := newRig(t)
	r.cfg = feed.DefaultConfig()
	r.camera.URL, r.camera.Username, r.camera.Password = url, "tidewatch", "x"
	r.start()
	if trouble.Kind == "" {
		r.live()
	} else {
		r.standing(trouble.State, trouble.Kind)
		r.troubled(trouble.Kind)
	}
	if trouble.State == ingest.Offline {
		return
	}
	clip, lasts := r.sound(5 * time.Second)
	if taken := clip.Until.Sub(clip.From); lasts < taken*2/3 || lasts > taken*3/2 {
		t.Errorf("a clip of %s plays for %s", taken, lasts)
	}
	if h := r.feed.Health(); r.newest().Session != 1 || trouble.Kind == "" && h.State != ingest.Live {
		t.Errorf("after %d connections it is %+v", r.newest().Session, h)
	}
}

// play starts the camera of a case, and returns its address.
func play(t *testing.T, dir string) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().(*net.TCPAddr)
	free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "python3", "../common/rtspd.py", fmt.Sprint(address.Port), "@case.json")
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // it was killed
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address.String()); err == nil {
			conn.Close()
			return "rtsp://" + address.String()
		}
		if time.Now().After(deadline) {
			t.Fatal("the camera does not start")
		}
	}
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// copied copies a folder that may not be written to.
func copied(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chmod(path, 0o755)
	})
	if err != nil {
		t.Fatal(err)
	}
}
