package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"tidewatch/ingest"
)

var (
	begin = time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	sps   = []byte{0x67, 1, 1}
	pps   = []byte{0x68, 2, 2}
)

// slice makes the n-th slice of a picture, big enough for several packets.
func slice(kind byte, first bool) []byte {
	nalu := bytes.Repeat([]byte{kind}, 3000)
	nalu[1] = 0x40
	if first {
		nalu[1] = 0x80
	}
	return nalu
}

// packets sends units of the given kinds, 40 ms apart: K is a key unit of two
// slices with its parameter sets, p a picture of two slices, k a key unit
// without parameter sets. A slice makes three packets, the sets make one.
func packets(t testing.TB, kinds string) [][]*rtp.Packet {
	t.Helper()
	first := uint16(65530) // wraps soon
	encoder := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	e, err := encoder.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	e.InitialSequenceNumber = &first
	if err := e.Init(); err != nil {
		t.Fatal(err)
	}
	var sent [][]*rtp.Packet
	for i, kind := range kinds {
		var unit [][]byte
		switch kind {
		case 'K':
			unit = [][]byte{sps, pps, slice(0x65, true), slice(0x65, false)}
		case 'k':
			unit = [][]byte{slice(0x65, true), slice(0x65, false)}
		case 'p':
			unit = [][]byte{slice(0x41, true), slice(0x41, false)}
		}
		of, err := e.Encode(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, pkt := range of {
			pkt.Timestamp = uint32(0xFFFFFF00) + uint32(i)*3600 // wraps soon
		}
		sent = append(sent, of)
	}
	return sent
}

func newAssembler(t testing.TB, announced ingest.Format, emit func(*ingest.Unit)) *assembler {
	t.Helper()
	track, err := findTrack(&description.Session{Medias: []*description.Media{{
		Type: description.MediaTypeVideo, Formats: []format.Format{&format.H264{PayloadTyp: 96, PacketizationMode: 1}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return &assembler{
		session: 7, format: &announced, nalus: track.nalus, alive: func() {}, emit: emit,
		metrics: NewMetrics(prometheus.NewRegistry()).Stream("kerb", ingest.Main),
	}
}

// told writes down what the assembler made of units: each as a letter for its
// time, with K for a key unit and ! for a damaged one.
func told(units []*ingest.Unit) string {
	var out []string
	for _, u := range units {
		text := string('a' + rune(u.PTS/(40*time.Millisecond)))
		if u.Key {
			text += "K"
		}
		if u.Damaged {
			text += "!"
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func TestAssemblerKnowsWhatIsWhole(t *testing.T) {
	type lost struct{ unit, packet int }
	for _, test := range []struct {
		name    string
		kinds   string
		lost    []lost
		markers bool
		want    string
	}{
		{"nothing lost", "KppKp", nil, true, "aK b c dK e"},
		{"nothing lost, no markers", "KppKp", nil, false, "aK b c dK"},
		{"begins between key units", "ppKp", nil, true, "cK d"},
		{"a middle packet", "KpppKp", []lost{{1, 1}}, true, "aK b! c! d! eK f"},
		{"a middle packet, no markers", "KpppKp", []lost{{1, 1}}, false, "aK b! c! d! eK"},
		{"the packet with the marker", "KpppKp", []lost{{1, 5}}, true, "aK b! c! d! eK f"},
		{"the first packet", "KpppKp", []lost{{1, 0}}, true, "aK b! c! d! eK f"},
		{"a whole slice", "KpppKp", []lost{{1, 3}, {1, 4}, {1, 5}}, true, "aK b! c! d! eK f"},
		{"a whole picture", "KppKp", []lost{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}}, true, "aK c! dK e"},
		{"of a key unit", "KpKpKp", []lost{{2, 3}}, true, "aK b cK! d! eK f"},
		{"the last of a key unit", "KpKpKp", []lost{{2, 6}}, true, "aK b cK! d! eK f"},
		{"a key unit's first slice", "KpKpKp", []lost{{2, 0}, {2, 1}, {2, 2}, {2, 3}}, true, "aK b cK! d! eK f"},
		{"right before a key unit", "KppKp", []lost{{2, 5}}, true, "aK b c! dK e"},
		{"of the very first unit", "KpKp", []lost{{0, 0}, {0, 1}}, true, "aK! b! cK d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []*ingest.Unit
			a := newAssembler(t, ingest.Format{Codec: ingest.H264, SPS: sps, PPS: pps}, func(u *ingest.Unit) { got = append(got, u) })
			missing := make(map[lost]bool)
			for _, l := range test.lost {
				missing[l] = true
			}
			for i, unit := range packets(t, test.kinds) {
				for j, pkt := range unit {
					if missing[lost{i, j}] {
						continue
					}
					pkt.Marker = pkt.Marker && test.markers
					if err := a.packet(pkt, ingest.Stamp{Arrival: begin}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if diff := cmp.Diff(test.want, told(got)); diff != "" {
				t.Error(diff)
			}
			gaps := 0.0
			if len(test.lost) > 0 && test.lost[0].unit > 0 { // before the first packet there is no telling
				gaps = 1
			}
			if counted := testutil.ToFloat64(a.metrics.Gaps); counted != gaps {
				t.Errorf("counted %v gaps, want %v", counted, gaps)
			}
		})
	}
}

func TestAssemblerKeepsUnitsWholeAndStamped(t *testing.T) {
	var got []*ingest.Unit
	a := newAssembler(t, ingest.Format{Codec: ingest.H264}, func(u *ingest.Unit) { got = append(got, u) })
	sent := packets(t, "pKp")
	for i, unit := range sent {
		for j, pkt := range unit {
			arrival := begin.Add(time.Duration(i)*time.Second + time.Duration(j)*time.Millisecond)
			if err := a.packet(pkt, ingest.Stamp{Camera: arrival.Add(-time.Hour), Arrival: arrival}); err != nil {
				t.Fatal(err)
			}
		}
	}
	arrival := begin.Add(time.Second + 6*time.Millisecond) // of the key unit's last packet
	inForce := &ingest.Format{Codec: ingest.H264, SPS: sps, PPS: pps}
	want := &ingest.Unit{
		Stamp:   ingest.Stamp{Camera: arrival.Add(-time.Hour), Arrival: arrival},
		Session: 7, PTS: 40 * time.Millisecond, Format: inForce, Key: true,
		NALUs: [][]byte{sps, pps, slice(0x65, true), slice(0x65, false)},
	}
	if len(got) != 2 {
		t.Fatalf("got %d units, want 2", len(got))
	}
	if diff := cmp.Diff(want, got[0], cmpopts.IgnoreUnexported(ingest.Unit{})); diff != "" {
		t.Error(diff)
	}
	if got[1].Format != got[0].Format {
		t.Error("units of one format do not share it")
	}
	if n := testutil.ToFloat64(a.metrics.Undecodable); n != 1 {
		t.Errorf("counted %v units before the first key unit, want 1", n)
	}
}

func TestAssemblerLearnsNewParameterSets(t *testing.T) {
	old := ingest.Format{Codec: ingest.H264, SPS: []byte{0x67, 9}, PPS: []byte{0x68, 9}}
	var got []*ingest.Unit
	a := newAssembler(t, old, func(u *ingest.Unit) { got = append(got, u) })
	for _, unit := range packets(t, "kpKp") {
		for _, pkt := range unit {
			if err := a.packet(pkt, ingest.Stamp{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(got) != 4 {
		t.Fatalf("got %d units, want 4", len(got))
	}
	if diff := cmp.Diff(&old, got[1].Format); diff != "" {
		t.Errorf("format before the change: %s", diff)
	}
	if diff := cmp.Diff(&ingest.Format{Codec: ingest.H264, SPS: sps, PPS: pps}, got[3].Format); diff != "" {
		t.Errorf("format after the change: %s", diff)
	}
}

// TestAssemblerTakesMarkedParameterSets sends sets in packets of their own,
// marked as if they ended a unit: with their picture's time, or with another.
func TestAssemblerTakesMarkedParameterSets(t *testing.T) {
	avc := ingest.Format{Codec: ingest.H264, SPS: sps, PPS: pps}
	hevc := ingest.Format{Codec: ingest.H265, VPS: []byte{32 << 1, 1, 9}, SPS: []byte{33 << 1, 1, 9}, PPS: []byte{34 << 1, 1, 9}}
	for _, test := range []struct {
		name   string
		format ingest.Format
		sets   [][]byte
		key    []byte
		other  []byte
	}{
		{"H.264", avc, [][]byte{avc.SPS, avc.PPS}, []byte{0x65, 0x80, 1}, []byte{0x41, 0x80, 1}},
		{"H.265", hevc, [][]byte{hevc.VPS, hevc.SPS, hevc.PPS}, []byte{19 << 1, 1, 0x80}, []byte{1 << 1, 1, 0x80}},
	} {
		for _, apart := range []uint32{0, 100} {
			t.Run(fmt.Sprintf("%s, %d ticks apart", test.name, apart), func(t *testing.T) {
				var got []*ingest.Unit
				a := newAssembler(t, ingest.Format{Codec: test.format.Codec}, func(u *ingest.Unit) { got = append(got, u) })
				a.nalus = func(pkt *rtp.Packet) ([][]byte, error) { return [][]byte{pkt.Payload}, nil }
				send := func(time uint32, nalus ...[]byte) {
					for _, nalu := range nalus {
						header := rtp.Header{Marker: true, SequenceNumber: a.sequence + 1, Timestamp: time}
						if err := a.packet(&rtp.Packet{Header: header, Payload: nalu}, ingest.Stamp{}); err != nil {
							t.Fatal(err)
						}
					}
				}
				var want [][][]byte
				for i := range uint32(2) {
					send(i*7200, test.sets...)
					send(i*7200+apart, test.key)
					send(i*7200+3600, test.other)
					key := [][]byte{test.key}
					if apart == 0 {
						key = append(slices.Clone(test.sets), test.key)
					}
					want = append(want, key, [][]byte{test.other})
				}
				var pictures [][][]byte
				for _, u := range got {
					pictures = append(pictures, u.NALUs)
					if diff := cmp.Diff(&test.format, u.Format); diff != "" || u.Damaged {
						t.Errorf("damaged %v, format: %s", u.Damaged, diff)
					}
				}
				if diff := cmp.Diff(want, pictures); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestAssemblerEndsWhenTheClockJumps(t *testing.T) {
	a := newAssembler(t, ingest.Format{Codec: ingest.H264, SPS: sps, PPS: pps}, func(*ingest.Unit) {})
	sent := packets(t, "Kp")
	var err error
	for _, unit := range sent {
		for _, pkt := range unit {
			if unit[0].Timestamp != sent[0][0].Timestamp {
				pkt.Timestamp += 31 * clockRate
			}
			err = errors.Join(err, a.packet(pkt, ingest.Stamp{}))
		}
	}
	if !errors.Is(err, errTimeJump) {
		t.Errorf("got %v, want errTimeJump", err)
	}
}

func TestAssemblerEndsWhenAUnitDoesNot(t *testing.T) {
	a := newAssembler(t, ingest.Format{Codec: ingest.H264, SPS: sps, PPS: pps}, func(*ingest.Unit) {})
	pkt := &rtp.Packet{Payload: slice(0x41, false)}
	for range 2 * largestUnit / len(pkt.Payload) {
		if err := a.packet(pkt, ingest.Stamp{}); err != nil {
			if !errors.Is(err, errEndless) {
				t.Errorf("got %v, want errEndless", err)
			}
			return
		}
		pkt.SequenceNumber++
	}
	t.Error("a unit of 16 MB is still under construction")
}

func TestAssemblerOfH265(t *testing.T) {
	hevc := &format.H265{PayloadTyp: 96}
	track, err := findTrack(&description.Session{Medias: []*description.Media{{
		Type: description.MediaTypeVideo, Formats: []format.Format{hevc},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := hevc.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	picture := func(kind byte) []byte {
		nalu := bytes.Repeat([]byte{kind << 1}, 3000)
		nalu[1], nalu[2] = 1, 0x80
		return nalu
	}
	sets := [][]byte{{32 << 1, 1, 9}, {33 << 1, 1, 9}, {34 << 1, 1, 9}}
	key, other := picture(19), picture(1)
	var got []*ingest.Unit
	a := newAssembler(t, track.format, func(u *ingest.Unit) { got = append(got, u) })
	a.nalus = track.nalus
	for i, unit := range [][][]byte{{other}, append(sets, key), {other}, {other}, {other}, {key}} {
		packets, err := encoder.Encode(unit)
		if err != nil {
			t.Fatal(err)
		}
		for j, pkt := range packets {
			pkt.Timestamp = uint32(i) * 3600
			if i == 3 && j == 1 {
				continue
			}
			if err := a.packet(pkt, ingest.Stamp{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The third has no slice left and is not worth a unit.
	if diff := cmp.Diff("bK c e! fK", told(got)); diff != "" {
		t.Error(diff)
	}
	want := &ingest.Format{Codec: ingest.H265, VPS: sets[0], SPS: sets[1], PPS: sets[2]}
	if diff := cmp.Diff(want, got[0].Format); diff != "" {
		t.Error(diff)
	}
}

// holdsSlice reports whether a NALU is of a picture.
func holdsSlice(codec ingest.Codec, nalu []byte) bool {
	if codec == ingest.H265 {
		return nalu[0]&0x40 == 0
	}
	return nalu[0]&0x1F == 1 || nalu[0]&0x1F == 5
}

func FuzzAssembler(f *testing.F) {
	var all []byte
	for _, pkt := range packets(f, "Kp")[0] {
		raw, err := pkt.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, byte(len(raw)>>8), byte(len(raw)))
		all = append(all, raw...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, codec := range []ingest.Codec{ingest.H264, ingest.H265} {
			var media format.Format = &format.H264{PayloadTyp: 96, PacketizationMode: 1}
			if codec == ingest.H265 {
				media = &format.H265{PayloadTyp: 96}
			}
			track, err := findTrack(&description.Session{Medias: []*description.Media{{
				Type: description.MediaTypeVideo, Formats: []format.Format{media},
			}}})
			if err != nil {
				t.Fatal(err)
			}
			a := newAssembler(t, ingest.Format{Codec: codec}, func(u *ingest.Unit) {
				if u.Format == nil || !slices.ContainsFunc(u.NALUs, func(nalu []byte) bool { return holdsSlice(codec, nalu) }) {
					t.Errorf("emitted a unit without a picture: %+v", u)
				}
			})
			a.nalus = track.nalus
			for rest := data; len(rest) >= 2; {
				n := min(int(rest[0])<<8|int(rest[1]), len(rest)-2)
				var pkt rtp.Packet
				if pkt.Unmarshal(bytes.Clone(rest[2:2+n])) == nil && a.packet(&pkt, ingest.Stamp{}) != nil {
					return
				}
				rest = rest[2+n:]
			}
		}
	})
}
