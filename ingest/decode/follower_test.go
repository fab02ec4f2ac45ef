package decode

import (
	"bytes"
	"context"
	"errors"
	"image"
	"os"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/ingest"
)

const (
	filmSize = 320 * 240 * 3
	filmLong = 40 // pictures, two groups of the same length
)

// film is a stream of two groups, and what FFmpeg makes of its pictures.
func film(t testing.TB, codec ingest.Codec, options ...string) (units []*ingest.Unit, pictures [][]byte) {
	t.Helper()
	encoder := map[ingest.Codec]string{ingest.H264: "libx264", ingest.H265: "libx265"}[codec]
	muxer := map[ingest.Codec]string{ingest.H264: "h264", ingest.H265: "hevc"}[codec]
	args := append(pattern("320x240", 10, filmLong), "-c:v", encoder, "-g", "20",
		"-x265-params", "log-level=none:bframes=0:keyint=20:min-keyint=20:open-gop=0")
	stream := ffmpeg(t, append(append(args, options...), "-f", muxer, "-")...)
	units = cut(codec, stream)
	raw := t.TempDir() + "/film"
	if err := os.WriteFile(raw, stream, 0o600); err != nil {
		t.Fatal(err)
	}
	all := ffmpeg(t, "-f", muxer, "-i", raw, "-f", "rawvideo", "-pix_fmt", "bgr24", "-")
	for i := 0; i+filmSize <= len(all); i += filmSize {
		pictures = append(pictures, all[i:i+filmSize])
	}
	if len(units) != filmLong || len(pictures) != filmLong {
		t.Fatalf("the film has %d units and %d pictures, want %d", len(units), len(pictures), filmLong)
	}
	return units, pictures
}

// cut cuts an Annex B stream into its units.
func cut(codec ingest.Codec, stream []byte) (units []*ingest.Unit) {
	format := ingest.NewFormat(codec)
	for _, nalu := range bytes.Split(bytes.ReplaceAll(stream, []byte{0, 0, 0, 1}, []byte{0, 0, 1}), []byte{0, 0, 1}) {
		format = format.Learn([][]byte{nalu})
		head, slice := format.Head(nalu)
		switch {
		case slice && head.First:
			units = append(units, &ingest.Unit{Format: format, NALUs: [][]byte{nalu}, Key: head.Alone, Stream: ingest.Main})
		case slice:
			last := units[len(units)-1]
			last.NALUs = append(last.NALUs, nalu)
		}
	}
	return units
}

// led is a unit with those that lead to it.
func led(units []*ingest.Unit, n int) *ingest.Unit {
	key := n
	for !units[key].Key {
		key--
	}
	u := *units[n]
	u.Lead = units[key:n:n]
	return &u
}

// decoding is what pools and followers have in common.
type decoding interface {
	Decode(context.Context, *ingest.Unit) (*Picture, error)
}

// shows checks that a unit is decoded to the picture that FFmpeg makes of it.
func shows(t *testing.T, d decoding, u *ingest.Unit, want []byte) {
	t.Helper()
	picture, err := d.Decode(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	if d := difference(t, bgr(t, picture), want); d > tolerance {
		t.Errorf("picture differs from FFmpeg's by %.2f of 255 on average", d)
	}
}

func newFollower(t testing.TB) *Follower {
	t.Helper()
	f := newPool(t, 1).Follow()
	t.Cleanup(f.Close)
	return f
}

var films = map[string]struct {
	codec   ingest.Codec
	options []string
}{
	"H.264":                     {ingest.H264, []string{"-bf", "0"}},
	"H.264, several slices":     {ingest.H264, []string{"-bf", "0", "-slices", "3"}},
	"H.264, several references": {ingest.H264, []string{"-bf", "0", "-refs", "4"}},
	"H.265":                     {ingest.H265, nil},
}

// TestFollowerShowsWhatLiesBetweenKeyUnits looks at some pictures of a stream, and
// at some again.
func TestFollowerShowsWhatLiesBetweenKeyUnits(t *testing.T) {
	for name, of := range films {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			units, pictures := film(t, of.codec, of.options...)
			if difference(t, pictures[12], pictures[13]) < 2*tolerance {
				t.Fatal("pictures are too much alike to tell which one was decoded")
			}
			f := newFollower(t)
			for _, n := range []int{1, 2, 9, 9, 19, 21, 30, 39} {
				shows(t, f, led(units, n), pictures[n])
			}
			if got := testutil.ToFloat64(f.pool.metrics.led); got != 40 {
				t.Errorf("%v units were decoded, want each once", got)
			}
			shows(t, f, units[20], pictures[20])      // a key unit
			shows(t, f, led(units, 25), pictures[25]) // it has gone on already
			shows(t, f, led(units, 39), pictures[39])
			if got := testutil.ToFloat64(f.pool.metrics.led); got != 40 {
				t.Errorf("%v units were decoded on, want none again", got)
			}
			for _, n := range []int{2, 30, 5} { // from group to group
				shows(t, f, led(units, n), pictures[n])
			}
			alone := Alone{f.pool.metrics}
			for _, n := range []int{0, 7, 39} {
				shows(t, alone, led(units, n), pictures[n])
			}
		})
	}
}

func TestFollowerFitsPictures(t *testing.T) {
	units, _ := film(t, ingest.H264, "-bf", "0")
	f := newFollower(t)
	small, err := f.DecodeWithin(t.Context(), led(units, 8), image.Pt(160, 160))
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	other, err := f.DecodeTo(t.Context(), led(units, 8), image.Pt(100, 60))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if small.Size() != image.Pt(160, 120) || other.Size() != image.Pt(100, 60) {
		t.Errorf("sizes are %v and %v", small.Size(), other.Size())
	}
}

// TestFollowerShowsNothingAfterDamage breaks a picture in the middle of a group.
func TestFollowerShowsNothingAfterDamage(t *testing.T) {
	units, pictures := film(t, ingest.H264, "-bf", "0")
	broken := *units[10]
	broken.NALUs = [][]byte{broken.NALUs[0][:len(broken.NALUs[0])/2]}
	units[10] = &broken
	f := newFollower(t)
	shows(t, f, led(units, 9), pictures[9])
	for _, n := range []int{10, 11, 19} {
		for what, d := range map[string]decoding{"follower": f, "alone": Alone{f.pool.metrics}} {
			if picture, err := d.Decode(t.Context(), led(units, n)); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s, number %d: got picture %v and error %v, want ErrCorrupt", what, n, picture, err)
			}
		}
	}
	if got := testutil.ToFloat64(f.pool.metrics.led); got != 11 {
		t.Errorf("%v units were decoded, want those up to the damage", got)
	}
	shows(t, f, led(units, 22), pictures[22])
}

// TestReorderedPicturesAreNotFollowed takes a stream that announces them: a decoder
// holds each picture back, and gives this one only as its last.
func TestReorderedPicturesAreNotFollowed(t *testing.T) {
	units, pictures := film(t, ingest.H264, "-bf", "2", "-b_strategy", "0")
	f := newFollower(t)
	last := led(units, 19) // of its group in either order
	for range 2 {
		shows(t, f, last, pictures[19])
	}
	f.most = 18
	if picture, err := f.Decode(t.Context(), last); !errors.Is(err, ErrHeld) {
		t.Errorf("got picture %v and error %v, want ErrHeld", picture, err)
	}
	shows(t, Alone{f.pool.metrics}, last, pictures[19])
}

func TestFollowerLetsGoOfItsDecoder(t *testing.T) {
	units, pictures := film(t, ingest.H264, "-bf", "0")
	f := newFollower(t)
	shows(t, f, led(units, 5), pictures[5])
	shows(t, f, units[20], pictures[20])
	if len(f.runs) != 1 {
		t.Error("the decoder is gone after one key unit")
	}
	for range 3 {
		shows(t, f, units[20], pictures[20])
	}
	if len(f.runs) != 0 {
		t.Error("the decoder is kept, and nothing was decoded on for four key units")
	}
}

func TestFollowerGivesUpWithItsContext(t *testing.T) {
	units, pictures := film(t, ingest.H264, "-bf", "0")
	f := newFollower(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, d := range map[string]decoding{"follower": f, "alone": Alone{f.pool.metrics}} {
		if _, err := d.Decode(ctx, led(units, 5)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got error %v", what, err)
		}
	}
	shows(t, f, led(units, 5), pictures[5])
}

func TestNothingLeadsToIt(t *testing.T) {
	units, _ := film(t, ingest.H264, "-bf", "0")
	f := newFollower(t)
	if _, err := f.Decode(t.Context(), units[5]); !errors.Is(err, errNoKey) {
		t.Errorf("got error %v, want errNoKey", err)
	}
}
