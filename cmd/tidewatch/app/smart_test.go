package app

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/detect"
	"tidewatch/detect/picture"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/ring"
	"tidewatch/ingest/simcam"
	"tidewatch/storage/blob"
)

// comes is how long after the only key frame of smartStreet a vehicle stands in it.
const comes = 10 * time.Second

// smartStreet is a street as a smart codec sends it: 79 seconds, ten pictures a
// second, one key frame. A vehicle, which is bright and striped, comes into it.
func smartStreet(t *testing.T, codec ingest.Codec) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "street.avi")
	const when = ":enable='gte(t,10)'"
	scene := "nullsrc=size=320x240:rate=10,geq=lum='90+50*sin(X/7)*cos(Y/5)':cb=128:cr=128,loop=loop=-1:size=1,setpts=N/10/TB," +
		"drawbox=x=200:y=140:w=80:h=60:color=white:t=fill" + when + ",drawbox=x=210:y=150:w=10:h=40:color=black:t=fill" + when +
		",drawbox=x=260:y=150:w=10:h=40:color=black:t=fill" + when
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", scene,
		"-t", "79", "-c:v", "mpeg4", "-q:v", "2", source).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	film, err := simcam.PrepareAs(t.Context(), source, dir, simcam.Encoding{Codec: codec, GOP: 79 * time.Second, Quality: 26})
	if err != nil {
		t.Fatal(err)
	}
	return film
}

// brightness finds the vehicle of smartStreet.
type brightness struct{}

func (brightness) Find(pic *decode.Picture) ([]detect.Detection, error) {
	grey, err := picture.NewGrey(pic, 64)
	if err != nil || grey.Pixels[grey.Width*34+47] < 200 { // between the stripes
		return nil, err
	}
	return []detect.Detection{{Box: detect.Box{X: 200. / 320, Y: 140. / 240, W: 80. / 320, H: 60. / 240}, Class: detect.Car, Score: 0.9}}, nil
}

// TestAStopBetweenDistantKeyFrames sees a vehicle that comes and stands long before
// the next key frame, and keeps what proves it.
func TestAStopBetweenDistantKeyFrames(t *testing.T) {
	for _, codec := range []ingest.Codec{ingest.H264, ingest.H265} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			seen := watchSmart(t, smartStreet(t, codec))
			key := seen.stop.Observations[len(seen.stop.Observations)-1].Unit.Run()[0]
			if after := seen.at.Sub(key.Moment()); after < comes || after > comes+10*time.Second {
				t.Errorf("seen to stand %s after it came", after-comes)
			}
			files, err := blob.NewDir(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			alone := decode.Alone{Metrics: decode.NewMetrics(prometheus.NewRegistry())}
			recorder := &evidence.Recorder{
				Pictures: picture.Renderer{Decoder: alone}, Copies: dot{}, Viewer: alone, Clips: clips{seen.ring, 10 * time.Second},
				Files: files, Clock: 2 * time.Second, Span: evidence.Span{Before: time.Second, After: time.Second}, Seal: noSeal{}, Now: time.Now,
				Log: slog.New(slog.DiscardHandler), Metrics: evidence.NewMetrics(prometheus.NewRegistry()),
			}
			shots := seen.stop.Observations
			v := enforce.Violation{ID: "0123456789abcdef", Section: enforce.SectionRef{ID: "road", TimeZone: "Asia/Shanghai"}}
			v.Evidence, err = recorder.Record(t.Context(), v, evidence.Exhibits{Begin: shots[0], Middle: shots[1], Due: shots[2]})
			if err != nil {
				t.Fatal(err)
			}
			for _, of := range []struct {
				unit, scene enforce.FileKind
				shown       *ingest.Unit
			}{
				{enforce.UnitBegin, enforce.SceneBegin, shots[0].Unit}, {enforce.UnitDue, enforce.SceneDue, shots[2].Unit},
			} {
				if len(of.shown.Lead) == 0 {
					t.Errorf("%s is a key unit", of.unit)
				}
				pictures := watched(t, stored(t, files, v, of.unit), muxers[codec])
				if len(pictures) != len(of.shown.Run()) {
					t.Fatalf("FFmpeg shows %d pictures of %s, want %d", len(pictures), of.unit, len(of.shown.Run()))
				}
				sameScene(t, stored(t, files, v, of.scene), pictures[len(pictures)-1])
			}
			clip, _ := v.Evidence.File(enforce.Clip)
			if clip.Short || clip.Duration < shots[2].At.Sub(key.Moment()) {
				t.Errorf("the clip does not reach from the key frame to the stop: %+v", clip)
			}
			if n := len(watched(t, stored(t, files, v, enforce.Clip), "mp4")); n != int(clip.Duration.Seconds()*10+0.5) {
				t.Errorf("FFmpeg shows %d pictures of a clip of %s", n, clip.Duration)
			}
		})
	}
}

// standing is a stop, the moment of the look in which it was first told, and the
// camera's video.
type standing struct {
	stop detect.Stop
	at   time.Time
	ring *ring.Ring
}

// watchSmart looks at a film until the vehicle in it has been seen three times.
func watchSmart(t *testing.T, film string) (seen standing) {
	t.Helper()
	const user, password = "officer", "kerb"
	log := slog.New(slog.DiscardHandler)
	server := simcam.New(simcam.Config{
		Listen: "127.0.0.1:0", Username: user, Password: password,
		Cameras: []simcam.Camera{{Path: "main", Video: film}},
	}, log)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	cfg := feed.DefaultConfig()
	cfg.RTSP.UnitTimeout = time.Minute
	camera := feed.New(ingest.Camera{
		ID: "kerb", URL: server.URL("main"), Transport: ingest.TransportTCP, Username: user, Password: password, ClockTolerance: 2 * time.Second,
	}, cfg, feed.NewMetrics(registry), log, time.Now)
	pool := decode.NewPool(1, decode.NewMetrics(registry))
	follower := pool.Follow()
	t.Cleanup(func() { follower.Close(); pool.Close() })
	watching := watch.DefaultConfig()
	watching.Past = past{camera.Ring()}
	watcher, err := watch.New(watching, "kerb", brightness{}, nil, follower, log, watch.NewMetrics(registry))
	if err != nil {
		t.Fatal(err)
	}
	background(t, camera.Run)
	eventually(t, "the camera is watched", func() bool { return server.Feed("main").Watchers() == 1 })
	background(t, server.Run) // its only key frame comes

	seen.ring = camera.Ring()
	ctx, cancel := context.WithTimeout(t.Context(), 75*time.Second)
	defer cancel()
	for len(seen.stop.Observations) < 3 {
		look, err := camera.Next(ctx)
		if err != nil {
			t.Fatalf("no stop was seen: %v; health %+v", err, camera.Health())
		}
		pic, err := follower.DecodeWithin(ctx, look.Unit, lookLimit)
		if err != nil {
			t.Fatal(err)
		}
		stops, err := watcher.Look(ctx, look.Unit.Moment(), pic, detect.Shot{At: look.Shown.Moment(), Unit: look.Shown})
		pic.Close()
		if err != nil {
			t.Fatal(err)
		}
		camera.Pace(watcher.Pace())
		if len(stops) > 0 {
			if seen.at.IsZero() {
				seen.at = look.Unit.Moment()
			}
			seen.stop = stops[0]
		}
	}
	if health := camera.Health(); health.State != ingest.Degraded {
		t.Errorf("health %+v", health)
	}
	return seen
}

var muxers = map[ingest.Codec]string{ingest.H264: "h264", ingest.H265: "hevc"}

// stored is the content of one file of a case.
func stored(t *testing.T, files *blob.Dir, v enforce.Violation, kind enforce.FileKind) []byte {
	t.Helper()
	file, ok := v.Evidence.File(kind)
	if !ok {
		t.Fatalf("there is no %s", kind)
	}
	data, err := files.Open(t.Context(), file.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	content, err := io.ReadAll(data)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// watched is a video's pictures as FFmpeg shows them, in grey, without a complaint.
func watched(t *testing.T, video []byte, format string) (pictures [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "video")
	if err := os.WriteFile(path, video, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "warning", "-f", format, "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || complaint.Len() > 0 {
		t.Fatalf("ffmpeg: %v: %s", err, complaint.String())
	}
	const size = 320 * 240
	for i := 0; i+size <= len(out); i += size {
		pictures = append(pictures, out[i:i+size])
	}
	return pictures
}

// sameScene holds a JPEG against a picture in grey.
func sameScene(t *testing.T, scene, want []byte) {
	t.Helper()
	got, err := jpeg.Decode(bytes.NewReader(scene))
	if err != nil {
		t.Fatal(err)
	}
	luma := got.(*image.YCbCr)
	off := 0
	for i, w := range want {
		// A camera's black is 16, that of JPEG 0.
		off += max(int(luma.Y[luma.YOffset(i%320, i/320)])-int(w), int(w)-int(luma.Y[luma.YOffset(i%320, i/320)]))
	}
	if mean := float64(off) / float64(len(want)); mean > 3 {
		t.Errorf("the scene differs from FFmpeg's picture by %.1f of 255 on average", mean)
	}
}
