package rtsp

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// footage is a film as it was encoded: what is held against what is stored.
type footage struct {
	path     string
	format   *ingest.Format
	pictures []picture
}

// picture is one of a film, in the order of decoding.
type picture struct {
	slices digest
	sets   digest // of those that it needs
	shown  string // digest of what a decoder shows of the whole film
}

type digest [sha256.Size]byte

// slicesOf are what makes a unit the picture that it is.
func slicesOf(codec ingest.Codec, nalus [][]byte) digest {
	return digestOf(slices.DeleteFunc(slices.Clone(nalus), func(nalu []byte) bool { return nal.KindOf(codec, nalu) != nal.Slice }))
}

func digestOf(nalus [][]byte) digest {
	sum := sha256.New()
	for _, nalu := range nalus {
		fmt.Fprintf(sum, "%d:", len(nalu))
		sum.Write(nalu)
	}
	return digest(sum.Sum(nil))
}

func nalusOf(sets []ingest.Set) [][]byte {
	var nalus [][]byte
	for _, set := range sets {
		nalus = append(nalus, set.NALU)
	}
	return nalus
}

const width, height = 192, 144

// encodings are films of three seconds, ten pictures a second, as different
// encoders and settings make them.
var encodings = map[string][]string{
	"h264":         {"libx264", "-bf", "0", "-g", "10"},
	"h264 slices":  {"libx264", "-bf", "0", "-g", "10", "-x264-params", "slices=4"},
	"h264 simple":  {"libx264", "-profile:v", "baseline", "-g", "5", "-qp", "40", "-x264-params", "bframes=0:no-8x8dct=1:cabac=0"},
	"h264 other":   {"libx264", "-bf", "0", "-g", "7", "-qp", "30", "-x264-params", "ref=1:cabac=0:8x8dct=0"},
	"h264 B":       {"libx264", "-bf", "2", "-g", "10", "-x264-params", "b-adapt=0"},
	"h264 open":    {"libx264", "-bf", "2", "-g", "10", "-x264-params", "b-adapt=0:open-gop=1:keyint=8:min-keyint=8"},
	"h264 intra":   {"libx264", "-bf", "0", "-g", "1"},
	"h264 refresh": {"libx264", "-bf", "0", "-x264-params", "intra-refresh=1:keyint=10"},
	"h264 fields":  {"libx264", "-bf", "0", "-g", "10", "-x264-params", "tff=1"},
	"h265":         {"libx265", "-g", "10", "-x265-params", "bframes=0:open-gop=0"},
	"h265 slices":  {"libx265", "-g", "10", "-x265-params", "bframes=0:open-gop=0:slices=2"},
	"h265 other":   {"libx265", "-g", "6", "-x265-params", "bframes=0:open-gop=0:qp=38:no-sao=1:ctu=16"},
	"h265 open":    {"libx265", "-g", "10", "-x265-params", "bframes=3:open-gop=1:b-adapt=0"},
}

// library are the films of the walk, by name, encoded once.
var library = sync.OnceValues(func() (map[string]*footage, error) {
	films := map[string]*footage{}
	for name, options := range encodings {
		f, err := encode(name, options)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		films[name] = f
	}
	return films, nil
})

func encode(name string, options []string) (*footage, error) {
	path := filepath.Join(scratch, strings.ReplaceAll(name, " ", "-")+".mp4")
	args := []string{
		"-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=10", width, height), "-t", "3",
		"-pix_fmt", "yuv420p", "-sc_threshold", "0", "-threads", "1", "-c:v",
	}
	for i, option := range options {
		if i > 0 && options[i-1] == "-x265-params" {
			option += ":log-level=error:scenecut=0:pools=1:frame-threads=1:info=0"
		}
		args = append(args, option)
	}
	if out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return openFootage(path)
}

// openFootage reads a film, without any of the code that is tested but for that
// which reads headers.
func openFootage(path string) (*footage, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var content pmp4.Presentation
	if err := content.Unmarshal(file); err != nil {
		return nil, err
	}
	track := content.Tracks[0]
	f := &footage{path: path}
	switch codec := track.Codec.(type) {
	case *codecs.H264:
		f.format = ingest.NewFormat(ingest.H264, codec.SPS, codec.PPS)
	case *codecs.H265:
		f.format = ingest.NewFormat(ingest.H265, codec.VPS, codec.SPS, codec.PPS)
	}
	shown, err := digests(path)
	if err != nil {
		return nil, err
	}
	if len(shown) != len(track.Samples) {
		return nil, fmt.Errorf("%d of %d pictures are shown", len(shown), len(track.Samples))
	}
	var at []int64 // when each is shown
	var due int64
	for _, sample := range track.Samples {
		payload, err := sample.GetPayload()
		if err != nil {
			return nil, err
		}
		var nalus h264.AVCC
		if err := nalus.Unmarshal(payload); err != nil {
			return nil, err
		}
		needed, ok := f.format.Needed(nalus)
		if !ok {
			return nil, fmt.Errorf("picture %d needs unknown sets", len(f.pictures))
		}
		f.pictures = append(f.pictures, picture{slices: slicesOf(f.format.Codec, nalus), sets: digestOf(nalusOf(needed))})
		at = append(at, due+int64(sample.PTSOffset))
		due += int64(sample.Duration)
	}
	order := make([]int, len(at)) // of showing
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	for i, of := range order {
		f.pictures[of].shown = shown[i]
	}
	return f, nil
}

// harmless is what ffmpeg says of a picture that lets go of one from before the
// beginning, and of times that its writer cannot tell apart.
var harmless = regexp.MustCompile(`.*(?:mmco: unref short failure|non monotonically increasing dts.*|Last message repeated .*)\n`)

// digests has ffmpeg decode a file, and returns what it shows, in that order.
// What is damaged is an error. Times say nothing: no picture is left out or shown
// twice for them.
func digests(path string) ([]string, error) {
	// What a few bytes are is not guessed.
	is := map[string]string{".h264": "h264", ".h265": "hevc", ".mp4": "mp4"}[filepath.Ext(path)]
	// FFmpeg takes what it decodes before it has shown a recovery point for
	// doubtful. What it shows is compared to the pixel.
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-threads", "1", "-flags", "+output_corrupt", "-f", is, "-i", path,
		"-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, complaint.String())
	}
	if text := harmless.ReplaceAllString(complaint.String(), ""); text != "" {
		return nil, fmt.Errorf("ffmpeg: %s", text)
	}
	var all []string
	for picture := range slices.Chunk(out, width*height*3/2) {
		all = append(all, fmt.Sprintf("%x", sha256.Sum256(picture)))
	}
	return all, nil
}

// alone decodes a key unit in a decoder that has seen nothing else.
func alone(u *ingest.Unit) (string, error) {
	file, err := os.CreateTemp(scratch, "unit-*."+string(u.Format.Codec))
	if err != nil {
		return "", err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	nalus := u.NALUs
	if u.Format.Codec == ingest.H264 && !u.Announced() { // as decode.Pool does
		nalus = append([][]byte{nal.Entry}, nalus...)
	}
	for _, nalu := range u.Format.Prepend(nalus) {
		if _, err := file.Write(append([]byte{0, 0, 0, 1}, nalu...)); err != nil {
			return "", err
		}
	}
	shown, err := digests(file.Name())
	if err != nil {
		return "", err
	}
	if len(shown) != 1 {
		return "", fmt.Errorf("%d pictures are shown", len(shown))
	}
	return shown[0], nil
}

func TestFootageIsRead(t *testing.T) {
	films, err := library()
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range films {
		seen := map[string]bool{}
		for _, p := range f.pictures {
			seen[p.shown] = true
		}
		if len(f.pictures) != 30 || len(seen) != 30 {
			t.Errorf("%s: %s pictures, %d different", name, strconv.Itoa(len(f.pictures)), len(seen))
		}
	}
}
