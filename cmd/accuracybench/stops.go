package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/assets"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/cmd/tidewatch/replay"
	"tidewatch/cmd/tidewatch/truth"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
)

// truths is what people saw in each film, one file a film.
//
//go:embed truth/*.json
var truths embed.FS

// films reads all truths.
func films() ([]truth.Film, error) {
	names, err := fs.Glob(truths, "truth/*.json")
	if err != nil {
		return nil, err
	}
	var all []truth.Film
	for _, name := range names {
		data, err := truths.ReadFile(name)
		if err != nil {
			return nil, err
		}
		film, err := truth.Parse(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, film)
	}
	return all, nil
}

// stopsBench measures the stops and plates that replay finds in films.
type stopsBench struct {
	opts     options
	vehicles *model.Vehicles
	plates   *model.PlateReader
}

// measureStops finds the stops of all films that are there.
func measureStops(ctx context.Context, opts options, out io.Writer, answer map[string]float64) (err error) {
	b := stopsBench{opts: opts}
	if b.vehicles, err = networks.Vehicles(assets.Dir(opts.Assets)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.vehicles.Close()) }()
	if b.plates, err = networks.Plates(assets.Dir(opts.Assets)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.plates.Close()) }()
	all, err := films()
	if err != nil {
		return err
	}
	for i, rate := range opts.Rate {
		if len(opts.Rate) > 1 {
			fmt.Fprintf(out, "looks each second: %v\n", rate)
		}
		sums, err := b.measure(ctx, all, manner{rate: rate}, out)
		if err != nil {
			return err
		}
		total := sums[truth.Fixed].Add(sums[truth.Carried])
		if len(opts.Rate) > 1 {
			answer[fmt.Sprintf("stops_f1_at_%v", rate)] = total.F1()
		}
		if i == 0 {
			addTally(answer, total)
			answer["stops_f1_fixed"], answer["stops_f1_carried"] = sums[truth.Fixed].F1(), sums[truth.Carried].F1()
		}
	}
	fmt.Fprintln(out, "fixed cameras, watched as by a worker: at its pace, with a zone and the gate")
	all = slices.DeleteFunc(all, func(f truth.Film) bool { return f.Camera != truth.Fixed })
	sums, err := b.measure(ctx, all, manner{rate: opts.Rate[0], watched: true}, out)
	answer["stops_f1_watched"] = sums[truth.Fixed].F1()
	return err
}

// manner is how films are looked at.
type manner struct {
	rate    float64 // pictures each second
	watched bool    // of which only those are looked at that a worker would, and about a zone
}

// measure scores all films that are there, and sums them up by how the camera was
// held.
func (b stopsBench) measure(ctx context.Context, all []truth.Film, how manner, out io.Writer) (map[truth.Camera]truth.Tally, error) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "F1\tmatched\tmissed\tfalse\tdoubled\taside\tstart ±s\tend ±s\tplates right\twrong\tunread\tfilm\t")
	sums := map[truth.Camera]truth.Tally{}
	for _, film := range all {
		tally, err := b.film(ctx, film, how)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintln(os.Stderr, "accuracybench: not measured:", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		row(table, film.Clip, tally)
		sums[film.Camera] = sums[film.Camera].Add(tally)
	}
	row(table, "fixed cameras", sums[truth.Fixed])
	if !how.watched {
		row(table, "carried cameras", sums[truth.Carried])
		row(table, "all", sums[truth.Fixed].Add(sums[truth.Carried]))
	}
	return sums, table.Flush()
}

// film scores one film. What is watched is scored in the zone only.
func (b stopsBench) film(ctx context.Context, film truth.Film, how manner) (truth.Tally, error) {
	path, err := b.path(film.Clip)
	if err != nil {
		return truth.Tally{}, err
	}
	cfg, finder := watch.DefaultConfig(), watch.Vehicles(b.vehicles)
	if how.watched {
		film.Zone = kerb(film)
		area := film.Zone.Polygon.Bounds()
		cfg.Areas, cfg.Zones = []detect.Box{area}, enforce.Layout([]enforce.Zone{film.Zone})
		finder = b.vehicles.Camera(model.Zone{ID: film.Zone.ID, Box: area})
	}
	watcher, err := watch.New(cfg, "bench", finder, b.plates, nil,
		slog.New(slog.DiscardHandler), watch.NewMetrics(prometheus.NewRegistry()))
	if err != nil {
		return truth.Tally{}, err
	}
	start := time.Unix(0, 0)
	found, err := replay.Film{Path: path, FPS: how.rate, Paced: how.watched}.Stops(ctx, watcher, start, io.Discard)
	if err != nil {
		return truth.Tally{}, err
	}
	return truth.Against(film, start, replay.Long(found)).Tally(), nil
}

// kerb is a zone around all vehicles that are counted in a film; in one without,
// in the middle of the picture.
func kerb(film truth.Film) enforce.Zone {
	area := detect.Box{}
	for _, s := range film.Stops {
		switch {
		case s.Ignore:
		case area.Area() == 0:
			area = s.Box
		default:
			area = area.Union(s.Box)
		}
	}
	if area.Area() == 0 {
		area = detect.Box{X: 0.3, Y: 0.3, W: 0.4, H: 0.4}
	}
	left, top, right, bottom := area.X, area.Y, area.X+area.W, area.Y+area.H
	return enforce.Zone{ID: "kerb", Polygon: enforce.Polygon{{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}}}
}

// path finds a film among what came with packages, or in the folder of films.
func (b stopsBench) path(clip string) (string, error) {
	dir := assets.Dir(b.opts.Assets)
	if dir == "" {
		var err error
		if dir, err = assets.Default(); err != nil {
			return "", err
		}
	}
	if path, err := dir.Footage(clip); err == nil {
		return path, nil
	}
	path := filepath.Join(b.opts.Footage, clip)
	_, err := os.Stat(path)
	return path, err
}

func row(out io.Writer, name string, t truth.Tally) {
	fmt.Fprintf(out, "%.3f\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%d\t%d\t%d\t%s\t\n", t.F1(), t.Matched, t.Missed, t.False, t.Doubled, t.Aside,
		truth.Median(t.StartErrors).Seconds(), truth.Median(t.EndErrors).Seconds(), t.PlatesRight, t.PlatesWrong, t.PlatesUnread, name)
}

func addTally(answer map[string]float64, t truth.Tally) {
	answer["stops_f1"] = t.F1()
	answer["stops_matched"] = float64(t.Matched)
	answer["stops_missed"] = float64(t.Missed)
	answer["stops_false"] = float64(t.False)
	answer["stops_doubled"] = float64(t.Doubled)
	answer["stops_start_error_s"] = truth.Median(t.StartErrors).Seconds()
	answer["stops_end_error_s"] = truth.Median(t.EndErrors).Seconds()
	answer["stops_plates_right"] = float64(t.PlatesRight)
	answer["stops_plates_wrong"] = float64(t.PlatesWrong)
	answer["stops_plates_unread"] = float64(t.PlatesUnread)
}
