package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/ingest"
	"tidewatch/ingest/simcam"
)

// length is of the films; the cameras repeat them.
const length = 10 * time.Second

// films are what the cameras send.
var films = []struct {
	name     string
	encoding simcam.Encoding
}{
	{"gop25", hd(time.Second)},
	{"gop50", hd(2 * time.Second)},
	{"sub", simcam.Encoding{
		Codec: ingest.H264, GOP: time.Second, Width: 640, Height: 360, FPS: 25, Bitrate: 512_000, Duration: length,
	}},
}

func hd(gop time.Duration) simcam.Encoding {
	return simcam.Encoding{
		Codec: ingest.H264, GOP: gop, Width: 1920, Height: 1080, FPS: 25, Bitrate: 4_000_000, Duration: length,
	}
}

// prepare encodes the films, once, and returns NAME=FILE of each.
func (c *benchCmd) prepare(ctx context.Context, log *slog.Logger) ([]string, error) {
	footage := c.Footage
	if footage == "" {
		dir, err := assets.Default()
		if err != nil {
			return nil, err
		}
		if footage, err = dir.Footage("vtest.avi"); err != nil {
			return nil, err
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("find the cache folder: %w", err)
	}
	var videos []string
	for _, film := range films {
		log.Info("preparing", "film", film.name)
		file, err := simcam.PrepareAs(ctx, footage, filepath.Join(cache, "camerasim"), film.encoding)
		if err != nil {
			return nil, err
		}
		videos = append(videos, film.name+"="+file)
	}
	return videos, nil
}

// named splits NAME=FILE.
func named(video string) (name, file string, err error) {
	name, file, ok := strings.Cut(video, "=")
	if !ok || name == "" || file == "" {
		return "", "", errors.New("want NAME=FILE, got " + video)
	}
	return name, file, nil
}
