// Command camerasim plays video files as RTSP cameras.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"tidewatch/ingest/simcam"
)

// arguments is the command line. The password is no flag: others on the
// machine could read it there.
type arguments struct {
	Listen   string   `default:"127.0.0.1:8554" help:"Host and port to listen on; port 0 picks a free one."`
	User     string   `default:"tidewatch" help:"User name that clients must give, with the password of CAMERASIM_PASSWORD."`
	CacheDir string   `type:"path" placeholder:"DIR" help:"Where prepared videos are kept. Default: camerasim in your cache folder."`
	Cameras  []string `arg:"" name:"name=video" help:"A camera's path and the video file that it shows, such as kerb=street.mp4."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var args arguments
	kong.Parse(&args, kong.Name("camerasim"), kong.UsageOnError(),
		kong.Description("Plays video files as RTSP cameras, for ever. Prints their URLs. The password comes from CAMERASIM_PASSWORD."))
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := run(ctx, args, os.Getenv("CAMERASIM_PASSWORD"), os.Stdout, log)
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Error("camerasim ended", "error", err)
		os.Exit(1)
	}
}

// run plays the cameras until ctx is done and prints their URLs, without
// credentials, once they can be watched.
func run(ctx context.Context, args arguments, password string, out io.Writer, log *slog.Logger) error {
	if password == "" {
		return errors.New("CAMERASIM_PASSWORD is empty: set it to the password that clients must give")
	}
	cameras, err := prepare(ctx, args, log)
	if err != nil {
		return err
	}
	server := simcam.New(simcam.Config{
		Listen: args.Listen, Cameras: cameras, Username: args.User, Password: password,
	}, log)
	if err := server.Start(); err != nil {
		return err
	}
	for _, camera := range cameras {
		fmt.Fprintln(out, server.URL(camera.Path))
	}
	return server.Run(ctx)
}

func prepare(ctx context.Context, args arguments, log *slog.Logger) ([]simcam.Camera, error) {
	cache := args.CacheDir
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("find the cache folder: %w; give --cache-dir", err)
		}
		cache = filepath.Join(dir, "camerasim")
	}
	var cameras []simcam.Camera
	for _, arg := range args.Cameras {
		name, video, ok := strings.Cut(arg, "=")
		if !ok || name == "" || video == "" {
			return nil, fmt.Errorf("camera %q: want NAME=VIDEO", arg)
		}
		log.Info("preparing video", "camera", name, "video", video)
		prepared, err := simcam.Prepare(ctx, video, cache)
		if err != nil {
			return nil, err
		}
		cameras = append(cameras, simcam.Camera{Path: name, Video: prepared})
	}
	return cameras, nil
}
