package decode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"tidewatch/ingest"
	"tidewatch/ingest/ring"
)

// h265Clip is a clip as the evidence keeps it: H.265 units of a camera, written
// by the ring.
func h265Clip(t testing.TB, size string, options ...string) []byte {
	t.Helper()
	film := encode(t, "film.mp4", pattern(size, 10, 40),
		append([]string{"-c:v", "libx265", "-g", "10", "-x265-params", "log-level=none:open-gop=0"}, options...)...)
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
	clip := ring.Clip{From: time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)}
	var elapsed int64
	for _, sample := range track.Samples[10:] { // from the second key unit on
		payload, err := sample.GetPayload()
		if err != nil {
			t.Fatal(err)
		}
		var nalus h264.AVCC
		if err := nalus.Unmarshal(payload); err != nil {
			t.Fatal(err)
		}
		clip.Units = append(clip.Units, &ingest.Unit{
			PTS:    time.Duration(elapsed+int64(sample.PTSOffset)) * time.Second / time.Duration(track.TimeScale),
			Format: format, NALUs: nalus, Key: !sample.IsNonSyncSample,
		})
		elapsed += int64(sample.Duration)
	}
	var out bytes.Buffer
	if err := clip.WriteMP4(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// probe is what ffprobe says of a video.
type probe struct {
	Streams []struct {
		Codec  string `json:"codec_name"`
		Pixels string `json:"pix_fmt"`
		Range  string `json:"color_range"`
		Space  string `json:"color_space"`
		Frames string `json:"nb_read_frames"`
		Width  int
		Height int
	}
	Format struct {
		Duration string
		Tags     map[string]string
	}
}

func probed(t testing.TB, video []byte) (p probe, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "probed.mp4")
	if err := os.WriteFile(path, video, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_format", "-of", "json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &p); err != nil || len(p.Streams) != 1 {
		t.Fatalf("%v in %s", err, out)
	}
	return p, path
}

func makePreview(t testing.TB, source []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := (Previewer{}).Preview(t.Context(), bytes.NewReader(source), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPreviewShowsWhatTheClipDoes(t *testing.T) {
	for _, test := range []struct {
		name, size    string
		options       []string
		width, height int
		space         string
	}{
		{"plain", "320x240", []string{"-bf", "0"}, 320, 240, "smpte170m"},
		{"reordered pictures", "320x240", []string{"-bf", "3"}, 320, 240, "smpte170m"},
		{"10 bits", "320x240", []string{"-pix_fmt", "yuv420p10le"}, 320, 240, "smpte170m"},
		{"full range", "320x240", []string{"-pix_fmt", "yuvj420p"}, 320, 240, "smpte170m"},
		{"said to be BT.709", "320x240", []string{"-x265-params", "log-level=none:open-gop=0:colormatrix=bt709"}, 320, 240, "bt709"},
		{"large, and off the grid", "2562x1446", []string{"-preset", "ultrafast"}, 1920, 1084, "bt709"},
	} {
		t.Run(test.name, func(t *testing.T) {
			clip := h265Clip(t, test.size, test.options...)
			of, source := probed(t, clip)
			got, preview := probed(t, makePreview(t, clip))
			stream := got.Streams[0]
			if of.Streams[0].Codec != "hevc" || stream.Codec != "h264" || stream.Pixels != "yuv420p" {
				t.Errorf("made %s in %s of %s", stream.Codec, stream.Pixels, of.Streams[0].Codec)
			}
			if stream.Width != test.width || stream.Height != test.height {
				t.Errorf("size %dx%d, want %dx%d", stream.Width, stream.Height, test.width, test.height)
			}
			if stream.Frames != of.Streams[0].Frames || stream.Frames != "30" {
				t.Errorf("%s pictures of %s", stream.Frames, of.Streams[0].Frames)
			}
			if stream.Range != "tv" || stream.Space != test.space {
				t.Errorf("colours are said to be %s, %s", stream.Range, stream.Space)
			}
			long, _ := strconv.ParseFloat(got.Format.Duration, 64)
			want, _ := strconv.ParseFloat(of.Format.Duration, 64)
			if math.Abs(long-want) > 0.002 || want < 2.99 {
				t.Errorf("lasts %v s of %v s", long, want)
			}
			if got.Format.Tags["title"] != previewTitle || got.Format.Tags["comment"] != previewComment {
				t.Errorf("says %v of itself", got.Format.Tags)
			}
			// Both are brought to one small size: coding may not show, colours must.
			pixels := func(path string) []byte {
				return ffmpeg(t, "-i", path, "-vf", "scale=160:120:flags=area", "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "gray", "-")
			}
			if d := difference(t, pixels(preview), pixels(source)); d > 3 {
				t.Errorf("pictures differ by %.2f of 255 on average", d)
			}
		})
	}
}

// TestPreviewPlaysWhileItLoads looks for the index before the pictures.
func TestPreviewPlaysWhileItLoads(t *testing.T) {
	preview := makePreview(t, h265Clip(t, "320x240"))
	if index, pictures := bytes.Index(preview, []byte("moov")), bytes.Index(preview, []byte("mdat")); index < 0 || index > pictures {
		t.Errorf("the index is at %d, the pictures at %d", index, pictures)
	}
}

func TestPreviewRefusesWhatIsNotWhole(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	clip := h265Clip(t, "320x240")
	torn := errors.New("torn")
	noise := bytes.Clone(clip)
	for i := len(noise) / 2; i < len(noise)-100; i++ {
		noise[i] = 0xA5
	}
	for name, source := range map[string]io.Reader{
		"nothing":             bytes.NewReader(nil),
		"text":                strings.NewReader("#EXTM3U\n/etc/passwd\n"),
		"a head alone":        bytes.NewReader(clip[:1000]),
		"half a clip":         bytes.NewReader(clip[:len(clip)/2]),
		"noise in its middle": bytes.NewReader(noise),
		"a broken disk":       io.MultiReader(bytes.NewReader(clip[:2000]), iotest.ErrReader(torn)),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := Previewer{}.Preview(t.Context(), source, &out)
			if err == nil || !strings.Contains(err.Error(), "make preview") {
				t.Errorf("error %v", err)
			}
			if out.Len() > 0 {
				t.Errorf("wrote %d bytes", out.Len())
			}
		})
	}
	t.Run("nobody wants it any more", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := (Previewer{}).Preview(ctx, bytes.NewReader(clip), io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nobody takes it", func(t *testing.T) {
		read, write := io.Pipe()
		read.CloseWithError(torn)
		if err := (Previewer{}).Preview(t.Context(), bytes.NewReader(clip), write); !errors.Is(err, torn) {
			t.Errorf("error %v", err)
		}
	})
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry.Name(), "tidewatch-preview-") {
			t.Errorf("%s is left behind", entry.Name())
		}
	}
}

// TestPreviewsDoNotGrow makes previews again and again, some of which fail.
func TestPreviewsDoNotGrow(t *testing.T) {
	clip := h265Clip(t, "640x480", "-preset", "ultrafast")
	torn := clip[:len(clip)/2]
	round := func() {
		makePreview(t, clip)
		if err := (Previewer{}).Preview(t.Context(), bytes.NewReader(torn), io.Discard); err == nil {
			t.Error("half a clip gives a preview")
		}
	}
	// The least of several tells what is held for good. It may grow for a while
	// and then no more: one decoded picture that is not freed at each round
	// would be nine megabytes in two windows, again and again.
	const rounds, windows, enough = 10, 12, 4 << 20
	var held []int
	for range windows {
		least := math.MaxInt
		for range rounds {
			round()
			least = min(least, resident(t))
		}
		held = append(held, least)
		if n := len(held); n > 2 && held[n-1]-held[n-3] < enough {
			return
		}
	}
	t.Errorf("memory grows with each preview: %d bytes after each %d", held, rounds)
}

// resident is the memory that the process holds, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	runtime.GC()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
