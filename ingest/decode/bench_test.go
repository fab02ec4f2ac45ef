package decode

import (
	"testing"

	"tidewatch/ingest"
)

func BenchmarkDecode1080p(b *testing.B) {
	unit := keyUnits(b, ingest.H264, "1920x1080", "-bf", "0", "-crf", "28")[0]
	pool := newPool(b, 1)
	b.SetBytes(int64(unit.Size()))
	for b.Loop() {
		picture, err := pool.Decode(b.Context(), unit)
		if err != nil {
			b.Fatal(err)
		}
		picture.Close()
	}
}
