package feed_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/pmp4"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
	"tidewatch/ingest/ring"
)

// encoded is a film of so many seconds, ten pictures a second, as an encoder
// with these options makes it, each sample then edited.
func encoded(t *testing.T, seconds int, edit func(nalus [][]byte) [][]byte, options ...string) string {
	t.Helper()
	return encodedBy(t, seconds, func(*ingest.Format) func([][]byte) [][]byte { return edit }, options...)
}

// encodedBy is encoded with an edit that depends on the film's format.
func encodedBy(t *testing.T, seconds int, by func(*ingest.Format) func([][]byte) [][]byte, options ...string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "film.mp4")
	args := append([]string{
		"-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=192x144:rate=10", "-t", strconv.Itoa(seconds),
		"-pix_fmt", "yuv420p", "-sc_threshold", "0", "-threads", "1", "-c:v",
	}, options...)
	if out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	edited := filepath.Join(dir, "edited.mp4")
	if err := rewrite(path, edited, by); err != nil {
		t.Fatal(err)
	}
	return edited
}

// rewrite copies a film with other samples; one without NALUs is left out.
func rewrite(from, to string, by func(*ingest.Format) func([][]byte) [][]byte) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	var film pmp4.Presentation
	if err := film.Unmarshal(source); err != nil {
		return err
	}
	track := film.Tracks[0]
	format := ingest.NewFormat(ingest.H265)
	if codec, avc := track.Codec.(*codecs.H264); avc {
		format = ingest.NewFormat(ingest.H264, codec.SPS, codec.PPS)
	}
	edit := by(format)
	if edit == nil {
		return os.Rename(from, to)
	}
	kept := track.Samples[:0]
	for _, sample := range track.Samples {
		payload, err := sample.GetPayload()
		if err != nil {
			return err
		}
		var nalus h264.AVCC // the same for both codings
		if err := nalus.Unmarshal(payload); err != nil {
			return err
		}
		if nalus = edit(nalus); len(nalus) == 0 {
			continue
		}
		if payload, err = nalus.Marshal(); err != nil {
			return err
		}
		sample.PayloadSize = uint32(len(payload))
		sample.GetPayload = func() ([]byte, error) { return payload, nil }
		kept = append(kept, sample)
	}
	track.Samples = kept
	target, err := os.Create(to)
	if err != nil {
		return err
	}
	return errors.Join(film.Marshal(target), target.Close())
}

// sound checks what would be evidence of a camera's last seconds: a key unit and
// a clip that programs of others decode from their bytes alone. It returns the
// clip, and how long it plays.
func (r *rig) sound(during time.Duration) (ring.Clip, time.Duration) {
	r.t.Helper()
	var clip ring.Clip
	r.until("a clip of "+during.String(), func() bool {
		newest := r.feed.Newest()
		if newest == nil {
			return false
		}
		until := newest.Time(r.camera.ClockTolerance)
		var err error
		clip, err = r.feed.Ring().Cut(until.Add(-during), until)
		return err == nil
	})
	u := clip.Units[0]
	var bytes []byte
	for _, nalu := range announced(u) {
		bytes = append(append(bytes, 0, 0, 0, 1), nalu...)
	}
	unit := filepath.Join(r.t.TempDir(), "unit."+string(u.Format.Codec))
	r.check(os.WriteFile(unit, bytes, 0o644))
	if n := shows(r.t, unit); n != 1 {
		r.t.Errorf("a key unit shows %d pictures", n)
	}
	path := filepath.Join(r.t.TempDir(), "clip.mp4")
	file, err := os.Create(path)
	r.check(err)
	r.check(clip.WriteMP4(file))
	r.check(file.Close())
	if n := shows(r.t, path); n != len(clip.Units) {
		r.t.Errorf("a clip of %d units shows %d pictures", len(clip.Units), n)
	}
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "stream=duration", "-of", "csv=p=0", path).Output()
	r.check(err)
	lasts, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	r.check(err)
	return clip, seconds(lasts)
}

// announced is a key unit as a decoder wants it that knows nothing of it: see
// decode.Pool.
func announced(u *ingest.Unit) [][]byte {
	if u.Format.Codec != ingest.H264 || u.Announced() {
		return u.Format.Prepend(u.NALUs)
	}
	return u.Format.Prepend(append([][]byte{nal.Entry}, u.NALUs...))
}

// harmless is what ffmpeg says of a picture that lets go of one from before the
// beginning, and of times that its writer cannot tell apart.
var harmless = regexp.MustCompile(`.*(?:mmco: unref short failure|non monotonically increasing dts.*|Last message repeated .*)\n`)

// shows has ffmpeg decode a file, and returns how many pictures it shows, all
// of them whole.
func shows(t *testing.T, path string) int {
	t.Helper()
	// What a few bytes are is not guessed.
	is := map[string]string{".h264": "h264", ".h265": "hevc", ".mp4": "mp4"}[filepath.Ext(path)]
	cmd := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-xerror", "-threads", "1", "-f", is, "-i", path,
		"-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-s", "16x16", "-")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if text := harmless.ReplaceAllString(complaint.String(), ""); err != nil || text != "" {
		t.Errorf("ffmpeg on %s: %v: %s", filepath.Base(path), err, text)
	}
	return len(out) / (16 * 16)
}

// without leaves out NALUs of a kind.
func without(kind nal.Kind) func([][]byte) [][]byte {
	return func(nalus [][]byte) (kept [][]byte) {
		for _, nalu := range nalus {
			if nal.KindOf(ingest.H264, nalu) != kind {
				kept = append(kept, nalu)
			}
		}
		return kept
	}
}

// referenced leaves out pictures that no other refers to.
func referenced(nalus [][]byte) [][]byte {
	for _, nalu := range nalus {
		if nal.KindOf(ingest.H264, nalu) == nal.Slice && nalu[0]&0x60 == 0 {
			return nil
		}
	}
	return nalus
}

// twice adds to each key frame its picture parameter set once more, under a
// number that no slice refers to.
func twice(pps []byte) func([][]byte) [][]byte {
	second := renumbered(pps)
	return func(nalus [][]byte) [][]byte {
		if h264.IsRandomAccess(nalus) {
			return append([][]byte{second}, nalus...)
		}
		return nalus
	}
}

// renumbered is a PPS under the number 1 that had 0.
func renumbered(pps []byte) []byte {
	text := ""
	for _, b := range h264.EmulationPreventionRemove(pps[1:]) {
		text += fmt.Sprintf("%08b", b)
	}
	text = strings.TrimRight("010"+text[1:], "0") // Exp-Golomb; a 1 ends it
	text += strings.Repeat("0", (8-len(text)%8)%8)
	nalu := []byte{pps[0]}
	for i := 0; i < len(text); i += 8 {
		b, err := strconv.ParseUint(text[i:i+8], 2, 8)
		if err != nil {
			panic(err)
		}
		nalu = append(nalu, byte(b))
	}
	return nalu
}
