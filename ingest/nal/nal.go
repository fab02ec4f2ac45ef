// Package nal reads as much of the NAL units of H.264 and H.265 as it takes to
// keep a camera's stream: which parameter sets a picture needs, which slices
// are of one picture, and which pictures can be decoded alone. It decodes
// nothing, and what it cannot read it says so of rather than guess.
//
// Sources: ITU-T H.264 (08/2021) and H.265 (08/2021), section 7.3 of each.
package nal

import (
	"errors"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Codec names a video coding.
type Codec string

// The codings that can be read.
const (
	H264 Codec = "h264"
	H265 Codec = "h265"
)

// Kind says what a NAL unit holds.
type Kind int

// The kinds that matter here. The parameter sets come in the order in which a
// decoder wants them.
const (
	Other     Kind = iota
	VPS            // H.265 only
	SPS            // sequence parameter set
	PPS            // picture parameter set
	SEI            // what comes before a picture, such as a recovery point
	Delimiter      // begins an access unit
	Slice          // part of a picture
)

// IsSet reports whether a kind is of a parameter set.
func (k Kind) IsSet() bool { return k == VPS || k == SPS || k == PPS }

// Types of NAL units, by the tables 7-1 of both standards.
const (
	avcSlice, avcIDR, avcSEI, avcSPS, avcPPS, avcDelimiter = 1, 5, 6, 7, 8, 9

	hevcRASLN, hevcRASLR                                   = 8, 9
	hevcBLA, hevcIDR, hevcIDRAlone, hevcCRA                = 16, 19, 20, 21
	hevcVPS, hevcSPS, hevcPPS, hevcDelimiter, hevcPrefixed = 32, 33, 34, 35, 39
)

// KindOf tells what a NAL unit holds. One that is too short for its header
// holds nothing.
func KindOf(codec Codec, nalu []byte) Kind {
	if len(nalu) < headerSize(codec) {
		return Other
	}
	t := typeOf(codec, nalu)
	if codec == H265 {
		if t < hevcVPS {
			return Slice
		}
		return map[byte]Kind{
			hevcVPS: VPS, hevcSPS: SPS, hevcPPS: PPS, hevcPrefixed: SEI, hevcDelimiter: Delimiter,
		}[t]
	}
	switch t {
	case avcSlice, avcIDR:
		return Slice
	case avcSPS:
		return SPS
	case avcPPS:
		return PPS
	case avcSEI:
		return SEI
	case avcDelimiter:
		return Delimiter
	}
	return Other
}

func headerSize(codec Codec) int {
	if codec == H265 {
		return 2
	}
	return 1
}

// typeOf is nal_unit_type; the unit must not be empty.
func typeOf(codec Codec, nalu []byte) byte {
	if codec == H265 {
		return nalu[0] >> 1 & 0x3F
	}
	return nalu[0] & 0x1F
}

var errShort = errors.New("NAL unit ends in its header")

// reader reads fields from a NAL unit's payload and keeps the first error, so
// that a header is read line by line as the standard writes it.
type reader struct {
	bytes []byte
	at    int // in bits
	err   error
}

// The bytes of a unit that are looked at: no slice header is read further, and
// before a recovery point an encoder may write its name and settings.
const (
	sliceHeader = 48
	setHeader   = 256
	seiHeader   = 4096
)

// payload is a reader behind a NAL unit's header, over so many bytes, with those
// removed that keep a start code from appearing.
func payload(codec Codec, nalu []byte, most int) *reader {
	if len(nalu) < headerSize(codec) {
		return &reader{err: errShort}
	}
	rest := nalu[headerSize(codec):]
	return &reader{bytes: h264.EmulationPreventionRemove(rest[:min(len(rest), most)])}
}

// u reads an unsigned number of n bits, up to 32.
func (r *reader) u(n int) uint32 {
	if r.err != nil {
		return 0
	}
	v, err := bits.ReadBits(r.bytes, &r.at, n)
	r.err = err
	return uint32(v)
}

func (r *reader) flag() bool { return r.u(1) == 1 }

// skip passes over n bits.
func (r *reader) skip(n int) {
	if r.err == nil {
		r.err = bits.HasSpace(r.bytes, r.at, n)
		r.at += n
	}
}

// ue reads an unsigned Exp-Golomb number.
func (r *reader) ue() uint32 {
	if r.err != nil {
		return 0
	}
	v, err := bits.ReadGolombUnsigned(r.bytes, &r.at)
	r.err = err
	return v
}

// se reads a signed Exp-Golomb number.
func (r *reader) se() int32 {
	if r.err != nil {
		return 0
	}
	v, err := bits.ReadGolombSigned(r.bytes, &r.at)
	r.err = err
	return v
}
