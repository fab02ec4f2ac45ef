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
	sps   = []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x99} // 64x64
	pps   = []byte{0x68, 0xCE, 0x38, 0x80}

	// The same of H.265, as short as they can be read, with a key picture and one
	// that is predicted.
	hevcSets = [][]byte{
		{32 << 1, 1, 0x0C},
		{33 << 1, 1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x80},
		{34 << 1, 1, 0xC0},
	}
	hevcKey, hevcOther = []byte{19 << 1, 1, 0xAE, 9}, []byte{1 << 1, 1, 0xD4, 9}
)

// slice makes a slice of a picture, big enough for several packets: intra in a
// key picture, else predicted, and all of the parameter sets 0.
func slice(kind byte, first bool) []byte {
	nalu := bytes.Repeat([]byte{kind}, 3000)
	head := map[[2]bool][]byte{
		{true, true}: {0x88, 0x84}, {true, false}: {0x42, 0x3F}, // first_mb_in_slice 0 or 1, slice_type 7
		{false, true}: {0x9A, 0x84}, {false, false}: {0x46, 0x84}, // slice_type 5
	}[[2]bool{kind == 0x65, first}]
	copy(nalu[1:], head)
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
	for i, kind := range kinds + "p" { // what comes next tells that the last is over
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

func newAssembler(t testing.TB, announced *ingest.Format, emit func(*ingest.Unit)) *assembler {
	t.Helper()
	return &assembler{
		session: 7, format: announced, nalus: unpack(t, announced.Codec), alive: func() {}, refreshed: func() {}, emit: emit,
		metrics: NewMetrics(prometheus.NewRegistry()).Stream("kerb", ingest.Main),
	}
}

// unpack takes packets of a coding apart.
func unpack(t testing.TB, codec ingest.Codec) depacketize {
	t.Helper()
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
	nalus, err := track.nalus()
	if err != nil {
		t.Fatal(err)
	}
	return nalus
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
		{"nothing lost, no markers", "KppKp", nil, false, "aK b c dK e"},
		{"begins between key units", "ppKp", nil, true, "cK d"},
		{"a middle packet", "KpppKp", []lost{{1, 1}}, true, "aK b! c! d! eK f"},
		{"a middle packet, no markers", "KpppKp", []lost{{1, 1}}, false, "aK b! c! d! eK f"},
		{"the packet with the marker", "KpppKp", []lost{{1, 5}}, true, "aK b! c! d! eK f"},
		{"the first packet", "KpppKp", []lost{{1, 0}}, true, "aK! b! c! d! eK f"},
		{"a whole slice", "KpppKp", []lost{{1, 3}, {1, 4}, {1, 5}}, true, "aK b! c! d! eK f"},
		// What is missing may be of the picture before as well: a marker is no proof.
		{"a later one's first packet", "KpppKp", []lost{{2, 0}}, true, "aK b! c! d! eK f"},
		{"a whole picture", "KppKp", []lost{{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 5}}, true, "aK! c! dK e"},
		{"of a key unit", "KpKpKp", []lost{{2, 3}}, true, "aK b cK! d! eK f"},
		{"the last of a key unit", "KpKpKp", []lost{{2, 6}}, true, "aK b cK! d! eK f"},
		{"a key unit's first slice", "KpKpKp", []lost{{2, 0}, {2, 1}, {2, 2}, {2, 3}}, true, "aK b! cK! d! eK f"},
		{"a key unit's parameter sets", "KpKpKp", []lost{{2, 0}}, true, "aK b! cK! d! eK f"},
		{"before a key unit without parameter sets", "kpkpkp", []lost{{1, 5}}, true, "aK b! cK! d! eK f"},
		{"right before a key unit", "KppKp", []lost{{2, 5}}, true, "aK b c! dK e"},
		{"of the very first unit", "KpKp", []lost{{0, 0}, {0, 1}}, true, "aK! b! cK d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []*ingest.Unit
			a := newAssembler(t, ingest.NewFormat(ingest.H264, sps, pps), func(u *ingest.Unit) { got = append(got, u) })
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
	a := newAssembler(t, ingest.NewFormat(ingest.H264), func(u *ingest.Unit) { got = append(got, u) })
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
	inForce := ingest.NewFormat(ingest.H264, sps, pps)
	want := &ingest.Unit{
		Stamp:   ingest.Stamp{Camera: arrival.Add(-time.Hour), Arrival: arrival},
		Session: 7, PTS: 40 * time.Millisecond, Format: inForce, Key: true, Linked: true,
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
	old := ingest.NewFormat(ingest.H264, []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x08, 0x26, 0x40}, []byte{0x68, 0xCE, 0x38, 0x81})
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
	if diff := cmp.Diff(old, got[1].Format); diff != "" {
		t.Errorf("format before the change: %s", diff)
	}
	if diff := cmp.Diff(ingest.NewFormat(ingest.H264, sps, pps), got[3].Format); diff != "" {
		t.Errorf("format after the change: %s", diff)
	}
}

// TestAssemblerTakesMarkedParameterSets sends sets in packets of their own,
// marked as if they ended a unit: with their picture's time, the time of the one
// before, or another.
func TestAssemblerTakesMarkedParameterSets(t *testing.T) {
	avc := ingest.NewFormat(ingest.H264, sps, pps)
	hevc := ingest.NewFormat(ingest.H265, hevcSets...)
	for _, test := range []struct {
		name   string
		format *ingest.Format
		sets   [][]byte
		key    []byte
		other  []byte
	}{
		{"H.264", avc, [][]byte{sps, pps}, slice(0x65, true), slice(0x41, true)},
		{"H.265", hevc, hevcSets, hevcKey, hevcOther},
	} {
		for _, before := range []uint32{0, 100, 3600} {
			t.Run(fmt.Sprintf("%s, %d ticks before", test.name, before), func(t *testing.T) {
				var got []*ingest.Unit
				a := newAssembler(t, ingest.NewFormat(test.format.Codec), func(u *ingest.Unit) { got = append(got, u) })
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
					send(i*7200-before, test.sets...)
					send(i*7200, test.key)
					send(i*7200+3600, test.other)
					want = append(want, append(slices.Clone(test.sets), test.key), [][]byte{test.other})
				}
				send(2*7200, test.other) // tells that the last is over
				var pictures [][][]byte
				for _, u := range got {
					pictures = append(pictures, u.NALUs)
					if diff := cmp.Diff(test.format, u.Format); diff != "" || u.Damaged {
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
	a := newAssembler(t, ingest.NewFormat(ingest.H264, sps, pps), func(*ingest.Unit) {})
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
	a := newAssembler(t, ingest.NewFormat(ingest.H264, sps, pps), func(*ingest.Unit) {})
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
	encoder, err := hevc.CreateEncoder()
	if err != nil {
		t.Fatal(err)
	}
	long := func(nalu []byte) []byte { return append(bytes.Clone(nalu), bytes.Repeat([]byte{9}, 3000)...) }
	key, other := long(hevcKey), long(hevcOther)
	var got []*ingest.Unit
	a := newAssembler(t, ingest.NewFormat(ingest.H265), func(u *ingest.Unit) { got = append(got, u) })
	for i, unit := range [][][]byte{{other}, append(slices.Clone(hevcSets), key), {other}, {other}, {other}, {key}, {other}} {
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
	// The fourth has no slice left and is not worth a unit.
	if diff := cmp.Diff("bK c e! fK", told(got)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ingest.NewFormat(ingest.H265, hevcSets...), got[0].Format); diff != "" {
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
			a := newAssembler(t, ingest.NewFormat(codec), func(u *ingest.Unit) {
				if u.Format == nil || !slices.ContainsFunc(u.NALUs, func(nalu []byte) bool { return holdsSlice(codec, nalu) }) {
					t.Errorf("emitted a unit without a picture: %+v", u)
				}
			})
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
