package ingest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

func TestFormatPrepend(t *testing.T) {
	for _, test := range []struct {
		name   string
		format Format
		want   [][]byte
	}{
		{"H.264", Format{Codec: H264, SPS: []byte{7}, PPS: []byte{8}}, [][]byte{{7}, {8}, {5}}},
		{"H.265", Format{Codec: H265, VPS: []byte{64}, SPS: []byte{66}, PPS: []byte{68}}, [][]byte{{64}, {66}, {68}, {5}}},
		{"nothing known", Format{Codec: H264}, [][]byte{{5}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			unit := [][]byte{{5}}
			if diff := cmp.Diff(test.want, test.format.Prepend(unit)); diff != "" {
				t.Error(diff)
			}
			if len(unit) != 1 {
				t.Error("the unit was changed")
			}
		})
	}
}
