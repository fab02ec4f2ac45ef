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
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/ingest/decode"
)

// replayCmd finds the stops in a video file.
type replayCmd struct {
	Video  string    `arg:"" help:"Video file."`
	FPS    float64   `default:"1" help:"Pictures looked at for each second of the video (${default}): the pace of a camera's key frames."`
	Config string    `short:"c" placeholder:"FILE" help:"Configuration: print only the stops in the zones of --camera, and judge them. Without it the whole picture is the zone and nothing is judged."`
	Camera string    `placeholder:"ID" help:"Camera of the configuration that the video stands for; not needed if there is only one."`
	At     time.Time `placeholder:"TIME" help:"Moment of the video's first picture, such as 2026-03-02T10:00:00+08:00, for judging. Without it the video begins now."`
	Assets string    `placeholder:"DIR" help:"Folder with the libraries and models that set-up brought; without it TIDEWATCH_ASSETS or the user's cache."`
}

// Validate is called by the command line's parser.
func (c *replayCmd) Validate() error {
	if !(c.FPS > 0 && c.FPS <= 1000) {
		return errors.New("--fps must be more than 0 and at most 1000")
	}
	if c.Config == "" && (c.Camera != "" || !c.At.IsZero()) {
		return errors.New("--camera and --at go with --config")
	}
	return nil
}

// Run prints a line for each stop on stdout, in order of start, once the video
// has been seen; with a configuration, each suspected violation follows its
// stop.
func (c *replayCmd) Run(ctx context.Context) (err error) {
	var judge *bench
	if c.Config != "" {
		if judge, err = openBench(c.Config, c.Camera); err != nil {
			return err
		}
	}
	detector := config.Detector{Family: model.DefaultFamily}
	if judge != nil {
		detector = judge.detector
	}
	vehicles, err := networks.Detector(assets.Dir(c.Assets), detector.Family, detector.Model, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, vehicles.Close()) }()
	plates, err := networks.Plates(assets.Dir(c.Assets))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plates.Close()) }()
	watcher, err := watch.New(watch.DefaultConfig(), "replay", vehicles, plates, nil, quiet(), watch.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		return err
	}
	start := c.At
	if start.IsZero() {
		start = time.Now()
	}
	stops, err := c.replay(ctx, watcher, start, os.Stderr)
	if err != nil {
		return err
	}
	n, err := printer{json.NewEncoder(os.Stdout), start, judge}.print(stops)
	fmt.Fprintf(os.Stderr, "stops printed: %d\n", n)
	return err
}

// quiet drops what a watcher logs while it runs: a replay's stops are printed.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// progressEvery is how much video lies between two lines of progress.
const progressEvery = 10 * time.Second

// replay looks at the whole file and returns its stops, those that last to the
// end too, in order of their start.
func (c *replayCmd) replay(ctx context.Context, watcher *watch.Watcher, start time.Time, progress io.Writer) ([]detect.Stop, error) {
	file, err := decode.OpenFile(c.Video)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	stops := map[string]detect.Stop{}
	nextNews := progressEvery
	for look, err := range file.Looks(c.FPS) {
		if err != nil {
			return nil, err
		}
		seen, err := watcher.Look(ctx, start.Add(look.At), look.Picture, detect.Shot{At: start.Add(look.At)})
		if err := errors.Join(err, look.Picture.Close(), ctx.Err()); err != nil {
			return nil, err
		}
		for _, s := range seen {
			stops[s.ID] = s
		}
		watcher.Settle()
		if look.At >= nextNews {
			fmt.Fprintf(progress, "%s of %s\n", look.At.Truncate(time.Second), file.Duration().Truncate(time.Second))
			nextNews += progressEvery
		}
	}
	var all []detect.Stop
	for _, s := range stops {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b detect.Stop) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Box.X, b.Box.X), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// shortestStop is the least dwell worth a line.
const shortestStop = 3 * time.Second

// printer writes stops, and what the judge makes of them, as JSON lines.
type printer struct {
	lines *json.Encoder
	start time.Time
	judge *bench // nil: the whole picture is the zone and nothing is judged
}

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

// violationLine is what is printed of one suspected violation.
type violationLine struct {
	Type    string           `json:"type"`
	Section string           `json:"section"`
	Zone    string           `json:"zone"`
	Class   detect.Class     `json:"class"`
	Since   float64          `json:"since"`
	Due     float64          `json:"due"`
	Reasons []enforce.Reason `json:"reasons"`
}

func (p printer) print(stops []detect.Stop) (n int, err error) {
	for _, s := range stops {
		if s.Dwell() < shortestStop || p.judge != nil && !p.judge.concerns(s) {
			continue
		}
		if err := p.lines.Encode(p.stop(s)); err != nil {
			return n, fmt.Errorf("print stops: %w", err)
		}
		n++
		if p.judge == nil {
			continue
		}
		for zone, verdict := range p.judge.suspects(s) {
			line := violationLine{
				"violation", zone.Section, zone.ID, s.Class,
				p.seconds(verdict.Since), p.seconds(verdict.Due), verdict.Reasons,
			}
			if err := p.lines.Encode(line); err != nil {
				return n, fmt.Errorf("print violations: %w", err)
			}
		}
	}
	return n, nil
}

func (p printer) stop(s detect.Stop) stopLine {
	line := stopLine{
		Type: "stop", Class: s.Class, Looks: s.Looks, Start: p.seconds(s.Start), End: p.seconds(s.End),
		Box: [4]float64{decimals(s.Box.X), decimals(s.Box.Y), decimals(s.Box.W), decimals(s.Box.H)},
	}
	if s.Plate.Accepted {
		line.Plate = &s.Plate.Text
	}
	return line
}

func (p printer) seconds(t time.Time) float64 { return decimals(t.Sub(p.start).Seconds()) }
