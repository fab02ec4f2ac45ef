package nal

import (
	"math/bits"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// Head is what the header of a slice tells.
type Head struct {
	First bool // of its picture
	PPS   int  // number of the picture parameter set that it needs
	Alone bool // its picture can be decoded without any other (IDR; in H.265 IRAP)
	// Intra says that nothing in the slice is predicted from other pictures. It
	// is false where that cannot be read.
	Intra bool
	// Leading says that the picture, where it directly follows a key picture, may
	// be predicted from others before that: in H.265 it says so (RASL), in H.264
	// any B picture may be.
	Leading bool
}

// Sets finds a parameter set by kind and number, nil if it is not known.
type Sets func(kind Kind, id int) []byte

// ReadSlice reads a slice's header as far as Head goes. It is false for what is
// no slice, and for a slice that ends in its header.
func ReadSlice(codec Codec, nalu []byte, sets Sets) (Head, bool) {
	if KindOf(codec, nalu) != Slice {
		return Head{}, false
	}
	if codec == H265 {
		return readHEVC(nalu, sets)
	}
	r := payload(codec, nalu, sliceHeader)
	head := Head{First: r.ue() == 0, Alone: typeOf(codec, nalu) == avcIDR}
	kind := r.ue() % 5 // slice_type; those from 5 on say that the whole picture is of it
	head.Intra = kind == 2 || kind == 4
	head.Leading = kind == 1
	head.PPS = int(r.ue())
	return head, r.err == nil
}

func readHEVC(nalu []byte, sets Sets) (Head, bool) {
	t := typeOf(H265, nalu)
	r := payload(H265, nalu, sliceHeader)
	head := Head{First: r.flag(), Alone: t >= hevcBLA && t <= hevcCRA, Leading: t == hevcRASLN || t == hevcRASLR}
	if t >= hevcBLA && t < 24 { // IRAP, the reserved ones included
		r.skip(1) // no_output_of_prior_pics_flag
	}
	head.PPS = int(r.ue())
	if r.err != nil {
		return Head{}, false
	}
	head.Intra = head.Alone || intraHEVC(r, head, sets)
	return head, true
}

// intraHEVC reads on to slice_type, for which both parameter sets are needed. A
// segment that depends on the one before it is of that one's type, so that it
// says nothing against the picture.
func intraHEVC(r *reader, head Head, sets Sets) bool {
	var pps h265.PPS
	if pps.Unmarshal(sets(PPS, head.PPS)) != nil {
		return false
	}
	if !head.First {
		width, known := addressBits(sets(SPS, int(pps.SPSID)))
		if !known {
			return false
		}
		dependent := pps.DependentSliceSegmentsEnabledFlag && r.flag()
		r.skip(width)
		if dependent {
			return r.err == nil
		}
	}
	r.skip(int(pps.NumExtraSliceHeaderBits))
	return r.ue() == 2 && r.err == nil
}

// addressBits is the width of slice_segment_address: it counts coding tree
// blocks (7.4.7.1).
func addressBits(set []byte) (int, bool) {
	var sps h265.SPS
	if sps.Unmarshal(set) != nil {
		return 0, false
	}
	log := sps.Log2MinLumaCodingBlockSizeMinus3 + 3 + sps.Log2DiffMaxMinLumaCodingBlockSize
	if log > 6 {
		return 0, false
	}
	size := uint64(1) << log
	blocks := ((uint64(sps.PicWidthInLumaSamples) + size - 1) / size) * ((uint64(sps.PicHeightInLumaSamples) + size - 1) / size)
	if blocks == 0 {
		return 0, false
	}
	return bits.Len64(blocks - 1), true
}

// SecondField reports whether two slices of H.264, each the first of a picture,
// are the two fields of one frame.
func SecondField(first, second []byte, sets Sets) bool {
	a, knownA := readField(first, sets)
	b, knownB := readField(second, sets)
	return knownA && knownB && a.number == b.number && a.bottom != b.bottom
}

// IsField reports whether a slice of H.264 is of a field, not of a whole frame.
func IsField(slice []byte, sets Sets) bool {
	_, ok := readField(slice, sets)
	return ok
}

// field is where a slice of a field belongs.
type field struct {
	number uint32 // of its frame
	bottom bool
}

// readField is false for a slice of a whole frame.
func readField(nalu []byte, sets Sets) (field, bool) {
	head, ok := ReadSlice(H264, nalu, sets)
	if !ok {
		return field{}, false
	}
	pps, ok := ReadSet(H264, sets(PPS, head.PPS))
	if !ok {
		return field{}, false
	}
	var sps h264.SPS
	if sps.Unmarshal(sets(SPS, pps.Refers)) != nil || sps.FrameMbsOnlyFlag {
		return field{}, false
	}
	r := payload(H264, nalu, sliceHeader)
	number := frameNumber(r, &sps)
	if !r.flag() { // field_pic_flag
		return field{}, false
	}
	return field{number, r.flag()}, r.err == nil
}
