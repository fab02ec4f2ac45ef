package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tidewatch/cmd/benchrig"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect/picture"
)

// usualCmd watches one camera as most do: ffmpeg decodes every picture and
// pipes five a second, and the network is run on each of them.
type usualCmd struct {
	URL    string        `help:"URL of a camera, with credentials."`
	During time.Duration `help:"How long to measure."`
}

const (
	usualWidth, usualHeight = 640, 360
	usualFPS                = 5
)

// Run reports on stdout: the use of ffmpeg and of this process together. The
// start of both counts too, as a part of the whole that grows smaller.
func (c *usualCmd) Run(ctx context.Context, _ *slog.Logger) error {
	vehicles, err := networks.Vehicles("")
	if err != nil {
		return err
	}
	defer vehicles.Close()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", c.URL,
		"-r", fmt.Sprint(usualFPS), "-s", fmt.Sprintf("%dx%d", usualWidth, usualHeight), "-f", "rawvideo",
		"-t", fmt.Sprint(c.During.Seconds()), "-pix_fmt", "bgr24", "pipe:")
	var said bytes.Buffer
	cmd.Stderr = &said
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	before, began := benchrig.OwnCPU(), time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start ffmpeg: %w", err)
	}
	frames := bufio.NewReaderSize(pipe, usualWidth*usualHeight*3)
	bgr := make([]byte, usualWidth*usualHeight*3)
	looks := 0
	for ; ; looks++ {
		if _, err = io.ReadFull(frames, bgr); err != nil {
			break
		}
		pic, err := picture.FromBGR(bgr, usualWidth, usualHeight)
		if err != nil {
			return err
		}
		_, err = vehicles.Find(pic)
		if err := errors.Join(err, pic.Close()); err != nil {
			return err
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, strings.ReplaceAll(said.String(), c.URL, "URL"))
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("ffmpeg: the system does not tell its use")
	}
	own, err := benchrig.Resident()
	if err != nil {
		return err
	}
	spent := benchrig.OwnCPU() - before + cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return benchrig.Report(result{Usage: benchrig.Usage{
		Seconds: time.Since(began).Seconds(), CPU: spent.Seconds(), Bytes: own + float64(used.Maxrss)*1024,
		Looks: float64(looks), Cameras: 1,
	}, Inferences: float64(looks)})
}
