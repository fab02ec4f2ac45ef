package rtsp

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"tidewatch/ingest"
)

// TestPacketsOfManySlices has more NALUs in one packet than the library takes at
// once.
func TestPacketsOfManySlices(t *testing.T) {
	for codec, heads := range map[ingest.Codec][2][]byte{
		ingest.H264: {{24}, {0x41}},
		ingest.H265: {{48 << 1, 1}, {1 << 1, 1}},
	} {
		t.Run(string(codec), func(t *testing.T) {
			payload := slices.Clone(heads[0])
			var want [][]byte
			for i := range 120 {
				nalu := append(slices.Clone(heads[1]), byte(i), 0x80)
				want = append(want, nalu)
				payload = append(append(payload, 0, byte(len(nalu))), nalu...)
			}
			nalus := unpack(t, codec)
			pkt := &rtp.Packet{Payload: payload}
			got, err := nalus(pkt)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-sent +received):\n%s", diff)
			}
			if pkt.Marker || !slices.Equal(pkt.Payload, payload) {
				t.Error("the packet has changed")
			}
			pkt.Payload = payload[:len(payload)-1]
			if _, err := nalus(pkt); err == nil {
				t.Error("a packet that was cut off is taken")
			}
		})
	}
}
