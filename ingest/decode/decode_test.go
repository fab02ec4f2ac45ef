package decode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os/exec"
	"sync"
	"testing"

	"github.com/asticode/go-astiav"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"gocv.io/x/gocv"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/ingest"
	"tidewatch/ingest/nal"
	"tidewatch/ingest/simcam"
	"tidewatch/rescue"
)

// ffmpeg runs the program and returns what it writes to stdout.
func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...)
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s", args, err, complaint.String())
	}
	return out.Bytes()
}

// pattern is a test picture that changes with each frame.
func pattern(size string, rate, frames int) []string {
	return []string{
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d", size, rate),
		"-frames:v", fmt.Sprint(frames), "-pix_fmt", "yuv420p",
	}
}

// keyUnits encodes a pattern and returns its key units.
func keyUnits(t testing.TB, codec ingest.Codec, size string, options ...string) []*ingest.Unit {
	t.Helper()
	encoder := map[ingest.Codec]string{ingest.H264: "libx264", ingest.H265: "libx265"}[codec]
	muxer := map[ingest.Codec]string{ingest.H264: "h264", ingest.H265: "hevc"}[codec]
	args := append(pattern(size, 5, 11), "-c:v", encoder, "-x265-params", "log-level=none:keyint=5:repeat-headers=1", "-g", "5")
	return split(t, codec, ffmpeg(t, append(append(args, options...), "-f", muxer, "-")...))
}

// split takes the key units out of an Annex B stream.
func split(t testing.TB, codec ingest.Codec, stream []byte) []*ingest.Unit {
	t.Helper()
	var nalus h264.AnnexB
	// The library's limit is meant for one unit.
	for _, nalu := range bytes.Split(bytes.ReplaceAll(stream, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1}) {
		if len(nalu) > 0 {
			nalus = append(nalus, nalu)
		}
	}
	var units []*ingest.Unit
	format := ingest.NewFormat(codec)
	for _, nalu := range nalus {
		format = format.Learn([][]byte{nalu})
		switch head, slice := format.Head(nalu); {
		case slice && head.Alone && head.First:
			units = append(units, &ingest.Unit{Format: format, NALUs: [][]byte{nalu}, Key: true})
		case slice && head.Alone:
			last := units[len(units)-1]
			last.NALUs = append(last.NALUs, nalu)
		}
	}
	if len(units) < 3 {
		t.Fatalf("encoded only %d key units", len(units))
	}
	return units
}

// reference is FFmpeg's own decoding of a lone key unit, as BGR.
func reference(t testing.TB, u *ingest.Unit) []byte {
	t.Helper()
	stream, err := h264.AnnexB(u.Format.Prepend(u.NALUs)).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	muxer := map[ingest.Codec]string{ingest.H264: "h264", ingest.H265: "hevc"}[u.Format.Codec]
	args := []string{"-nostdin", "-v", "error", "-f", muxer, "-i", "-", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24"}
	if u.Format.Codec == ingest.H264 && u.Format.SizeOf(u.NALUs).X%16 != 0 {
		args = append(args, "-sws_flags", "accurate_rnd+full_chroma_int+bilinear")
	}
	cmd := exec.Command("ffmpeg", append(args, "-")...)
	cmd.Stdin = bytes.NewReader(stream)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// difference is the mean absolute difference of two pictures' bytes.
func difference(t testing.TB, got, want []byte) float64 {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("picture has %d bytes, want %d", len(got), len(want))
	}
	sum := 0
	for i := range got {
		sum += max(int(got[i])-int(want[i]), int(want[i])-int(got[i]))
	}
	return float64(sum) / float64(len(got))
}

func bgr(t testing.TB, p *Picture) []byte {
	t.Helper()
	pixels, err := p.Mat.DataPtrUint8()
	if err != nil {
		t.Fatal(err)
	}
	return pixels
}

func newPool(t testing.TB, n int) *Pool {
	t.Helper()
	pool := NewPool(n, NewMetrics(prometheus.NewRegistry()))
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// tolerance is far below what two neighbouring pictures differ by, and above
// what two ways of conversion do.
const tolerance = 1.0

// check decodes a unit and holds it against FFmpeg's own decoding.
func check(t *testing.T, pool *Pool, u *ingest.Unit) {
	t.Helper()
	picture, err := pool.Decode(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if d := difference(t, bgr(t, picture), reference(t, u)); d > tolerance {
		t.Errorf("picture differs from FFmpeg's by %.2f of 255 on average", d)
	}
}

func TestDecodeGivesThePictureOfTheUnit(t *testing.T) {
	for _, test := range []struct {
		name    string
		codec   ingest.Codec
		size    string
		options []string
	}{
		{"plain", ingest.H264, "640x360", []string{"-bf", "0", "-tune", "zerolatency"}},
		{"baseline", ingest.H264, "640x360", []string{"-profile:v", "baseline"}},
		{"reordered pictures announced", ingest.H264, "640x360", []string{"-bf", "3"}},
		{"several slices", ingest.H264, "640x360", []string{"-bf", "0", "-slices", "4"}},
		{"interlaced", ingest.H264, "640x480", []string{"-bf", "0", "-flags", "+ildct+ilme"}},
		{"width off the grid", ingest.H264, "630x358", []string{"-bf", "0"}},
		{"tiny", ingest.H264, "34x18", []string{"-bf", "0"}},
		{"full range", ingest.H264, "640x360", []string{"-bf", "0", "-pix_fmt", "yuvj420p"}},
		{"4:4:4", ingest.H264, "640x360", []string{"-bf", "0", "-pix_fmt", "yuv444p"}},
		{"said to be BT.709", ingest.H264, "640x360", []string{"-bf", "0", "-colorspace", "bt709"}},
		{"H.265", ingest.H265, "640x360", []string{"-bf", "0"}},
		{"H.265 with reordered pictures", ingest.H265, "640x360", []string{"-bf", "3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, 1)
			for _, u := range keyUnits(t, test.codec, test.size, test.options...)[:2] {
				check(t, pool, u)
			}
		})
	}
}

func TestDecodeInterleavesCameras(t *testing.T) {
	pool := newPool(t, 1)
	cameras := [][]*ingest.Unit{
		keyUnits(t, ingest.H264, "640x360", "-bf", "0"),
		keyUnits(t, ingest.H264, "320x240", "-bf", "3"),
		keyUnits(t, ingest.H265, "320x240"),
		keyUnits(t, ingest.H264, "640x360", "-profile:v", "baseline", "-vf", "hue=h=90"),
	}
	for round := range 3 {
		for _, camera := range cameras {
			if difference(t, reference(t, camera[round]), reference(t, camera[(round+1)%3])) < 2*tolerance {
				t.Fatal("pictures are too much alike to tell which one was decoded")
			}
			check(t, pool, camera[round])
		}
	}
}

func TestDecodeFootageAsFFmpegDoes(t *testing.T) {
	dir, err := assets.Default()
	if err != nil {
		t.Fatal(err)
	}
	footage, err := dir.Footage("vtest.avi")
	if err != nil {
		t.Fatal(err)
	}
	video, err := simcam.Prepare(t.Context(), footage, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stream := ffmpeg(t, "-i", video, "-t", "5", "-c:v", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", "-")
	units := split(t, ingest.H264, stream)
	if len(units) != 5 {
		t.Errorf("5 s of prepared footage have %d key units, want one a second", len(units))
	}
	pool := newPool(t, 1)
	for _, u := range units {
		check(t, pool, u)
	}
}

func TestDecodeRefusesWhatIsNoPicture(t *testing.T) {
	registry := prometheus.NewRegistry()
	pool := NewPool(1, NewMetrics(registry))
	defer pool.Close()
	units := keyUnits(t, ingest.H264, "640x360", "-bf", "0")
	good := units[0]
	with := func(nalus ...[]byte) *ingest.Unit {
		return &ingest.Unit{Format: good.Format, NALUs: nalus, Key: true}
	}
	slice := good.NALUs[len(good.NALUs)-1]
	for _, test := range []struct {
		name string
		unit *ingest.Unit
	}{
		{"no slice", with()},
		{"half a picture", with(slice[:len(slice)/2])},
		{"other bytes in the middle", with(append(append(bytes.Clone(slice[:200]), bytes.Repeat([]byte{0xA5}, 400)...), slice[600:]...))},
		{"noise", with([]byte{0x65, 1, 2, 3, 4, 5, 6, 7, 8})},
		{"no parameter sets", &ingest.Unit{Format: &ingest.Format{Codec: ingest.H265}, NALUs: good.NALUs, Key: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			picture, err := pool.Decode(t.Context(), test.unit)
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("got picture %v and error %v, want ErrCorrupt", picture, err)
			}
			check(t, pool, units[1]) // the decoder has recovered
		})
	}
	if got := testutil.CollectAndCount(registry, "tidewatch_decode_failures_total"); got != 1 {
		t.Errorf("failures are not measured")
	}
	if got := testutil.ToFloat64(pool.metrics.failures); got != 5 {
		t.Errorf("counted %v failures, want 5", got)
	}
}

func TestDecodeRefusesUnitsThatAreNoKeys(t *testing.T) {
	pool := newPool(t, 1)
	if _, err := pool.Decode(t.Context(), &ingest.Unit{Format: &ingest.Format{Codec: ingest.H264}}); err == nil {
		t.Error("no error")
	}
	if _, err := pool.Decode(t.Context(), &ingest.Unit{Format: &ingest.Format{Codec: "vp9"}, Key: true}); err == nil {
		t.Error("no error for an unknown codec")
	}
}

func TestPoolWaitsForAFreeDecoder(t *testing.T) {
	pool := newPool(t, 1)
	units := keyUnits(t, ingest.H264, "320x240", "-bf", "0")
	busy := <-pool.free
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pool.Decode(ctx, units[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	pool.free <- busy
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() { check(t, pool, units[0]) })
	}
	group.Wait()
}

// TestConvertKeepsToItsRoom converts into memory with a guard behind it, since
// OpenCV gives pictures exactly the room they need.
func TestConvertKeepsToItsRoom(t *testing.T) {
	for _, test := range []struct{ size, limit image.Point }{
		{size: image.Pt(640, 360)},
		{size: image.Pt(630, 358)},
		{size: image.Pt(34, 18)},
		{size: image.Pt(18, 34)},
		{size: image.Pt(1922, 16)},
		{image.Pt(1920, 1080), image.Pt(1280, 1280)},
		{image.Pt(1920, 1080), image.Pt(638, 638)},
		{image.Pt(1080, 1920), image.Pt(300, 333)},
		{image.Pt(1922, 16), image.Pt(101, 101)},
	} {
		t.Run(fmt.Sprint(test.size, test.limit), func(t *testing.T) {
			frame := astiav.AllocFrame()
			defer frame.Free()
			frame.SetWidth(test.size.X)
			frame.SetHeight(test.size.Y)
			frame.SetPixelFormat(astiav.PixelFormatYuv420P)
			if err := errors.Join(frame.AllocBuffer(32), frame.ImageFillBlack()); err != nil {
				t.Fatal(err)
			}
			const guard = 4096
			size := within(test.size, test.limit)
			room := bytes.Repeat([]byte{0xEE}, size.X*size.Y*3+guard)
			var c converter
			defer c.close()
			if err := c.convert(frame, size, room[:len(room)-guard]); err != nil {
				t.Fatal(err)
			}
			if i := bytes.IndexByte(room[:len(room)-guard], 0xEE); i >= 0 {
				t.Errorf("byte %d of the picture was not written", i)
			}
			if !bytes.Equal(room[len(room)-guard:], bytes.Repeat([]byte{0xEE}, guard)) {
				t.Error("wrote beyond the picture")
			}
		})
	}
}

func TestPicturesAreMadeNoLargerThanAsked(t *testing.T) {
	for _, test := range []struct {
		name              string
		size, limit, want image.Point
	}{
		{"no limit", image.Pt(1920, 1080), image.Point{}, image.Pt(1920, 1080)},
		{"smaller than the limit", image.Pt(640, 360), image.Pt(1280, 1280), image.Pt(640, 360)},
		{"wide", image.Pt(1920, 1080), image.Pt(1280, 1280), image.Pt(1280, 720)},
		{"tall", image.Pt(1080, 1920), image.Pt(1280, 1280), image.Pt(720, 1280)},
		{"another shape", image.Pt(1920, 1080), image.Pt(704, 576), image.Pt(704, 396)},
		{"a line", image.Pt(4000, 2), image.Pt(100, 100), image.Pt(100, 1)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := within(test.size, test.limit); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// TestDecodeWithin checks that a picture made smaller shows what the whole one
// does.
func TestDecodeWithin(t *testing.T) {
	unit := keyUnits(t, ingest.H264, "640x360")[0]
	pool := newPool(t, 1)
	whole, err := pool.Decode(t.Context(), unit)
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	small, err := pool.DecodeWithin(t.Context(), unit, image.Pt(320, 320))
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	if small.Size() != image.Pt(320, 180) {
		t.Fatalf("size %v", small.Size())
	}
	shrunk := gocv.NewMat()
	defer shrunk.Close()
	gocv.Resize(whole.Mat, &shrunk, small.Size(), 0, 0, gocv.InterpolationArea)
	difference := gocv.NewMat()
	defer difference.Close()
	gocv.AbsDiff(shrunk, small.Mat, &difference)
	if mean := difference.Mean(); mean.Val1 > 6 || mean.Val2 > 6 || mean.Val3 > 6 {
		t.Errorf("differs from the whole picture by %v", mean)
	}
}

func FuzzDecode(f *testing.F) {
	unit := keyUnits(f, ingest.H264, "64x64", "-bf", "0")[0]
	f.Add(unit.Format.Of(nal.SPS)[0], unit.Format.Of(nal.PPS)[0], unit.NALUs[0])
	hevc := keyUnits(f, ingest.H265, "64x64")[0]
	f.Add(hevc.Format.Of(nal.SPS)[0], hevc.Format.Of(nal.PPS)[0], hevc.NALUs[0])
	vps := hevc.Format.Of(nal.VPS)[0]
	pool := newPool(f, 1)
	f.Fuzz(func(t *testing.T, sps, pps, slice []byte) {
		for _, format := range []*ingest.Format{
			ingest.NewFormat(ingest.H264, sps, pps),
			ingest.NewFormat(ingest.H265, vps, sps, pps),
		} {
			picture, err := pool.Decode(t.Context(), &ingest.Unit{Format: format, NALUs: [][]byte{slice}, Key: true})
			if err != nil {
				continue
			}
			if picture.Mat.Empty() || len(bgr(t, picture)) != picture.Size().X*picture.Size().Y*3 {
				t.Errorf("picture of size %v has %d bytes", picture.Size(), len(bgr(t, picture)))
			}
			picture.Close()
		}
	})
}

// TestPoolSurvivesAPanic has a decoder's work broken off in its middle: the pool
// keeps its size, and the next unit is decoded by a fresh one.
func TestPoolSurvivesAPanic(t *testing.T) {
	pool := newPool(t, 1)
	units := keyUnits(t, ingest.H264, "320x240")
	check(t, pool, units[0])
	for range 3 {
		err := rescue.Do(func() error {
			_, err := pool.decode(t.Context(), units[0], func(image.Point) image.Point { panic("struck") })
			return err
		})
		if rescue.From(err) == nil {
			t.Fatalf("got %v", err)
		}
		check(t, pool, units[0])
	}
}
