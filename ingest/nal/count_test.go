package nal

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counts reads the numbers of a stream's pictures, in the order of decoding.
func counts(codec Codec, nalus [][]byte) (numbers []uint32, references int, modulus uint32) {
	sets := map[Set][]byte{}
	find := func(kind Kind, id int) []byte {
		for set, nalu := range sets {
			if set.Kind == kind && set.ID == id {
				return nalu
			}
		}
		return nil
	}
	for _, nalu := range nalus {
		if set, ok := ReadSet(codec, nalu); ok {
			sets[set] = nalu
		}
		if count, ok := ReadCount(codec, nalu, find); ok {
			numbers, modulus = append(numbers, count.Number), count.Modulus
			if count.Reference {
				references++
			}
		}
	}
	return numbers, references, modulus
}

func TestReadCount(t *testing.T) {
	for _, test := range []struct {
		name       string
		codec      Codec
		format     string
		options    []string
		numbers    []uint32
		references int
		modulus    uint32
	}{
		{
			"H.264, several slices, a key picture each half second", H264, "h264",
			[]string{"-c:v", "libx264", "-bf", "0", "-g", "5", "-x264-params", "slices=3"},
			[]uint32{0, 1, 2, 3, 4, 0, 1, 2, 3, 4},
			10, 16,
		},
		{
			"H.264, pictures that nothing refers to", H264, "h264",
			[]string{"-c:v", "libx264", "-bf", "1", "-b_strategy", "0", "-g", "50"},
			[]uint32{0, 1, 2, 2, 3, 3, 4, 4, 5, 5},
			6, 16,
		},
		{
			"H.265", H265, "hevc",
			[]string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:keyint=5:min-keyint=5:open-gop=0:slices=2"},
			[]uint32{0, 1, 2, 3, 4, 0, 1, 2, 3, 4},
			0, 256,
		},
		{
			"H.265, open groups", H265, "hevc",
			[]string{"-c:v", "libx265", "-x265-params", "log-level=none:bframes=0:keyint=5:min-keyint=5:open-gop=1"},
			[]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
			0, 256,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			numbers, references, modulus := counts(test.codec, encode(t, test.format, test.options...))
			if diff := cmp.Diff(test.numbers, numbers); diff != "" {
				t.Errorf("numbers (-want +got):\n%s", diff)
			}
			if references != test.references || modulus != test.modulus {
				t.Errorf("%d references modulo %d, want %d modulo %d", references, modulus, test.references, test.modulus)
			}
		})
	}
}
