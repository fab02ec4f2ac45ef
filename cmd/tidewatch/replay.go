package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/ingest/decode"
)

// replayCmd finds the stops in a video file.
type replayCmd struct {
	Video  string  `arg:"" help:"Video file."`
	FPS    float64 `default:"1" help:"Pictures looked at for each second of the video (${default}): the pace of a camera's key frames."`
	Assets string  `placeholder:"DIR" help:"Folder with the libraries and models that set-up brought; without it TIDEWATCH_ASSETS or the user's cache."`
}

// Validate is called by the command line's parser.
func (c *replayCmd) Validate() error {
	if !(c.FPS > 0 && c.FPS <= 1000) {
		return errors.New("--fps must be more than 0 and at most 1000")
	}
	return nil
}

// Run prints a line for each stop on stdout, in order of start, once the video
// has been seen.
func (c *replayCmd) Run(ctx context.Context, log *slog.Logger) error {
	vehicles, err := openVehicles(assets.Dir(c.Assets))
	if err != nil {
		return err
	}
	plates, err := openPlateReader(assets.Dir(c.Assets))
	if err != nil {
		return errors.Join(err, vehicles.Close())
	}
	watcher, err := watch.New(watch.DefaultConfig(), "replay", vehicles, plates, nil, quiet(), watch.NewMetrics(prometheus.NewRegistry()))
	if err == nil {
		err = c.replay(ctx, watcher, os.Stdout, os.Stderr)
	}
	return errors.Join(err, plates.Close(), vehicles.Close())
}

// quiet drops what a watcher logs while it runs: a replay's stops are printed.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openVehicles(dir assets.Dir) (*model.Vehicles, error) {
	if dir == "" {
		var err error
		if dir, err = assets.Default(); err != nil {
			return nil, err
		}
	}
	library, err := dir.Library(onnxRuntime)
	if err != nil {
		return nil, err
	}
	if err := model.Open(library); err != nil {
		return nil, err
	}
	path, err := dir.Model("yolox_nano.onnx")
	if err != nil {
		return nil, err
	}
	return model.NewVehicles(path)
}

// shortestStop is the least dwell worth a line.
const shortestStop = 3 * time.Second

// stopLine is what is printed of one stop. Times are seconds from the clip's
// start, the box is relative to the picture.
type stopLine struct {
	Type  string       `json:"type"`
	Class detect.Class `json:"class"`
	Start float64      `json:"start"`
	End   float64      `json:"end"`
	Box   [4]float64   `json:"box"`
	Looks int          `json:"looks"`
	Plate *string      `json:"plate"` // null: unread
}

func (c *replayCmd) replay(ctx context.Context, watcher *watch.Watcher, out, progress io.Writer) error {
	file, err := decode.OpenFile(c.Video)
	if err != nil {
		return err
	}
	defer file.Close()
	stops := map[string]detect.Stop{}
	nextNews := progressEvery
	for look, err := range file.Looks(c.FPS) {
		if err != nil {
			return err
		}
		seen, err := watcher.Look(ctx, clipStart.Add(look.At), look.Picture, nil)
		if err := errors.Join(err, look.Picture.Close(), ctx.Err()); err != nil {
			return err
		}
		for _, s := range seen {
			stops[s.ID] = s
		}
		if look.At >= nextNews {
			fmt.Fprintf(progress, "%s of %s\n", look.At.Truncate(time.Second), file.Duration().Truncate(time.Second))
			nextNews += progressEvery
		}
	}
	return printStops(stops, out)
}

const progressEvery = 10 * time.Second

// clipStart stands for the moment of a clip's first picture.
var clipStart = time.Unix(0, 0).UTC()

func printStops(stops map[string]detect.Stop, out io.Writer) error {
	var long []detect.Stop
	for _, s := range stops {
		if s.Dwell() >= shortestStop {
			long = append(long, s)
		}
	}
	slices.SortFunc(long, func(a, b detect.Stop) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Box.X, b.Box.X), cmp.Compare(a.ID, b.ID))
	})
	lines := json.NewEncoder(out)
	for _, s := range long {
		if err := lines.Encode(newStopLine(s)); err != nil {
			return fmt.Errorf("print stops: %w", err)
		}
	}
	return nil
}

func newStopLine(s detect.Stop) stopLine {
	line := stopLine{
		Type: "stop", Class: s.Class, Looks: s.Looks,
		Start: decimals(s.Start.Sub(clipStart).Seconds()), End: decimals(s.End.Sub(clipStart).Seconds()),
		Box: [4]float64{decimals(s.Box.X), decimals(s.Box.Y), decimals(s.Box.W), decimals(s.Box.H)},
	}
	if s.Plate.Accepted {
		line.Plate = &s.Plate.Text
	}
	return line
}
