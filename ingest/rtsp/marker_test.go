package rtsp

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"tidewatch/ingest"
)

// TestAssemblerReliesOnNoMarker sends pictures of two slices by cameras that use
// the marker, and the clock, each in their own way.
func TestAssemblerReliesOnNoMarker(t *testing.T) {
	whole := func(kind byte) [][]byte { return [][]byte{slice(kind, true), slice(kind, false)} }
	units := map[rune][][]byte{
		'K': append([][]byte{sps, pps}, whole(0x65)...),
		'p': whole(0x41),
		's': {slice(0x41, true)}, // one slice
	}
	for _, test := range []struct {
		name   string
		kinds  string
		marked func(slice, last bool) bool // whether a NALU ends in a marker; the picture’s last
		step   uint32                      // of the clock, for each picture
		lost   int                         // of the fourth picture, the packets after so many; 0: none
		want   string
	}{
		{"after each picture", "KppKp", func(_, last bool) bool { return last }, 3600, 0, "K4 2 2 K4 2"},
		{"after each slice", "KppKp", func(bool, bool) bool { return true }, 3600, 0, "K4 2 2 K4 2"},
		{"never", "KppKp", func(bool, bool) bool { return false }, 3600, 0, "K4 2 2 K4 2"},
		{"after each picture, and the clock stands still", "KppKp", func(_, last bool) bool { return last }, 0, 0, "K4 2 2 K4 2"},
		{"after each slice, and the clock stands still", "KppKp", func(bool, bool) bool { return true }, 0, 0, "K4 2 2 K4 2"},
		{"never, and the clock stands still", "KppKp", func(bool, bool) bool { return false }, 0, 0, "K4 2 2 K4 2"},
		{"one slice each, and the clock stands still", "KssKs", func(bool, bool) bool { return true }, 0, 0, "K4 1 1 K4 1"},
		{"after each slice, the last of a key unit lost", "KppKp", func(bool, bool) bool { return true }, 3600, 7, "K4 2 2 K3! 2!"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			a := newAssembler(t, ingest.NewFormat(ingest.H264), func(u *ingest.Unit) {
				text := string(rune('0' + len(u.NALUs)))
				if u.Key {
					text = "K" + text
				}
				if u.Damaged {
					text += "!"
				}
				got = append(got, text)
			})
			sequence, clock := uint16(1), uint32(1)
			for i, kind := range test.kinds + "p" {
				nalus := units[kind]
				sent := 0
				for j, nalu := range nalus {
					for k, part := range cut(nalu) {
						sent++
						sequence++
						if test.lost > 0 && i == 3 && sent > test.lost {
							continue
						}
						last := k == len(cut(nalu))-1
						pkt := &rtp.Packet{Header: rtp.Header{
							Marker: last && test.marked(true, j == len(nalus)-1), SequenceNumber: sequence, Timestamp: clock,
						}, Payload: part}
						if err := a.packet(pkt, ingest.Stamp{Arrival: begin}); err != nil {
							t.Fatal(err)
						}
					}
				}
				clock += test.step
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// cut is a NALU as the payloads of packets (RFC 6184, 5.8).
func cut(nalu []byte) [][]byte {
	const most = 1200
	if len(nalu) <= most {
		return [][]byte{nalu}
	}
	var parts [][]byte
	for rest := nalu[1:]; len(rest) > 0; {
		n := min(most, len(rest))
		flags := nalu[0] & 0x1F
		if len(rest) == len(nalu)-1 {
			flags |= 0x80
		}
		if n == len(rest) {
			flags |= 0x40
		}
		parts = append(parts, append([]byte{nalu[0]&0xE0 | 28, flags}, rest[:n]...))
		rest = rest[n:]
	}
	return parts
}

// TestSendersAreToldApart sends a stream among packets of others.
func TestSendersAreToldApart(t *testing.T) {
	for _, test := range []struct {
		name  string
		first bool          // the others begin
		late  time.Duration // when the stream goes silent
		want  string
		err   error
	}{
		{"another among it", false, 0, "aK b c dK e", nil},
		{"another before it", true, 0, "aK b c dK e", nil},
		{"another in its place", false, 10 * time.Second, "aK b c dK e", errSender},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []*ingest.Unit
			foreign := counter(0)
			s := &senders{
				foreign: &foreign,
				emit:    func(u *ingest.Unit) { got = append(got, u) },
				open: func(emit func(*ingest.Unit)) (*assembler, error) {
					return newAssembler(t, ingest.NewFormat(ingest.H264, sps, pps), emit), nil
				},
			}
			other := func(n int, at time.Duration) error {
				pkt := &rtp.Packet{
					Header:  rtp.Header{SSRC: 2, Marker: true, SequenceNumber: uint16(n * 1000), Timestamp: uint32(n) * 12345678},
					Payload: slice(0x41, n%2 == 0)[:100],
				}
				return s.packet(pkt, ingest.Stamp{Arrival: begin.Add(at)})
			}
			if test.first {
				if err := other(7, 0); err != nil {
					t.Fatal(err)
				}
			}
			for i, unit := range packets(t, "KppKp") {
				for _, pkt := range unit {
					pkt.SSRC = 1
					if err := s.packet(pkt, ingest.Stamp{Arrival: begin.Add(time.Duration(i) * 40 * time.Millisecond)}); err != nil {
						t.Fatal(err)
					}
					if i > 0 {
						if err := other(i, time.Duration(i)*40*time.Millisecond); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			if diff := cmp.Diff(test.want, told(got)); diff != "" {
				t.Error(diff)
			}
			if foreign == 0 {
				t.Error("nothing was counted")
			}
			if err := other(9, test.late); !errors.Is(err, test.err) {
				t.Errorf("got %v, want %v", err, test.err)
			}
		})
	}
}

type counter int

func (c *counter) Inc() { *c++ }
