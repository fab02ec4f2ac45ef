package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gocv.io/x/gocv"

	"tidewatch/cmd/benchrig"
)

// captureCmd is the loop that home-made systems are built around.
type captureCmd struct {
	URL    string        `help:"URL of a camera, with credentials."`
	During time.Duration `help:"How long to measure."`
}

// Run reports on stdout.
func (c *captureCmd) Run(ctx context.Context, _ *slog.Logger) error {
	video, err := gocv.OpenVideoCapture(c.URL)
	if err != nil {
		return fmt.Errorf("open video capture: %w", err)
	}
	defer video.Close()
	frame := gocv.NewMat()
	defer frame.Close()
	if !video.Read(&frame) {
		return errors.New("video capture gives no picture")
	}
	looks := 0
	before, began := benchrig.OwnCPU(), time.Now()
	for time.Since(began) < c.During && ctx.Err() == nil {
		if !video.Read(&frame) {
			return errors.New("video capture ended")
		}
		looks++
	}
	bytes, err := benchrig.Resident()
	if err != nil {
		return err
	}
	return benchrig.Report(benchrig.Usage{
		Seconds: time.Since(began).Seconds(), CPU: (benchrig.OwnCPU() - before).Seconds(), Bytes: bytes,
		Looks: float64(looks), Cameras: 1,
	})
}
