package nal

// recoveryPoint is the type of an SEI message, the same in both codings.
const recoveryPoint = 6

// Entry is such a message of H.264: decoding can begin here, and the picture is
// right at once (D.1.8: no more pictures, an exact match).
var Entry = []byte{0x06, 0x06, 0x01, 0xC4, 0x80}

// RecoveryPoint reads the SEI message by which an encoder says that decoding
// can begin here, and after how many pictures it is right: 0 for a picture that
// is whole at once, more where the picture is refreshed bit by bit. It is false
// for a NAL unit without one.
func RecoveryPoint(codec Codec, nalu []byte) (pictures int, ok bool) {
	if KindOf(codec, nalu) != SEI {
		return 0, false
	}
	r := payload(codec, nalu, seiHeader)
	for r.err == nil && r.at+16 <= 8*len(r.bytes) {
		kind, size := r.long(), r.long()
		if kind != recoveryPoint {
			r.skip(8 * size)
			continue
		}
		if codec == H265 {
			pictures = int(r.se())
		} else {
			pictures = int(r.ue())
		}
		return pictures, r.err == nil
	}
	return 0, false
}

// long reads a number as SEI messages write their type and size: bytes of 255
// go on.
func (r *reader) long() int {
	n := 0
	for r.err == nil {
		b := int(r.u(8))
		n += b
		if b < 255 {
			break
		}
	}
	return n
}
