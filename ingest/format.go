package ingest

import (
	"bytes"
	"cmp"
	"image"
	"slices"

	"tidewatch/ingest/nal"
)

// Codec names a video coding.
type Codec = nal.Codec

// The codecs that ingest can cut and decode.
const (
	H264 = nal.H264
	H265 = nal.H265
)

// Format is what a decoder must know before the pictures of a stream: every
// parameter set in force, by its number. A format never changes, since units
// share it.
type Format struct {
	Codec Codec
	Sets  []Set // by kind and number
}

// Set is a parameter set, as the camera sent it.
type Set struct {
	nal.Set
	NALU []byte
}

// NewFormat is a format with the parameter sets among some NALUs. Of several
// with one number the last counts.
func NewFormat(codec Codec, nalus ...[]byte) *Format {
	return (&Format{Codec: codec}).Learn(nalus)
}

// Learn is the format with the parameter sets among some NALUs in force: f
// itself where they say nothing new.
func (f *Format) Learn(nalus [][]byte) *Format {
	next := f
	for _, nalu := range nalus {
		if set, ok := nal.ReadSet(f.Codec, nalu); ok && !bytes.Equal(next.set(set.Kind, set.ID), nalu) {
			next = next.with(Set{set, nalu})
		}
	}
	return next
}

func (f *Format) with(set Set) *Format {
	sets := slices.Clone(f.Sets)
	at, known := slices.BinarySearchFunc(sets, set, bySet)
	if known {
		sets[at] = set
	} else {
		sets = slices.Insert(sets, at, set)
	}
	return &Format{f.Codec, sets}
}

func bySet(a, b Set) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) }

// set finds a parameter set; nil if it is not known. It is a nal.Sets.
func (f *Format) set(kind nal.Kind, id int) []byte {
	if at, known := slices.BinarySearchFunc(f.Sets, Set{Set: nal.Set{Kind: kind, ID: id}}, bySet); known {
		return f.Sets[at].NALU
	}
	return nil
}

// Of are the parameter sets of a kind, by number.
func (f *Format) Of(kind nal.Kind) [][]byte {
	var found [][]byte
	for _, s := range f.Sets {
		if s.Kind == kind {
			found = append(found, s.NALU)
		}
	}
	return found
}

// single reports whether there is one parameter set of each kind.
func (f *Format) single() bool {
	for i := 1; i < len(f.Sets); i++ {
		if f.Sets[i].Kind == f.Sets[i-1].Kind {
			return false
		}
	}
	return true
}

// Needed are the parameter sets that a unit's slices need, in the order in which
// a decoder wants them. It is false where one of them is not known, or where no
// slice says which.
func (f *Format) Needed(nalus [][]byte) ([]Set, bool) {
	var needed []Set
	sliced := false
	for _, nalu := range nalus {
		head, ok := nal.ReadSlice(f.Codec, nalu, f.set)
		if !ok {
			continue
		}
		sliced = true
		if !f.need(&needed, nal.PPS, head.PPS) {
			return nil, false
		}
	}
	slices.SortFunc(needed, bySet)
	return needed, sliced
}

// need adds a parameter set and those that it builds on.
func (f *Format) need(needed *[]Set, kind nal.Kind, id int) bool {
	at, known := slices.BinarySearchFunc(f.Sets, Set{Set: nal.Set{Kind: kind, ID: id}}, bySet)
	if !known {
		return false
	}
	set := f.Sets[at]
	if slices.ContainsFunc(*needed, func(s Set) bool { return bySet(s, set) == 0 }) {
		return true
	}
	*needed = append(*needed, set)
	switch {
	case kind == nal.PPS:
		return f.need(needed, nal.SPS, set.Refers)
	case kind == nal.SPS && f.Codec == H265:
		return f.need(needed, nal.VPS, set.Refers)
	}
	return true
}

// Prepend returns the NALUs of a unit with the parameter sets that it needs
// before them, so that a key unit can be decoded without anything else.
func (f *Format) Prepend(nalus [][]byte) [][]byte {
	needed, ok := f.Needed(nalus)
	if !ok {
		needed = f.Sets
	}
	whole := make([][]byte, 0, len(needed)+len(nalus))
	for _, set := range needed {
		whole = append(whole, set.NALU)
	}
	return append(whole, nalus...)
}

// Head reads the header of a slice under this format.
func (f *Format) Head(nalu []byte) (nal.Head, bool) { return nal.ReadSlice(f.Codec, nalu, f.set) }

// Count reads the number of a unit's picture in the order of decoding.
func (f *Format) Count(nalus [][]byte) (nal.Count, bool) {
	for _, nalu := range nalus {
		if nal.KindOf(f.Codec, nalu) == nal.Slice {
			return nal.ReadCount(f.Codec, nalu, f.set)
		}
	}
	return nal.Count{}, false
}

// IsField reports whether a slice is of one field of a frame that comes in two.
func (f *Format) IsField(slice []byte) bool { return f.Codec == H264 && nal.IsField(slice, f.set) }

// SecondField reports whether two slices are of the two fields of one frame.
func (f *Format) SecondField(first, second []byte) bool {
	return f.Codec == H264 && nal.SecondField(first, second, f.set)
}

// SizeOf is the size in pixels of a unit's picture as its sets announce it; zero
// where that cannot be read.
func (f *Format) SizeOf(nalus [][]byte) image.Point {
	needed, _ := f.Needed(nalus)
	for _, set := range needed {
		if set.Kind == nal.SPS {
			return nal.Size(f.Codec, set.NALU)
		}
	}
	return image.Point{}
}

// Holds reports whether a parameter set is in force as it is.
func (f *Format) Holds(set Set) bool { return bytes.Equal(f.set(set.Kind, set.ID), set.NALU) }

// Join is the format with those sets of another whose numbers it does not hold.
func (f *Format) Join(other *Format) *Format {
	next := f
	for _, set := range other.Sets {
		if next.set(set.Kind, set.ID) == nil {
			next = next.with(set)
		}
	}
	return next
}
