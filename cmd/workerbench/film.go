package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tidewatch/cmd/benchrig"
	"tidewatch/enforce"
)

const (
	// length is of the film, which the cameras repeat, and arrival the moment in
	// it at which the vehicles come to stand, until its end.
	length  = 2 * time.Minute
	arrival = time.Minute

	// vehicles come to stand.
	vehicles = 2
)

// vehicleHeight is the larger one's, as a share of the picture's, and given as a
// zone's vehicle_height: where it is not, it is learnt within some minutes.
const vehicleHeight = 0.1

// kerb is where they stand.
var kerb = enforce.Zone{
	ID: "kerb", Section: "street",
	Polygon: enforce.Polygon{{X: 0.82, Y: 0.06}, {X: 1, Y: 0.06}, {X: 1, Y: 0.2}, {X: 0.82, Y: 0.2}},
}

// road is a zone that is most of the picture, in which people walk all the time.
var road = enforce.Zone{
	ID: "road", Section: "street",
	Polygon: enforce.Polygon{{X: 0, Y: 0.05}, {X: 1, Y: 0.05}, {X: 1, Y: 0.9}, {X: 0, Y: 0.9}},
}

var films = []benchrig.Film{
	{Name: "main", Encoding: benchrig.MainStream(time.Second, length)},
	{Name: "sub", Encoding: benchrig.SubStream(length)},
}

// prepare makes the films, once, and returns NAME=FILE of each.
func prepare(ctx context.Context, log *slog.Logger) ([]string, error) {
	footage, err := benchrig.Footage("")
	if err != nil {
		return nil, err
	}
	street, err := emptied(ctx, footage)
	if err != nil {
		return nil, fmt.Errorf("prepare the street: %w", err)
	}
	return benchrig.Prepare(ctx, street, films, log)
}

// emptied is the footage with its two standing vehicles painted over until
// they arrive.
func emptied(ctx context.Context, footage string) (string, error) {
	cache, err := benchrig.Cache()
	if err != nil {
		return "", err
	}
	street := filepath.Join(cache, "arrival-1.mp4")
	if _, err := os.Stat(street); err == nil {
		return street, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return "", err
	}
	part := street + ".part"
	defer os.Remove(part)
	said, err := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-y", "-stream_loop", "-1", "-i", "file:"+footage,
		"-vf", fmt.Sprintf("drawbox=x=642:y=38:w=126:h=72:color=0x8a8a86:t=fill:enable='lt(t,%g)'", arrival.Seconds()),
		"-c:v", "libx264", "-preset", "veryfast", "-crf", "14", "-t", fmt.Sprint(length.Seconds()), "-f", "mp4", part).CombinedOutput()
	if err != nil {
		return "", errors.Join(ctx.Err(), fmt.Errorf("ffmpeg: %w: %s", err, said))
	}
	return street, os.Rename(part, street)
}
