package rtsp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"tidewatch/ingest"
)

// Parameter sets of H.264 under which frames may come as two fields, with eight
// bits for the number of a frame.
var (
	fieldSPS = []byte{0x67, 0x4D, 0x00, 0x1E, 0x95, 0xB1, 0x11, 0x40, 0x3C, 0x58, 0xBB, 0x80}
	fieldPPS = []byte{0x68, 0xCE, 0x38, 0x80}
)

// fieldSlice is the head of a field: of an IDR picture, or of one that is
// predicted.
func fieldSlice(idr, bottom bool, frame byte) []byte {
	side := byte(0)
	if bottom {
		side = 0x80
	}
	if idr {
		return []byte{0x65, 0x88, 0x80 | frame>>1, frame<<7 | 0x40 | side>>2 | 0x12, 0xFF}
	}
	return []byte{0x61, 0x9A | frame>>7, frame<<1 | 1, side | 0x09, 0xFF}
}

// TestAssemblerJoinsFields sends fields: I is an IDR picture's first one, with its
// parameter sets, t a top and b a bottom one of the same frame, B one that lacks
// its end, and - a packet that is lost.
func TestAssemblerJoinsFields(t *testing.T) {
	for _, test := range []struct {
		name   string
		fields string
		step   uint32 // of the clock, from field to field
		want   string
	}{
		{"each with its own time", "Ib tb tb Ib t", 1800, "0K4 2:2 4:2 6K4"},
		{"both with one time", "Ib tb tb Ib t", 0, "0K4 1:2 2:2 3K4"},
		{"a first one alone", "Ib t tb Ib t", 1800, "0K4 2:1lone 3:2 5K4"},
		{"the first key unit's second one lost", "I- tb Ib t", 1800, "4K4"},
		{"a later key unit's second one lost", "Ib I- tb Ib t", 1800, "0K4 2:3lone! 4:2! 6K4"},
		{"a second one lost", "Ib t- tb Ib t", 1800, "0K4 2:1lone! 4:2! 6K4"},
		{"the end of a second one lost", "Ib tB tb Ib t", 1800, "0K4 2:2! 4:2! 6K4"},
		{"a first one lost", "Ib -b tb Ib t", 1800, "0K4! 3:1lone! 4:2! 6K4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			a := newAssembler(t, ingest.NewFormat(ingest.H264), func(u *ingest.Unit) {
				text := fmt.Sprint(int64(u.PTS / (20 * time.Millisecond)))
				if test.step == 0 {
					text = fmt.Sprint(int64(u.PTS / (40 * time.Millisecond)))
				}
				if u.Key {
					text += "K"
				} else {
					text += ":"
				}
				text += fmt.Sprint(len(u.NALUs))
				if u.Lone {
					text += "lone"
				}
				if u.Damaged {
					text += "!"
				}
				got = append(got, text)
			})
			pkt := &rtp.Packet{Header: rtp.Header{Timestamp: 1}}
			send := func(nalu []byte, marker bool) {
				pkt.SequenceNumber++
				pkt.Marker, pkt.Payload = marker, nalu
				if err := a.packet(pkt, ingest.Stamp{Arrival: begin}); err != nil {
					t.Fatal(err)
				}
			}
			for i, frame := range strings.Fields(test.fields) {
				for _, kind := range frame {
					switch kind {
					case 'I':
						send(fieldSPS, false)
						send(fieldPPS, false)
						send(fieldSlice(true, false, byte(i)), test.step > 0)
					case '-':
						pkt.SequenceNumber++
					case 'B': // of two slices
						send(fieldSlice(false, true, byte(i)), false)
						pkt.SequenceNumber++
					default:
						send(fieldSlice(false, kind == 'b', byte(i)), test.step > 0 || kind == 'b')
					}
					pkt.Timestamp += test.step
				}
				if test.step == 0 {
					pkt.Timestamp += 3600
				}
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
