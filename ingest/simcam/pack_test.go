package simcam

import (
	"bytes"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// played are the first frames of a film, as a tape with some faults sends them.
func played(t *testing.T, video string, frames int, faults Faults) []Sent {
	t.Helper()
	tape, err := NewTape(video)
	if err != nil {
		t.Fatal(err)
	}
	tape.Misbehave(faults)
	var all []Sent
	for range frames {
		sent, err := tape.Next()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sent)
	}
	return all
}

// kinds writes down what packets carry: S for an SPS, P for a PPS, s for a
// slice, a dot where a packet is marked, and a bar where the next one begins.
func kinds(t *testing.T, packets []*rtp.Packet) string {
	t.Helper()
	decoder := &rtph264.Decoder{PacketizationMode: 1}
	if err := decoder.Init(); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, packet := range packets {
		marked := *packet
		marked.Marker = true // each NALU as soon as it is complete
		nalus, err := decoder.Decode(&marked)
		if err != nil {
			continue // more of it is needed
		}
		for _, nalu := range nalus {
			text += map[nal.Kind]string{nal.SPS: "S", nal.PPS: "P", nal.Slice: "s"}[nal.KindOf(ingest.H264, nalu)]
		}
		if packet.Marker {
			text += "."
		}
		text += "|"
	}
	return text
}

func TestCamerasPackAsTold(t *testing.T) {
	film := source(t, "slices.mp4", "-c:v", "libx264", "-g", "2", "-bf", "0", "-x264-params", "slices=2:info=0")
	for _, test := range []struct {
		name    string
		packing Packing
		want    string // of a key frame
	}{
		{"as usual", Packing{}, "SP|s|s.|"},
		{"in small packets", Packing{Payload: 100}, "SP|s|s.|"},
		{"apart", Packing{Separate: true}, "S|P|s|s.|"},
		{"a marker for each slice", Packing{Marker: MarkSlices}, "SP|s.|s.|"},
		{"a marker for each NALU", Packing{Marker: MarkNALUs}, "S.|P.|s.|s.|"},
		{"no marker", Packing{Marker: MarkNothing}, "SP|s|s|"},
		{"sets described alone", Packing{Sets: ParametersDescribed}, "s|s.|"},
		{"sets with the time before", Packing{Sets: ParametersApart}, "S.|P|s|s.|"},
	} {
		t.Run(test.name, func(t *testing.T) {
			frames := played(t, film, 3, Faults{Packing: test.packing})
			if diff := cmp.Diff(test.want, kinds(t, frames[2].Packets)); diff != "" {
				t.Error(diff)
			}
			for _, packet := range frames[2].Packets {
				if most := test.packing.Payload; most > 0 && len(packet.Payload) > most {
					t.Errorf("a packet carries %d bytes, want at most %d", len(packet.Payload), most)
				}
			}
			apart := test.packing.Sets == ParametersApart
			if before := frames[2].Packets[0].Timestamp == frames[1].Packets[0].Timestamp; before != apart {
				t.Errorf("the first packet has the time of the frame before: %v, want %v", before, apart)
			}
		})
	}
}

func TestMediaClockRunsAsTold(t *testing.T) {
	for _, test := range []struct{ gain, want float64 }{{0, 1}, {-1, 0}, {-0.5, 0.5}, {9.5, 10.5}} {
		tape, err := NewTape(film(t, "h264"))
		if err != nil {
			t.Fatal(err)
		}
		stamp := func() (time.Duration, uint32) {
			sent, err := tape.Next()
			if err != nil {
				t.Fatal(err)
			}
			return sent.Due, sent.Packets[0].Timestamp
		}
		stamp()
		_, right := stamp()
		tape.Misbehave(Faults{MediaGain: test.gain})
		since, began := stamp()
		for range 20 {
			stamp()
		}
		due, now := stamp()
		if speed := float64(now-began) / clockRate / (due - since).Seconds(); speed < test.want-0.01 || speed > test.want+0.01 {
			t.Errorf("it runs at %.3f, want %.3f", speed, test.want)
		}
		if step := began - right; step != clockRate/12 {
			t.Errorf("it steps by %d as its pace changes", step)
		}
	}
}

func TestTwoSessionsAreSentAtOnce(t *testing.T) {
	own, foreign := 0, 0
	var sequence [2]uint16
	for _, sent := range played(t, film(t, "h264"), 12, Faults{Foreign: true}) {
		for _, packet := range sent.Packets {
			which, count := 0, &own
			if packet.SSRC == foreignSSRC {
				which, count = 1, &foreign
			}
			if *count++; *count > 1 && packet.SequenceNumber != sequence[which]+1 {
				t.Errorf("packet %d follows packet %d of session %d", packet.SequenceNumber, sequence[which], which)
			}
			sequence[which] = packet.SequenceNumber
		}
	}
	if own < 12 || foreign != own {
		t.Errorf("%d packets of its own and %d others", own, foreign)
	}
}

// TestReorderedPicturesAreSentAsDecoded plays a film with B pictures.
func TestReorderedPicturesAreSentAsDecoded(t *testing.T) {
	raw := source(t, "b.mp4", "-c:v", "libx264", "-bf", "2", "-x264-params", "b-adapt=0")
	back := 0
	var before uint32
	for i, sent := range played(t, raw, 6, Faults{}) {
		now := sent.Packets[0].Timestamp
		if i > 0 && int32(now-before) < 0 {
			back++
		}
		before = now
	}
	if back == 0 {
		t.Error("all pictures come in the order in which they are shown")
	}
}

func TestACameraBeginsInItsMidst(t *testing.T) {
	server, _ := run(t, func(cfg *Config) { cfg.Cameras[0].From = 2 })
	key := server.Feed("kerb").video.Load().frames[0].payloads[0]
	for i, packet := range view(t, server, "kerb").lasts(2 * time.Second) {
		if bytes.Equal(packet.Payload, key) {
			t.Fatalf("packet %d is of the first frame", i)
		}
	}
}

func TestADescriptionIsChanged(t *testing.T) {
	server, _ := run(t)
	server.Feed("kerb").Misbehave(Faults{SHA256: true, Describe: func(usual string) string { return usual + "a=more\r\n" }})
	if body := dial(t, server, "kerb").do("DESCRIBE").Body; !bytes.HasSuffix(body, []byte("a=more\r\n")) {
		t.Errorf("it is described as %s", body)
	}
}
