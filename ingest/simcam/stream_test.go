package simcam

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// stream encodes seven pictures as I P B P B P B, in the order of decoding.
func stream(t *testing.T) *Stream {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stream.h264")
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=10:duration=0.7",
		"-c:v", "libx264", "-x264-params", "keyint=100:bframes=1:b-adapt=0:scenecut=0:weightp=0", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	s, err := ReadStream(t.Context(), path, ingest.H264, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestReadStream(t *testing.T) {
	t.Parallel()
	s := stream(t)
	var places []int
	for _, unit := range s.Units {
		if !unit.Shows {
			t.Errorf("unit %d shows nothing", unit.Place)
		}
		places = append(places, unit.Place)
	}
	if diff := cmp.Diff([]int{0, 2, 1, 4, 3, 6, 5}, places); diff != "" {
		t.Errorf("order of showing (-want +got):\n%s", diff)
	}
	var kinds []nal.Kind
	for _, nalu := range s.Units[0].NALUs {
		kinds = append(kinds, nal.KindOf(ingest.H264, nalu))
	}
	if diff := cmp.Diff([]nal.Kind{nal.SPS, nal.PPS, nal.SEI, nal.Slice}, kinds); diff != "" {
		t.Errorf("the first unit holds (-want +got):\n%s", diff)
	}
}

func TestReadStreamSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		path     string
		codec    ingest.Codec
		interval time.Duration
		want     string
	}{
		{"stream_test.go", ingest.H264, time.Second, "stream_test.go"},
		{"nowhere.h264", ingest.H264, time.Second, "no such file"},
		{"nowhere.h264", "av1", time.Second, `"av1"`},
		{"nowhere.h264", ingest.H265, 0, "cannot be sent"},
	} {
		if _, err := ReadStream(t.Context(), test.path, test.codec, test.interval); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s as %s: error %v, want one with %q", test.path, test.codec, err, test.want)
		}
	}
}

// TestSecondFieldsFollow has units that show nothing of their own.
func TestSecondFieldsFollow(t *testing.T) {
	t.Parallel()
	s := &Stream{Units: []AccessUnit{{Shows: true}, {}, {Shows: true}, {}, {Shows: true}, {}}}
	if diff := cmp.Diff([]int{0, 1, 4, 5, 2, 3}, s.places([]int{0, 4, 2})); diff != "" {
		t.Errorf("order of showing (-want +got):\n%s", diff)
	}
}

func TestStreamIsSentAsItIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		sets            Sets
		inBand, offered bool
	}{
		{"both", SetsBoth, true, true}, {"in band", SetsInBand, true, false}, {"described", SetsDescribed, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := stream(t)
			s.Sets = test.sets
			v, err := s.video()
			if err != nil {
				t.Fatal(err)
			}
			if offered := v.format.FMTP()["sprop-parameter-sets"] != ""; offered != test.offered {
				t.Errorf("the description has parameter sets: %t, want %t", offered, test.offered)
			}
			if v.duration != 700*time.Millisecond {
				t.Errorf("it lasts %v", v.duration)
			}
			for i, f := range v.frames {
				if want := time.Duration(s.Units[i].Place) * s.Interval; f.shown != want || f.due < f.shown {
					t.Errorf("unit %d is sent at %v for %v, want it for %v and not before", i, f.due, f.shown, want)
				}
				want := slices.DeleteFunc(slices.Clone(s.Units[i].NALUs), func(nalu []byte) bool {
					return !test.inBand && nal.KindOf(s.Codec, nalu).IsSet()
				})
				if diff := cmp.Diff(want, unpack(t, f)); diff != "" {
					t.Errorf("unit %d (-sent +received):\n%s", i, diff)
				}
			}
		})
	}
}

// unpack takes a frame's packets apart.
func unpack(t *testing.T, f frame) [][]byte {
	t.Helper()
	decoder := &rtph264.Decoder{PacketizationMode: 1}
	if err := decoder.Init(); err != nil {
		t.Fatal(err)
	}
	var nalus [][]byte
	for i, payload := range f.payloads {
		got, err := decoder.Decode(&rtp.Packet{
			Header:  rtp.Header{SequenceNumber: uint16(i), Marker: i == len(f.payloads)-1},
			Payload: payload,
		})
		if err == nil {
			nalus = got
		}
	}
	return nalus
}
