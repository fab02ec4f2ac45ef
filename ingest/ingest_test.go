package ingest

import (
	"image"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/ingest/nal"
)

func TestStampTime(t *testing.T) {
	arrival := time.Date(2026, 7, 1, 19, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		camera time.Time
		want   time.Time
	}{
		{"clock unknown", time.Time{}, arrival},
		{"clock right", arrival.Add(-80 * time.Millisecond), arrival.Add(-80 * time.Millisecond)},
		{"at the tolerance", arrival.Add(time.Second), arrival.Add(time.Second)},
		{"beyond the tolerance", arrival.Add(time.Second + 1), arrival},
		{"a time zone off", arrival.Add(-8 * time.Hour), arrival},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := (Stamp{Camera: test.camera, Arrival: arrival}).Time(time.Second); !got.Equal(test.want) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Sets and slices as small as they can be: two sizes of picture, and slices of
// key pictures that need the picture parameter sets 0 and 1.
var (
	sps    = []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x10, 0x99}       // 0: 64x64
	other  = []byte{0x68, 0x53, 0x8E, 0x20}                         // PPS 1 of SPS 0
	pps    = []byte{0x68, 0xCE, 0x38, 0x80}                         // PPS 0 of SPS 0
	slice  = []byte{0x65, 0x88, 0x84, 1, 2, 3}                      // of PPS 0
	slice1 = []byte{0x65, 0x88, 0x44, 1, 2, 3}                      // of PPS 1
	wide   = []byte{0x67, 0x42, 0xC0, 0x0A, 0xDA, 0x08, 0x26, 0x40} // 0: 128x64
)

func TestFormatPrepend(t *testing.T) {
	for _, test := range []struct {
		name   string
		format *Format
		unit   [][]byte
		want   [][]byte
	}{
		{"what its slice needs", NewFormat(H264, other, sps, pps), [][]byte{slice}, [][]byte{sps, pps, slice}},
		{"all where a set is missing", NewFormat(H264, sps, pps), [][]byte{slice1}, [][]byte{sps, pps, slice1}},
		{"all where no slice says", NewFormat(H264, pps, sps), [][]byte{{5}}, [][]byte{sps, pps, {5}}},
		{"nothing known", NewFormat(H264), [][]byte{slice}, [][]byte{slice}},
	} {
		t.Run(test.name, func(t *testing.T) {
			unit := slices.Clone(test.unit)
			if diff := cmp.Diff(test.want, test.format.Prepend(unit)); diff != "" {
				t.Error(diff)
			}
			if len(unit) != 1 {
				t.Error("the unit was changed")
			}
		})
	}
}

func TestFormatLearns(t *testing.T) {
	f := NewFormat(H264, sps, pps)
	if f.Learn([][]byte{slice, pps, sps}) != f {
		t.Error("what is known already makes another format")
	}
	grown := f.Learn([][]byte{other})
	if diff := cmp.Diff([][]byte{pps, other}, grown.Of(nal.PPS)); diff != "" || len(f.Of(nal.PPS)) != 1 {
		t.Errorf("a set of another number: %s; before %d", diff, len(f.Of(nal.PPS)))
	}
	if got, want := grown.SizeOf([][]byte{slice1}), image.Pt(64, 64); got != want {
		t.Errorf("size %v, want %v", got, want)
	}
	changed := grown.Learn([][]byte{wide})
	if got, want := changed.SizeOf([][]byte{slice}), image.Pt(128, 64); got != want {
		t.Errorf("size after a change %v, want %v", got, want)
	}
	joined := f.Join(changed)
	if diff := cmp.Diff([][]byte{sps}, joined.Of(nal.SPS)); diff != "" {
		t.Errorf("a join changed what was there: %s", diff)
	}
	if _, ok := f.Needed([][]byte{slice1}); ok {
		t.Error("a picture whose set is missing has all it needs")
	}
}
