package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/config"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/cmd/tidewatch/replay"
	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/enforce/written"
	"tidewatch/ingest/decode"
)

// replayCmd finds the stops in a video file.
type replayCmd struct {
	Video  string    `arg:"" help:"Video file."`
	FPS    float64   `default:"1" help:"Pictures looked at for each second of the video (${default}): the pace of a camera's key frames."`
	Config string    `short:"c" placeholder:"FILE" help:"Configuration: print only the stops in the zones of --camera, and judge them. Without it the whole picture is the zone and nothing is judged."`
	Camera string    `placeholder:"ID" help:"Camera of the configuration that the video stands for; not needed if there is only one."`
	At     time.Time `placeholder:"TIME" help:"Moment of the video's first picture, such as 2026-03-02T10:00:00+08:00, for judging. Without it the video begins now."`
	Truth  string    `placeholder:"FILE" type:"existingfile" help:"What people saw in the video: print how the stops compare."`
	Sheet  string    `placeholder:"FILE.jpg" help:"Write a picture that shows each stop at its start, middle and end, and with --truth those that were missed."`
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
	if c.Config != "" && (c.Truth != "" || c.Sheet != "") {
		return errors.New("--truth and --sheet go without --config: the truth has a zone of its own")
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
	film, err := c.truth()
	if err != nil {
		return err
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
	stops, err := replay.Film{Path: c.Video, FPS: c.FPS}.Stops(ctx, watcher, start, os.Stderr)
	if err != nil {
		return err
	}
	lines := printer{json.NewEncoder(os.Stdout), start, judge}
	n, err := lines.print(stops)
	fmt.Fprintf(os.Stderr, "stops printed: %d\n", n)
	return errors.Join(err, c.compare(film, lines, replay.Long(stops)))
}

// truth reads what people saw, and makes sure that it was in this video; nil if
// nothing is to be compared.
func (c *replayCmd) truth() (*truth.Film, error) {
	if c.Truth == "" {
		return nil, nil
	}
	data, err := written.Load(c.Truth)
	if err != nil {
		return nil, fmt.Errorf("read truth: %w", err)
	}
	film, err := truth.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read truth %s: %w", c.Truth, err)
	}
	file, err := decode.OpenFile(c.Video)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := film.Fits(file.Size().X, file.Size().Y, file.Duration().Seconds()); err != nil {
		return nil, fmt.Errorf("read truth %s: %w", c.Truth, err)
	}
	return &film, nil
}

// compare prints how the stops compare with the truth, and shows them.
func (c *replayCmd) compare(film *truth.Film, lines printer, stops []detect.Stop) error {
	score := truth.Score{}
	if film != nil {
		score = truth.Against(*film, lines.start, stops)
		if err := lines.compare(score); err != nil {
			return err
		}
	} else {
		for _, s := range stops {
			score.Lines = append(score.Lines, truth.Line{Found: &s})
		}
	}
	if c.Sheet == "" {
		return nil
	}
	if len(score.Lines) == 0 {
		fmt.Fprintln(os.Stderr, "no sheet is written: there is no stop to show")
		return nil
	}
	return c.writeSheet(lines.start, film != nil && film.Camera == truth.Carried, score)
}

// quiet drops what a watcher logs while it runs: a replay's stops are printed.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

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

	Queued [][2]float64 `json:"queued,omitempty"` // from, until: in a queue, which does not count

	Plate *string `json:"plate"` // null: unread
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
		if !replay.Told(s) || p.judge != nil && !p.judge.concerns(s) {
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
		Box: corners(s.Box),
	}
	for _, q := range s.Queued {
		line.Queued = append(line.Queued, [2]float64{p.seconds(q.From), p.seconds(q.Until)})
	}
	if s.Plate.Accepted {
		line.Plate = &s.Plate.Text
	}
	return line
}

func (p printer) seconds(t time.Time) float64 { return decimals(t.Sub(p.start).Seconds()) }
