package decode

import (
	"fmt"
	"image"
	"syscall"
	"testing"
	"time"

	"tidewatch/cmd/tidewatch/assets"
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

// BenchmarkFollow decodes a street as a smart codec sends it, 25 pictures a second
// and hardly a key frame, with a look each four seconds, beside a key unit each four
// seconds.
func BenchmarkFollow(b *testing.B) {
	const look, rate = 4, 25
	limit := image.Pt(1280, 1280)
	for _, size := range []image.Point{{704, 576}, {1920, 1080}} {
		units := street(b, size, 20*rate)
		ways := map[string]func(f *Follower, at int) *ingest.Unit{
			"keys":   func(*Follower, int) *ingest.Unit { return units[0] },
			"follow": func(_ *Follower, at int) *ingest.Unit { return led(units, at) },
		}
		for name, pick := range ways {
			b.Run(fmt.Sprintf("%dx%d/%s", size.X, size.Y, name), func(b *testing.B) {
				f := newFollower(b)
				at, began := 0, processorTime(b)
				for b.Loop() {
					if at += look * rate; at >= len(units) {
						at = look*rate - 1
					}
					picture, err := f.DecodeWithin(b.Context(), pick(f, at), limit)
					if err != nil {
						b.Fatal(err)
					}
					picture.Close()
				}
				b.ReportMetric((processorTime(b)-began).Seconds()*1000/float64(b.N*look), "cpu-ms/s")
			})
		}
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// street is real footage of a street at rest, in one group.
func street(b *testing.B, size image.Point, pictures int) []*ingest.Unit {
	b.Helper()
	dir, err := assets.Default()
	if err != nil {
		b.Fatal(err)
	}
	footage, err := dir.Footage("vtest.avi")
	if err != nil {
		b.Fatal(err)
	}
	stream := ffmpeg(b, "-stream_loop", "-1", "-i", footage, "-vf", fmt.Sprintf("scale=%d:%d,fps=25", size.X, size.Y), "-frames:v", fmt.Sprint(pictures),
		"-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "30", "-bf", "0", "-x264-params", "scenecut=0:keyint=9999", "-f", "h264", "-")
	b.Logf("%dx%d: %d kbit/s", size.X, size.Y, len(stream)*8*25/pictures/1000)
	return cut(ingest.H264, stream)
}
