package simcam

import (
	"fmt"

	"tidewatch/ingest/nal"
)

// Packing is how a camera makes packets of its pictures. The zero value is the
// usual way: small NALUs share a packet, and a picture's last packet is marked.
type Packing struct {
	Payload  int        // bytes of a packet's payload at most; 0 is what the network takes
	Separate bool       // no NALU shares a packet with another
	Marker   Marker     // which packets are marked
	Sets     Parameters // where its parameter sets come
}

// Marker says which packets a camera marks.
type Marker int

// The ways of marking.
const (
	MarkPictures Marker = iota // the last of a picture
	MarkSlices                 // the last of each slice
	MarkNALUs                  // the last of each NALU
	MarkNothing
)

// Parameters says where parameter sets come.
type Parameters int

// The ways of sending them.
const (
	ParametersBefore    Parameters = iota // before each key frame, as part of it
	ParametersApart                       // before each key frame, with the time of the picture before, the SPS marked
	ParametersDescribed                   // in the stream's description alone
)

// payload is what one packet carries.
type payload struct {
	bytes  []byte
	marked bool
	before bool // it bears the time of the frame before
}

// pack makes the payloads of a frame.
func (v *video) pack(f frame, p Packing) ([]payload, error) {
	if p == (Packing{}) {
		payloads := make([]payload, len(f.payloads))
		for i, bytes := range f.payloads {
			payloads[i] = payload{bytes: bytes, marked: i == len(f.payloads)-1}
		}
		return payloads, nil
	}
	encode, err := v.encoder(p.Payload)
	if err != nil {
		return nil, fmt.Errorf("packetize: %w", err)
	}
	var payloads []payload
	add := func(nalus [][]byte, marked, before bool) error {
		packets, err := encode(nalus)
		if err != nil {
			return fmt.Errorf("packetize: %w", err)
		}
		for i, packet := range packets {
			payloads = append(payloads, payload{packet.Payload, marked && i == len(packets)-1, before})
		}
		return nil
	}
	sets, rest := f.nalus[:f.sets], f.nalus[f.sets:]
	switch p.Sets {
	case ParametersBefore:
		rest = f.nalus
	case ParametersApart:
		for i, set := range sets {
			if err := add([][]byte{set}, i == len(sets)-2, true); err != nil { // the SPS
				return nil, err
			}
		}
	}
	for len(rest) > 0 {
		n := v.share(rest, p)
		marked := p.Marker == MarkPictures && n == len(rest) || p.Marker == MarkNALUs ||
			p.Marker == MarkSlices && v.slice(rest[n-1])
		if err := add(rest[:n], marked, false); err != nil {
			return nil, err
		}
		rest = rest[n:]
	}
	return payloads, nil
}

func (v *video) slice(nalu []byte) bool { return nal.KindOf(v.codec, nalu) == nal.Slice }

// share is how many of a frame's NALUs may share packets, from the first on.
func (v *video) share(nalus [][]byte, p Packing) int {
	if p.Separate || p.Marker == MarkNALUs {
		return 1
	}
	if p.Marker == MarkSlices {
		for i, nalu := range nalus {
			if v.slice(nalu) {
				return i + 1
			}
		}
	}
	return len(nalus)
}
