package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"tidewatch/cmd/benchrig"
)

// benchCmd measures all ways, one after the other, against the same cameras.
type benchCmd struct {
	Cameras int           `default:"48" help:"Cameras at once."`
	Rivals  int           `default:"2" help:"Cameras at once for the usual way."`
	During  time.Duration `default:"40s" help:"How long to measure each way; a vehicle's arrival counts until ten seconds before the end."`
	Profile string        `type:"path" placeholder:"FILE" help:"Write the processor's profile of each way to FILE.WAY."`
	Only    []string      `placeholder:"WAY" help:"Measure only these ways."`
}

// setting is a way in which Tidewatch watches.
type setting struct {
	key, name  string
	sub        bool
	pace, gate bool
	wide       bool // the zone is most of the picture
	share      int  // one in so many cameras is watched: what costs more is measured on fewer
}

var own = []setting{
	{key: "dual", name: "smaller stream looked at", sub: true, pace: true, gate: true, share: 1},
	{key: "dual_wide", name: "the same, with a zone that is most of the picture", sub: true, pace: true, gate: true, wide: true, share: 1},
	{key: "dual_no_gate", name: "the same as the first, network run on each look", sub: true, pace: true, share: 1},
	{key: "dual_no_pace_no_gate", name: "the same, each key frame looked at", sub: true, share: 3},
	{key: "main", name: "main stream alone", pace: true, gate: true, share: 1},
	{key: "main_no_gate", name: "the same, network run on each look", pace: true, share: 1},
	{key: "main_no_pace_no_gate", name: "the same, each key frame looked at", share: 3},
}

// way is one way of watching, measured.
type way struct {
	key, name string
	result    result
}

// Run prints what it finds. Whatever it starts has ended when it returns.
func (c *benchCmd) Run(ctx context.Context, log *slog.Logger) error {
	videos, err := prepare(ctx, log)
	if err != nil {
		return err
	}
	street, err := benchrig.Serve(ctx, c.Cameras, length, videos)
	if err != nil {
		return err
	}
	defer street.Stop()
	var ways []way
	for _, s := range own {
		if !c.wanted(s.key) {
			continue
		}
		res, err := c.own(ctx, street, s, log)
		if err != nil {
			return fmt.Errorf("measure %s: %w", s.key, err)
		}
		ways = append(ways, way{s.key, s.name, res})
	}
	if c.wanted("usual") {
		log.Info("measuring", "way", "usual", "cameras", c.Rivals)
		res, err := c.usual(ctx, street)
		if err != nil {
			return fmt.Errorf("measure the usual way: %w", err)
		}
		ways = append(ways, way{"usual", "ffmpeg pipes 5 pictures a second, network run on each", res})
	}
	return c.print(ways)
}

func (c *benchCmd) wanted(key string) bool {
	for _, only := range c.Only {
		if only == key {
			return true
		}
	}
	return len(c.Only) == 0
}

// own measures Tidewatch. Where the machine, which plays the cameras as well,
// cannot keep up, what was measured is not what was asked for, and half as many
// cameras are tried.
func (c *benchCmd) own(ctx context.Context, street *benchrig.Street, s setting, log *slog.Logger) (result, error) {
	least := 0.2 // looks a second, as at rest
	if !s.pace {
		least = 0.9
	}
	for cameras := max(1, c.Cameras/s.share); cameras > 0; cameras /= 2 {
		log.Info("measuring", "way", s.key, "cameras", cameras)
		res, err := c.worker(ctx, street, s, cameras)
		if err != nil || res.Missing == 0 && res.LooksPerSecond() >= least {
			return res, err
		}
		log.Warn("this machine cannot feed so many", "cameras", cameras, "not_live", res.Missing, "looks_per_second", res.LooksPerSecond())
	}
	return result{}, errors.New("not even one camera is looked at as often as it should be")
}

func (c *benchCmd) worker(ctx context.Context, street *benchrig.Street, s setting, cameras int) (res result, err error) {
	args := []string{
		"worker", "--during=" + c.During.String(), fmt.Sprintf("--count=%d", c.Cameras), fmt.Sprintf("--began=%d", street.Began.UnixNano()),
		fmt.Sprintf("--pace=%t", s.pace), fmt.Sprintf("--gate=%t", s.gate), fmt.Sprintf("--wide=%t", s.wide),
	}
	if c.Profile != "" {
		args = append(args, "--cpu-profile="+c.Profile+"."+s.key)
	}
	for i := range cameras {
		at := i * c.Cameras / cameras // they are spread over the film
		args = append(args, fmt.Sprintf("--at=%d", at), fmt.Sprintf("--main=rtsp://%s/main/%d", street.Host, at))
		if s.sub {
			args = append(args, fmt.Sprintf("--sub=rtsp://%s/sub/%d", street.Host, at))
		}
	}
	err = benchrig.Ask(ctx, &res, args...)
	return res, err
}

// usual runs one process for each camera, all at once, and adds them up.
func (c *benchCmd) usual(ctx context.Context, street *benchrig.Street) (sum result, failed error) {
	type answer struct {
		res result
		err error
	}
	answers := make(chan answer, c.Rivals)
	for i := range c.Rivals {
		go func() {
			var a answer
			a.err = benchrig.Ask(ctx, &a.res, "usual", "--during="+c.During.String(),
				fmt.Sprintf("--url=rtsp://%s:%s@%s/main/%d", benchrig.User, benchrig.Password, street.Host, i))
			answers <- a
		}()
	}
	for range c.Rivals {
		a := <-answers
		failed = errors.Join(failed, a.err)
		sum.CPU += a.res.CPU
		sum.Bytes += a.res.Bytes
		sum.Looks += a.res.Looks
		sum.Inferences += a.res.Inferences
		sum.Cameras += a.res.Cameras
		sum.Seconds = max(sum.Seconds, a.res.Seconds)
	}
	return sum, failed
}

func (c *benchCmd) print(ways []way) error {
	fmt.Printf("%-54s %8s %11s %12s %10s %8s %8s  %s\n", fmt.Sprintf("1080p25, 4 Mbit/s; the kerb is %.0f %% of the picture", 100*kerb.Polygon.Bounds().Area()), "cameras", "CPU/camera", "cameras/core", "MB/camera", "looks/s", "runs/s", "seen in 10 s (slowest)")
	answer := map[string]float64{}
	for _, w := range ways {
		r := w.result
		seen := "-"
		if r.Arrivals > 0 {
			seen = fmt.Sprintf("%d of %d (%.1f s)", r.Seen, r.Arrivals, r.Slowest)
		}
		fmt.Printf("%-54s %8d %9.2f %% %12.1f %10.1f %8.2f %8.2f  %s\n", w.name, r.Cameras,
			100*r.CPUPerCamera(), r.CamerasPerCore(), r.Megabytes(), r.LooksPerSecond(), r.Inferences/r.Seconds/float64(r.Cameras), seen)
		answer[w.key+"_cameras_per_core"] = benchrig.Round(r.CamerasPerCore())
	}
	fmt.Printf("\n%-54s", "milliseconds of each camera's second")
	for _, s := range stageOrder {
		fmt.Printf(" %10s", s)
	}
	fmt.Println()
	for _, w := range ways {
		if w.result.Stages == nil {
			continue
		}
		fmt.Printf("%-54s", cmp.Or(w.name, w.key))
		for _, s := range stageOrder {
			fmt.Printf(" %10.2f", 1000*w.result.CPUPerCamera()*w.result.Stages[s])
			answer[w.key+"_"+string(s)+"_share"] = float64(int(1000*w.result.Stages[s])) / 1000
		}
		fmt.Println()
		answer[w.key+"_seen"], answer[w.key+"_arrivals"] = float64(w.result.Seen), float64(w.result.Arrivals)
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}
