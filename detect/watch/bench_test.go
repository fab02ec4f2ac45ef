package watch_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect"
	"tidewatch/detect/watch"
	"tidewatch/ingest/decode"
)

// BenchmarkLook is one look of one camera at a real street, decoding left out:
// vehicles found, pixels compared, places followed.
func BenchmarkLook(b *testing.B) {
	dir, err := assets.Default()
	if err != nil {
		b.Fatal(err)
	}
	clip, err := dir.Footage("vtest.avi")
	if err != nil {
		b.Fatal(err)
	}
	file, err := decode.OpenFile(clip)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	var looks []decode.Look
	for look, err := range file.Looks(1) {
		if err != nil {
			b.Fatal(err)
		}
		defer look.Picture.Close()
		looks = append(looks, look)
	}
	vehicles, err := networks.Vehicles(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer vehicles.Close()
	w, err := watch.New(watch.DefaultConfig(), "kerb", vehicles, nil, nil, slog.New(slog.DiscardHandler), watch.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		b.Fatal(err)
	}
	at := time.Unix(0, 0)
	for i := 0; b.Loop(); i++ {
		at = at.Add(time.Second)
		if _, err := w.Look(b.Context(), at, looks[i%len(looks)].Picture, detect.Shot{At: at}); err != nil {
			b.Fatal(err)
		}
	}
}
