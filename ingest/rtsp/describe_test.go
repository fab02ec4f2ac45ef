package rtsp

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdpunmarshaler"
	"github.com/google/go-cmp/cmp"
)

// TestDescribeKeepsTheVideo reads descriptions of cameras that say more than
// their video, or say it in an odd way.
func TestDescribeKeepsTheVideo(t *testing.T) {
	const (
		head  = "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=camera\nc=IN IP4 0.0.0.0\nt=0 0\na=control:*\n"
		track = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LACtoQmQ==,aM44gA==\na=control:trackID=1\n"
	)
	sets := [][]byte{sps, pps}
	for _, test := range []struct {
		name string
		text string
		sets [][]byte
	}{
		{"nothing else", head + track, sets},
		{"sound", head + "m=audio 0 RTP/AVP 0\na=control:trackID=0\n" + track, sets},
		{
			"talk-back without a config",
			head + track + "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 mode=AAC-hbr;sizelength=13\na=sendonly\na=control:trackID=5\n", sets,
		},
		{"metadata", head + track + "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:trackID=4\n", sets},
		{"a line that nobody knows", head + "x=1\nz=what\n" + track + "b=AS\na=x-dimensions\n", sets},
		{"sets that are no base64", head + strings.ReplaceAll(track, "Z0LACtoQmQ==,aM44gA==", "*,*"), nil},
		{"one set of two", head + strings.ReplaceAll(track, ",aM44gA==", ""), sets[:1]},
		{"three sets", head + strings.ReplaceAll(track, "aM44gA==", "aM44gA==,aFOOIA=="), append(sets, []byte{0x68, 0x53, 0x8E, 0x20})},
		{"sets with start codes", head + strings.ReplaceAll(track, "aM44gA==", "AAAAAWjOOIA="), sets},
		{"no format line", head + "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:trackID=1\n", nil},
		{"a head that is no head", "v=0\no=what\ns=\nt=never\na=control:*\n" + track, sets},
		{"lines that end as they like", strings.ReplaceAll(head+track, "\n", "\r\n"), sets},
		{"another video first", head + "m=video 0 RTP/AVP 26\na=control:trackID=0\n" + track, sets},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := describe([]byte(test.text))
			if !ok {
				t.Fatal("no video is found")
			}
			if diff := cmp.Diff(test.sets, got.sets); diff != "" {
				t.Error(diff)
			}
			found, err := read(got.text)
			if err != nil {
				t.Fatalf("%v in\n%s", err, got.text)
			}
			if control := found.media.Control; control != "trackID=1" {
				t.Errorf("the track is %q", control)
			}
		})
	}
	for name, text := range map[string]string{"nothing": "", "sound only": head + "m=audio 0 RTP/AVP 0\n", "no text": "\x00\xff"} {
		if got, ok := describe([]byte(text)); ok {
			t.Errorf("%s: found %q", name, got.text)
		}
	}
}

// read has the library read a description.
func read(text []byte) (*track, error) {
	session, err := sdpunmarshaler.Unmarshal(text)
	if err != nil {
		return nil, err
	}
	var stream description.Session
	if err := stream.Unmarshal2(session); err != nil {
		return nil, err
	}
	return findTrack(&stream)
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte(strings.ReplaceAll(video, "\n", "\r\n")))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := describe(text)
		if !ok {
			return
		}
		again, ok := describe(got.text)
		if !ok || !bytes.Equal(again.text, got.text) {
			t.Errorf("described again it is %q, first %q", again.text, got.text)
		}
	})
}
