package nal

import (
	"image"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// split cuts a byte stream at its start codes.
func split(stream []byte) [][]byte {
	var nalus [][]byte
	begin := -1
	for i := 0; i+2 < len(stream); i++ {
		if stream[i] != 0 || stream[i+1] != 0 || stream[i+2] != 1 {
			continue
		}
		if begin >= 0 {
			nalus = append(nalus, trimmed(stream[begin:i]))
		}
		begin = i + 3
	}
	if begin >= 0 {
		nalus = append(nalus, trimmed(stream[begin:]))
	}
	return nalus
}

func trimmed(nalu []byte) []byte {
	for len(nalu) > 0 && nalu[len(nalu)-1] == 0 {
		nalu = nalu[:len(nalu)-1]
	}
	return nalu
}

// encode is a test picture of a second, 96x64, ten pictures, as FFmpeg's encoders write it.
func encode(t testing.TB, format string, options ...string) [][]byte {
	t.Helper()
	args := append([]string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=1"}, options...)
	out, err := exec.Command("ffmpeg", append(args, "-f", format, "-")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return split(out)
}

// picture is what the slices of a stream tell of one of its pictures.
type picture struct {
	Slices int
	PPS    int
	Alone  bool
	Intra  bool
}

// read tells pictures apart by their first slices.
func read(t *testing.T, codec Codec, nalus [][]byte) (pictures []picture, recovery int) {
	t.Helper()
	sets := map[Set][]byte{}
	find := func(kind Kind, id int) []byte {
		for set, nalu := range sets {
			if set.Kind == kind && set.ID == id {
				return nalu
			}
		}
		return nil
	}
	for _, nalu := range nalus {
		if set, ok := ReadSet(codec, nalu); ok {
			sets[set] = nalu
			if set.Kind == SPS {
				if got, want := Size(codec, nalu), image.Pt(96, 64); got != want {
					t.Errorf("the SPS tells a size of %v, want %v", got, want)
				}
			}
		}
		if count, ok := RecoveryPoint(codec, nalu); ok && count > 0 {
			recovery++
		}
		head, ok := ReadSlice(codec, nalu, find)
		if !ok {
			continue
		}
		if head.First {
			pictures = append(pictures, picture{PPS: head.PPS, Alone: head.Alone, Intra: true})
		}
		last := &pictures[len(pictures)-1]
		last.Slices++
		last.Intra = last.Intra && head.Intra
	}
	return pictures, recovery
}

// TestReadsWhatEncodersWrite reads streams of x264 and x265.
func TestReadsWhatEncodersWrite(t *testing.T) {
	key := func(slices int) picture { return picture{Slices: slices, Alone: true, Intra: true} }
	for _, test := range []struct {
		name     string
		codec    Codec
		options  []string
		want     []picture // the first ones
		recovery bool
	}{
		{"H.264", H264, []string{"-c:v", "libx264", "-bf", "0", "-x264-params", "keyint=10"}, []picture{key(1), {Slices: 1}}, false},
		{"H.264, four slices", H264, []string{"-c:v", "libx264", "-bf", "0", "-x264-params", "keyint=10:slices=4"}, []picture{key(4), {Slices: 4}}, false},
		{"H.264, refreshed bit by bit", H264, []string{"-c:v", "libx264", "-bf", "0", "-x264-params", "intra-refresh=1:keyint=4"}, []picture{key(1), {Slices: 1}}, true},
		{"H.264, open groups", H264, []string{"-c:v", "libx264", "-bf", "2", "-x264-params", "open-gop=1:keyint=4:min-keyint=4:scenecut=0:b-adapt=0"}, []picture{key(1), {Slices: 1}, {Slices: 1}, {Slices: 1}, {Slices: 1, Intra: true}}, false},
		{"H.265", H265, []string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:keyint=10"}, []picture{key(1), {Slices: 1}}, false},
		{"H.265, two slices", H265, []string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:keyint=10:slices=2:ctu=16:min-cu-size=8"}, []picture{key(2), {Slices: 2}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			format := map[Codec]string{H264: "h264", H265: "hevc"}[test.codec]
			pictures, recovery := read(t, test.codec, encode(t, format, test.options...))
			if len(pictures) != 10 {
				t.Fatalf("%d pictures, want 10", len(pictures))
			}
			if diff := cmp.Diff(test.want, pictures[:len(test.want)]); diff != "" {
				t.Error(diff)
			}
			if (recovery > 0) != test.recovery {
				t.Errorf("%d recovery points that take several pictures", recovery)
			}
		})
	}
}

// TestFields tells the two fields of a frame from two frames.
func TestFields(t *testing.T) {
	// An SPS whose pictures may be fields, and its PPS.
	sps := []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x84, 0x80} // frame_mbs_only_flag 0
	pps := []byte{0x68, 0xCE, 0x38, 0x80}
	find := func(kind Kind, _ int) []byte { return map[Kind][]byte{SPS: sps, PPS: pps}[kind] }
	// first_mb 0, slice_type 7, pps 0, frame_num of 4 bits, field_pic_flag, bottom_field_flag
	slice := func(number, fields byte) []byte {
		bits := uint32(0b1_0001000_1)<<6 | uint32(number)<<2 | uint32(fields)
		bits <<= 32 - 15
		return []byte{0x65, byte(bits >> 24), byte(bits >> 16), 0xFF}
	}
	for _, test := range []struct {
		name          string
		first, second []byte
		want          bool
	}{
		{"top and bottom", slice(3, 0b10), slice(3, 0b11), true},
		{"of two frames", slice(3, 0b10), slice(4, 0b11), false},
		{"twice the top", slice(3, 0b10), slice(3, 0b10), false},
		{"frames", slice(3, 0), slice(3, 0), false},
		{"cut off", slice(3, 0b10), []byte{0x65, 0x88}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := SecondField(test.first, test.second, find); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// FuzzRead reads arbitrary bytes as everything that they could be.
func FuzzRead(f *testing.F) {
	for _, nalu := range encode(f, "h264", "-c:v", "libx264", "-bf", "0")[:5] {
		f.Add(nalu, nalu)
	}
	for _, nalu := range encode(f, "hevc", "-c:v", "libx265", "-x265-params", "log-level=none:slices=2:ctu=16:min-cu-size=8")[:6] {
		f.Add(nalu, nalu)
	}
	f.Fuzz(func(t *testing.T, nalu, set []byte) {
		for _, codec := range []Codec{H264, H265} {
			find := func(Kind, int) []byte { return set }
			if s, ok := ReadSet(codec, nalu); ok && (!s.Kind.IsSet() || s.ID < 0 || s.ID > mostAVCPPS) {
				t.Errorf("read %+v", s)
			}
			if head, ok := ReadSlice(codec, nalu, find); ok && head.PPS < 0 {
				t.Errorf("read %+v", head)
			}
			RecoveryPoint(codec, nalu)
			Size(codec, nalu)
			SecondField(nalu, set, find)
		}
	})
}

func TestSizeOfWhatDoesNotSay(t *testing.T) {
	for name, sps := range map[Codec][]byte{H264: {0x67, 1, 2}, H265: {0x42, 1, 2}, "vp9": {1, 2}} {
		for _, set := range [][]byte{nil, sps} {
			if got := Size(name, set); got != (image.Point{}) {
				t.Errorf("%s: %v, want none", name, got)
			}
		}
	}
}
