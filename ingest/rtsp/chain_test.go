package rtsp

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"tidewatch/ingest"
)

// encoded is a test picture of two seconds, ten a second, unit by unit.
func encoded(t *testing.T, codec ingest.Codec, options ...string) []*ingest.Unit {
	t.Helper()
	muxer := map[ingest.Codec]string{ingest.H264: "h264", ingest.H265: "hevc"}[codec]
	args := append([]string{"-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=2", "-pix_fmt", "yuv420p"}, options...)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, "-f", muxer, "-")...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var nalus h264.AnnexB // the same for both codings
	if err := nalus.Unmarshal(bytes.Clone(out)); err != nil {
		t.Fatal(err)
	}
	format := ingest.NewFormat(codec, nalus...)
	var units []*ingest.Unit
	for _, nalu := range nalus {
		head, slice := format.Head(nalu)
		switch {
		case slice && head.First:
			units = append(units, &ingest.Unit{Format: format, NALUs: [][]byte{nalu}, Key: head.Alone})
		case slice:
			last := units[len(units)-1]
			last.NALUs = append(last.NALUs, nalu)
		}
	}
	if len(units) != 20 {
		t.Fatalf("encoded %d pictures, want 20", len(units))
	}
	return units
}

// TestChainTellsWhatWasLeftOut says of each picture that comes whether all have come
// since the key picture before: + for yes, - for no.
func TestChainTellsWhatWasLeftOut(t *testing.T) {
	avc := []string{"-c:v", "libx264", "-bf", "0", "-g", "10"}
	hevc := func(params string) []string {
		return []string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:open-gop=0:" + params}
	}
	for _, test := range []struct {
		name    string
		codec   ingest.Codec
		options []string
		faults  string // for each picture: . comes, x comes damaged, o is left out
		want    string
	}{
		{"H.264", ingest.H264, avc, "", "++++++++++++++++++++"},
		{"H.264, its numbers begin again", ingest.H264, []string{"-c:v", "libx264", "-bf", "0", "-g", "100"}, "", "++++++++++++++++++++"},
		{"H.264, a picture left out", ingest.H264, avc, "...o", "+++------++++++++++"},
		{"H.264, a key picture left out", ingest.H264, avc, "..........o", "++++++++++---------"},
		{"H.264, a damaged picture", ingest.H264, avc, "...x", "+++-------++++++++++"},
		{"H.264, a damaged key picture", ingest.H264, avc, "x", "----------++++++++++"},
		{"H.264, a picture left out that nothing refers to", ingest.H264, []string{"-c:v", "libx264", "-bf", "1", "-b_strategy", "0", "-g", "100"}, "..o", "+++++++++++++++++++"},
		{"H.265", ingest.H265, hevc("keyint=10:min-keyint=10"), "", "++++++++++++++++++++"},
		{"H.265, a picture left out", ingest.H265, hevc("keyint=10:min-keyint=10"), "....o", "++++-----++++++++++"},
		{"H.265, a key picture left out", ingest.H265, hevc("keyint=10:min-keyint=10"), "..........o", "++++++++++---------"},
		{"H.265, a damaged picture", ingest.H265, hevc("keyint=10:min-keyint=10"), "...x", "+++-------++++++++++"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var c chain
			var got strings.Builder
			for i, u := range encoded(t, test.codec, test.options...) {
				fault := byte('.')
				if i < len(test.faults) {
					fault = test.faults[i]
				}
				if fault == 'o' {
					continue
				}
				u.Damaged = fault == 'x'
				got.WriteByte(map[bool]byte{true: '+', false: '-'}[c.link(u)])
			}
			if got.String() != test.want {
				t.Errorf("got  %s\nwant %s", got.String(), test.want)
			}
		})
	}
}
