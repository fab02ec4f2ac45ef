package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tidewatch/cmd/benchrig"
)

// benchCmd measures all ways, one after the other, against the same cameras.
type benchCmd struct {
	Footage string        `type:"path" placeholder:"FILE" help:"What the cameras show (default: the street of the demo)."`
	Cameras int           `default:"60" help:"Cameras at once."`
	Rivals  int           `default:"3" help:"Cameras at once for the usual ways."`
	Keep    time.Duration `default:"10s" help:"Length of the rings."`
	During  time.Duration `default:"20s" help:"How long to measure each way."`
}

// way is one way of taking cameras in.
type way struct {
	key, name string
	usage     benchrig.Usage
}

// setting is a way in which Tidewatch takes cameras in.
type setting struct {
	key, name, main, sub string
	pace                 time.Duration
	looks                float64 // that each camera must get in a second
}

var own = []setting{
	{"main_gop25", "main stream, key frames each second, all looked at", "gop25", "", 0, 1},
	{"main_gop25_every4", "main stream, key frames each second, every fourth", "gop25", "", 4 * time.Second, 0.25},
	{"main_gop50", "main stream, key frames each 2 s, all looked at", "gop50", "", 0, 0.5},
	{"dual", "main stream kept, smaller one looked at each second", "gop25", "sub", 0, 1},
}

// own measures Tidewatch. Where the machine, which plays the cameras as well,
// cannot keep up, what was measured is not what was asked for, and half as many
// cameras are tried.
func (c *benchCmd) own(ctx context.Context, host string, s setting, log *slog.Logger) (benchrig.Usage, error) {
	const nearly = 0.9
	for cameras := c.Cameras; cameras > 0; cameras /= 2 {
		log.Info("measuring", "way", s.name, "cameras", cameras)
		used, err := c.worker(ctx, host, s, cameras)
		if err != nil || used.Missing == 0 && used.LooksPerSecond() >= nearly*s.looks {
			return used, err
		}
		log.Warn("this machine cannot feed so many", "cameras", cameras, "not_live", used.Missing, "looks_per_second", used.LooksPerSecond())
	}
	return benchrig.Usage{}, errors.New("not even one camera is looked at as often as it should be")
}

// Run prints what it finds. Whatever it starts has ended when it returns.
func (c *benchCmd) Run(ctx context.Context, log *slog.Logger) error {
	videos, err := c.prepare(ctx, log)
	if err != nil {
		return err
	}
	street, err := benchrig.Serve(ctx, c.Cameras, length, videos)
	if err != nil {
		return err
	}
	defer street.Stop()
	var ways []way
	for _, o := range own {
		used, err := c.own(ctx, street.Host, o, log)
		if err != nil {
			return fmt.Errorf("measure %s: %w", o.name, err)
		}
		ways = append(ways, way{key: o.key, name: o.name, usage: used})
	}
	for _, rival := range []struct {
		key, name string
		measure   func(ctx context.Context, url string) (benchrig.Usage, error)
	}{
		{"frigate", "ffmpeg as Frigate calls it: 5 pictures a second, 640x360", c.frigate},
		{"gocv", "gocv.VideoCapture loop: every picture", c.capture},
	} {
		log.Info("measuring", "way", rival.name, "cameras", c.Rivals)
		used, err := c.several(ctx, street.Host, rival.measure)
		if err != nil {
			return fmt.Errorf("measure %s: %w", rival.name, err)
		}
		ways = append(ways, way{key: rival.key, name: rival.name, usage: used})
	}
	return c.print(ways)
}

func (c *benchCmd) worker(ctx context.Context, host string, s setting, cameras int) (benchrig.Usage, error) {
	args := []string{"worker", "--pace=" + s.pace.String(), "--keep=" + c.Keep.String(), "--during=" + c.During.String()}
	for i := range cameras {
		args = append(args, fmt.Sprintf("--main=rtsp://%s/%s/%d", host, s.main, i))
		if s.sub != "" {
			args = append(args, fmt.Sprintf("--sub=rtsp://%s/%s/%d", host, s.sub, i))
		}
	}
	var used benchrig.Usage
	err := benchrig.Ask(ctx, &used, args...)
	return used, err
}

// capture reads a camera as home-made systems do.
func (c *benchCmd) capture(ctx context.Context, url string) (benchrig.Usage, error) {
	var used benchrig.Usage
	err := benchrig.Ask(ctx, &used, "capture", "--url="+url, "--during="+c.During.String())
	return used, err
}

// frigate reads a camera with the command by which Frigate feeds its detector.
// Its start-up is measured too, as a part of the whole that grows smaller.
func (c *benchCmd) frigate(ctx context.Context, url string) (benchrig.Usage, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-v", "error", "-rtsp_transport", "tcp", "-i", url,
		"-r", "5", "-s", "640x360", "-f", "rawvideo", "-t", fmt.Sprint(c.During.Seconds()), "-pix_fmt", "yuv420p", "pipe:")
	var said bytes.Buffer
	cmd.Stderr = &said
	frames := &counter{}
	cmd.Stdout = frames
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return benchrig.Usage{}, fmt.Errorf("ffmpeg: %w: %s", err, strings.ReplaceAll(said.String(), url, "URL"))
	}
	used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return benchrig.Usage{}, errors.New("ffmpeg: the system does not tell its use")
	}
	return benchrig.Usage{
		Seconds: time.Since(began).Seconds(),
		CPU:     (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(),
		Bytes:   float64(used.Maxrss) * 1024,
		Looks:   float64(frames.bytes) / (640 * 360 * 1.5),
		Cameras: 1,
	}, nil
}

// counter counts what is written to it.
type counter struct{ bytes int }

func (c *counter) Write(p []byte) (int, error) { c.bytes += len(p); return len(p), nil }

// several runs one process for each camera, all at once, and adds them up.
func (c *benchCmd) several(ctx context.Context, host string, measure func(context.Context, string) (benchrig.Usage, error)) (benchrig.Usage, error) {
	type result struct {
		benchrig.Usage
		err error
	}
	results := make(chan result, c.Rivals)
	for i := range c.Rivals {
		go func() {
			used, err := measure(ctx, fmt.Sprintf("rtsp://%s:%s@%s/gop25/%d", benchrig.User, benchrig.Password, host, i))
			results <- result{used, err}
		}()
	}
	var sum benchrig.Usage
	var failed error
	for range c.Rivals {
		r := <-results
		failed = errors.Join(failed, r.err)
		sum.CPU += r.CPU
		sum.Bytes += r.Bytes
		sum.Looks += r.Looks
		sum.Cameras += r.Cameras
		sum.Seconds = max(sum.Seconds, r.Seconds)
	}
	return sum, failed
}

func (c *benchCmd) print(ways []way) error {
	fmt.Printf("%-58s %8s %12s %13s %10s %10s\n", "1080p25, 4 Mbit/s", "cameras", "CPU/camera", "cameras/core", "MB/camera", "looks/s")
	answer := map[string]float64{}
	for _, w := range ways {
		u := w.usage
		fmt.Printf("%-58s %8d %10.2f %% %13.1f %10.1f %10.2f\n", w.name, u.Cameras,
			100*u.CPUPerCamera(), u.CamerasPerCore(), u.Megabytes(), u.LooksPerSecond())
		answer[w.key+"_cameras_per_core"] = benchrig.Round(u.CamerasPerCore())
	}
	for _, w := range ways[:len(own)] {
		answer["mb_per_camera"] = max(answer["mb_per_camera"], benchrig.Round(w.usage.Megabytes()))
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
