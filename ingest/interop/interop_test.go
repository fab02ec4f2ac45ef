package interop_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/nal"
	"tidewatch/ingest/rtsp"
	"tidewatch/ingest/simcam"
)

const (
	user     = "officer"
	password = "Zebra-crossing-77"
	patience = 60 * time.Second // far beyond what anything here takes
)

// picture is the size of what the servers show.
var picture = image.Pt(320, 240)

var (
	scratch string            // that anybody on the machine can read
	films   map[string]string // by codec; longer than any test
)

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "interop"); err == nil {
		films, err = makeFilms()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.RemoveAll(scratch)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(scratch)
		os.Exit(code)
	}))
}

func makeFilms() (map[string]string, error) {
	raw := filepath.Join(scratch, "raw.avi")
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi",
		"-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=10", picture.X, picture.Y), "-t", "2", "-c:v", "mpeg4", raw).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	made := make(map[string]string)
	for _, codec := range []ingest.Codec{ingest.H264, ingest.H265} {
		encoding := simcam.Encoding{Codec: codec, GOP: 500 * time.Millisecond, Quality: 30, Duration: 2 * patience}
		film, err := simcam.PrepareAs(context.Background(), raw, scratch, encoding)
		if err != nil {
			return nil, err
		}
		made[string(codec)] = film
		if err := os.Chmod(film, 0o644); err != nil {
			return nil, err
		}
	}
	return made, os.Chmod(scratch, 0o755)
}

// row is one way in which a server is asked.
type row struct {
	server    string // and what it allows
	codec     ingest.Codec
	transport ingest.Transport
	fails     error // nil if it works
}

// rows are what the servers can do. VLC's cannot put RTP into the control
// connection, and asks for passwords in the clear alone.
func rows() []row {
	var all []row
	for _, codec := range []ingest.Codec{ingest.H264, ingest.H265} {
		all = append(
			all,
			row{"gstreamer", codec, ingest.TransportAuto, nil},
			row{"gstreamer", codec, ingest.TransportTCP, nil},
			row{"gstreamer", codec, ingest.TransportUDP, nil},
			row{"gstreamer digest", codec, ingest.TransportTCP, nil},
			row{"gstreamer digest", codec, ingest.TransportUDP, nil},
			row{"gstreamer udp", codec, ingest.TransportAuto, nil}, // refused over TCP, it falls back
			row{"gstreamer udp", codec, ingest.TransportTCP, rtsp.ErrTransport},
			row{"vlc", codec, ingest.TransportAuto, nil}, // so here
			row{"vlc", codec, ingest.TransportUDP, nil},
			row{"vlc", codec, ingest.TransportTCP, rtsp.ErrTransport},
			row{"vlc basic", codec, ingest.TransportUDP, nil},
		)
	}
	return all
}

func TestSourcePullsServersOfOthers(t *testing.T) {
	for _, row := range rows() {
		t.Run(fmt.Sprintf("%s/%s/%s", row.server, row.codec, row.transport), func(t *testing.T) {
			t.Parallel()
			metrics := rtsp.NewMetrics(prometheus.NewRegistry()).Stream("kerb-7", ingest.Main)
			camera := ingest.Camera{ID: "kerb-7", URL: serve(t, row.server, row.codec), Transport: row.transport}
			if strings.HasSuffix(row.server, "digest") || strings.HasSuffix(row.server, "basic") {
				camera.Username, camera.Password = user, password
				camera.AllowBasic = strings.HasSuffix(row.server, "basic")
			}
			units, err := pull(t, rtsp.New(camera, ingest.Main, rtsp.DefaultConfig(), metrics, time.Now))
			if row.fails != nil {
				if !errors.Is(err, row.fails) {
					t.Errorf("got %v, want %v", err, row.fails)
				}
				return
			}
			if err != nil {
				t.Fatalf("after %d units: %v", len(units), err)
			}
			check(t, units, row.codec)
			overTCP := row.transport == ingest.TransportTCP
			if gaps := testutil.ToFloat64(metrics.Gaps); overTCP && gaps != 0 {
				t.Errorf("%v gaps over TCP", gaps)
			}
		})
	}
}

func TestServersOfOthersRefuseAWrongPassword(t *testing.T) {
	for _, server := range []string{"gstreamer digest", "vlc basic"} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			metrics := rtsp.NewMetrics(prometheus.NewRegistry()).Stream("kerb-7", ingest.Main)
			camera := ingest.Camera{
				ID: "kerb-7", URL: serve(t, server, ingest.H264), Transport: ingest.TransportAuto,
				Username: user, Password: "secret-but-wrong", AllowBasic: true,
			}
			_, err := pull(t, rtsp.New(camera, ingest.Main, rtsp.DefaultConfig(), metrics, time.Now))
			if !errors.Is(err, ingest.ErrUnauthorized) {
				t.Errorf("got %v, want to be refused", err)
			}
		})
	}
}

// keys is how many whole key units a row waits for.
const keys = 4

// pull runs a source until there are enough whole key units and the camera's
// time is known, and returns the units, or why it ended before.
func pull(t *testing.T, source ingest.Source) ([]*ingest.Unit, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var units []*ingest.Unit
	err := source.Run(ctx, func(u *ingest.Unit) {
		units = append(units, u)
		if whole(units) >= keys && !u.Camera.IsZero() {
			cancel()
		}
	})
	if errors.Is(err, context.Canceled) {
		return units, nil
	}
	return units, err
}

func whole(units []*ingest.Unit) int {
	n := 0
	for _, u := range units {
		if u.Key && !u.Damaged {
			n++
		}
	}
	return n
}

// check decodes the whole key units and looks at the times.
func check(t *testing.T, units []*ingest.Unit, codec ingest.Codec) {
	t.Helper()
	pool := decode.NewPool(1, decode.NewMetrics(prometheus.NewRegistry()))
	defer pool.Close()
	last := units[len(units)-1]
	if off, known := last.ClockError(); !known || off.Abs() > patience {
		t.Errorf("the camera's clock is %s off (known: %v), and it is ours", off, known)
	}
	for i, u := range units {
		if i > 0 && u.PTS <= units[i-1].PTS {
			t.Errorf("unit %d is of %s, after one of %s", i, u.PTS, units[i-1].PTS)
		}
		f := u.Format
		if f.Codec != codec || len(f.Of(nal.SPS)) == 0 || len(f.Of(nal.PPS)) == 0 || (len(f.Of(nal.VPS)) == 0) != (codec == ingest.H264) {
			t.Fatalf("unit %d is of format %+v", i, f)
		}
		if !u.Key || u.Damaged {
			continue
		}
		shown, err := pool.Decode(t.Context(), u)
		if err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
		if size := shown.Size(); size != picture {
			t.Errorf("unit %d shows %s, want %s", i, size, picture)
		}
		shown.Close()
	}
}
