package benchrig

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/ingest"
	"tidewatch/ingest/simcam"
)

// Film is a video that cameras send.
type Film struct {
	Name     string
	Encoding simcam.Encoding
}

// MainStream is the main stream of a usual camera: 1080p, 25 pictures a second,
// 4 Mbit/s.
func MainStream(gop, length time.Duration) simcam.Encoding {
	return simcam.Encoding{
		Codec: ingest.H264, GOP: gop, Width: 1920, Height: 1080, FPS: 25, Bitrate: 4_000_000, Duration: length,
	}
}

// SubStream is its smaller stream.
func SubStream(length time.Duration) simcam.Encoding {
	return simcam.Encoding{
		Codec: ingest.H264, GOP: time.Second, Width: 640, Height: 360, FPS: 25, Bitrate: 512_000, Duration: length,
	}
}

// Footage is the street that set-up brought, unless another file is named.
func Footage(file string) (string, error) {
	if file != "" {
		return file, nil
	}
	dir, err := assets.Default()
	if err != nil {
		return "", err
	}
	return dir.Footage("vtest.avi")
}

// Cache is the folder in which films are kept between runs.
func Cache() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(cache, "camerasim"), nil
}

// Prepare encodes footage as films, once, and returns NAME=FILE of each.
func Prepare(ctx context.Context, footage string, films []Film, log *slog.Logger) ([]string, error) {
	cache, err := Cache()
	if err != nil {
		return nil, err
	}
	var videos []string
	for _, film := range films {
		log.Info("preparing", "film", film.Name)
		file, err := simcam.PrepareAs(ctx, footage, cache, film.Encoding)
		if err != nil {
			return nil, err
		}
		videos = append(videos, film.Name+"="+file)
	}
	return videos, nil
}
