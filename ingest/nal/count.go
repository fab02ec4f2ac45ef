package nal

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// Count is the number of a picture in the order of decoding, by the header of its
// first slice: frame_num in H.264, the lower bits of the picture order count in
// H.265.
type Count struct {
	Number, Modulus uint32 // the number begins again at the modulus
	// Reference says, in H.264, that pictures after it may be predicted from it. The
	// next one after one that is none has the same number.
	Reference bool
}

// ReadCount reads a picture's number from its first slice. It is false where that
// cannot be read.
func ReadCount(codec Codec, nalu []byte, sets Sets) (Count, bool) {
	head, ok := ReadSlice(codec, nalu, sets)
	if !ok || !head.First {
		return Count{}, false
	}
	pps, ok := ReadSet(codec, sets(PPS, head.PPS))
	if !ok {
		return Count{}, false
	}
	if codec == H265 {
		return countHEVC(nalu, sets(PPS, head.PPS), sets(SPS, pps.Refers))
	}
	var sps h264.SPS
	if sps.Unmarshal(sets(SPS, pps.Refers)) != nil {
		return Count{}, false
	}
	r := payload(codec, nalu, sliceHeader)
	number := frameNumber(r, &sps)
	return Count{number, 1 << (sps.Log2MaxFrameNumMinus4 + 4), nalu[0]>>5&3 != 0}, r.err == nil
}

// frameNumber reads a slice's header up to frame_num (H.264 7.3.3).
func frameNumber(r *reader, sps *h264.SPS) uint32 {
	r.ue() // first_mb_in_slice
	r.ue() // slice_type
	r.ue() // pic_parameter_set_id
	if sps.SeparateColourPlaneFlag {
		r.skip(2)
	}
	return r.u(int(sps.Log2MaxFrameNumMinus4) + 4)
}

// countHEVC reads a first slice segment's header up to slice_pic_order_cnt_lsb
// (H.265 7.3.6.1).
func countHEVC(nalu, ppsNALU, spsNALU []byte) (Count, bool) {
	var pps h265.PPS
	var sps h265.SPS
	if pps.Unmarshal(ppsNALU) != nil || sps.Unmarshal(spsNALU) != nil {
		return Count{}, false
	}
	t := typeOf(H265, nalu)
	count := Count{Modulus: 1 << (sps.Log2MaxPicOrderCntLsbMinus4 + 4)}
	if t == hevcIDR || t == hevcIDRAlone {
		return count, true
	}
	r := payload(H265, nalu, sliceHeader)
	r.skip(1) // first_slice_segment_in_pic_flag
	if t >= hevcBLA && t < 24 {
		r.skip(1) // no_output_of_prior_pics_flag
	}
	r.ue() // slice_pic_parameter_set_id
	r.skip(int(pps.NumExtraSliceHeaderBits))
	r.ue() // slice_type
	if pps.OutputFlagPresentFlag {
		r.skip(1)
	}
	if sps.SeparateColourPlaneFlag {
		r.skip(2)
	}
	count.Number = r.u(int(sps.Log2MaxPicOrderCntLsbMinus4) + 4)
	return count, r.err == nil
}
