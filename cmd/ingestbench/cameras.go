package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tidewatch/ingest/simcam"
)

// camerasCmd plays prepared videos, each on as many paths as there are cameras.
type camerasCmd struct {
	Count  int      `help:"Cameras for each video."`
	Videos []string `arg:"" help:"NAME=FILE of prepared videos."`
}

// Run prints the server's address and plays until it is ended.
func (c *camerasCmd) Run(ctx context.Context, _ *slog.Logger) error {
	cfg := simcam.Config{Listen: "127.0.0.1:0", Username: user, Password: password}
	for _, video := range c.Videos {
		name, file, err := named(video)
		if err != nil {
			return err
		}
		for i := range c.Count {
			cfg.Cameras = append(cfg.Cameras, simcam.Camera{
				Path: fmt.Sprintf("%s/%d", name, i), Video: file,
				Phase: time.Duration(i) * length / time.Duration(c.Count),
			})
		}
	}
	server := simcam.New(cfg, slog.New(slog.DiscardHandler))
	if err := server.Start(); err != nil {
		return err
	}
	fmt.Println(server.Addr())
	return server.Run(ctx)
}
