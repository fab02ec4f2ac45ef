package benchrig

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tidewatch/ingest"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

// The cameras' account.
const (
	User     = "bench"
	Password = "bench" // of cameras that live on loopback for some minutes
)

// CamerasCmd plays prepared videos, each on as many paths as there are cameras:
// NAME/0, NAME/1 and so on, spread evenly over the film, which the first is
// about to begin and the others are in the midst of.
type CamerasCmd struct {
	Count  int           `help:"Cameras for each video."`
	Length time.Duration `default:"10s" help:"Of the videos."`
	Videos []string      `arg:"" help:"NAME=FILE of prepared videos."`
}

// Run prints the server's address and the moment at which the first film begins, in
// nanoseconds since 1970, and plays until it is ended.
func (c *CamerasCmd) Run(ctx context.Context, _ *slog.Logger) error {
	cfg := simcam.Config{Listen: "127.0.0.1:0", Username: User, Password: Password}
	for _, video := range c.Videos {
		name, file, err := named(video)
		if err != nil {
			return err
		}
		for i := range c.Count {
			cfg.Cameras = append(cfg.Cameras, simcam.Camera{
				Path: fmt.Sprintf("%s/%d", name, i), Video: file, Phase: Phase(i, c.Count, c.Length) - c.Length,
			})
		}
	}
	server := simcam.New(cfg, slog.New(slog.DiscardHandler))
	if err := server.Start(); err != nil {
		return err
	}
	fmt.Println(server.Addr(), time.Now().UnixNano())
	return server.Run(ctx)
}

// Phase is how much later than the first camera another one begins its film,
// again and again.
func Phase(camera, count int, length time.Duration) time.Duration {
	return time.Duration(camera) * length / time.Duration(count)
}

// named splits NAME=FILE.
func named(video string) (name, file string, err error) {
	name, file, ok := strings.Cut(video, "=")
	if !ok || name == "" || file == "" {
		return "", "", errors.New("want NAME=FILE, got " + video)
	}
	return name, file, nil
}

// Camera is one that plays, as Tidewatch knows it; sub may be empty.
func Camera(main, sub string) ingest.Camera {
	return ingest.Camera{
		ID: main, URL: main, SubURL: sub, Transport: ingest.TransportTCP, Username: User, Password: Password,
		ClockTolerance: 2 * time.Second,
	}
}

// Settled waits until every camera is live, and then for a while.
func Settled(ctx context.Context, feeds []*feed.Feed, still time.Duration) error {
	for _, f := range feeds {
		for f.Health().State != ingest.Live {
			if err := Sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	return Sleep(ctx, still)
}

// WatchHealth counts, until it is asked, the cameras that were not live at some
// moment.
func WatchHealth(ctx context.Context, feeds []*feed.Feed) (missing func() int) {
	ctx, stop := context.WithCancel(ctx)
	down := map[*feed.Feed]bool{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for Sleep(ctx, time.Second) == nil {
			for _, f := range feeds {
				if f.Health().State != ingest.Live {
					down[f] = true
				}
			}
		}
	}()
	return func() int {
		stop()
		<-done
		return len(down)
	}
}
