package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/benchrig"
	"tidewatch/cmd/tidewatch/networks"
	"tidewatch/detect"
	"tidewatch/detect/model"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/ring"
)

// workerCmd watches cameras as tidewatch run does, up to the judgement, and
// measures itself.
type workerCmd struct {
	Main   []string      `help:"URLs of main streams."`
	Sub    []string      `help:"URLs of smaller streams, one for each main one, or none."`
	At     []int         `help:"Which of the cameras that play each of them is."`
	Count  int           `help:"Cameras that play, over which the films are spread."`
	Began  int64         `help:"When the first of them began its film, in nanoseconds since 1970."`
	Pace   bool          `negatable:"" default:"true" help:"Look less often while nothing changes."`
	Wide   bool          `help:"Watch most of the picture, not only the kerb."`
	Gate   bool          `negatable:"" default:"true" help:"Spare the network pictures in which nothing has moved."`
	During time.Duration `help:"How long to measure."`
	CPU    string        `name:"cpu-profile" help:"Write the profile of the processor here."`
}

// result is what a way has used, and what it has seen.
type result struct {
	benchrig.Usage
	Inferences float64           `json:"inferences"` // runs of the vehicle network
	Stages     map[stage]float64 `json:"stages"`     // share of the time on processors
	Arrivals   int               `json:"arrivals"`   // vehicles that came to stand, early enough to be seen
	Seen       int               `json:"seen"`       // of them, those seen to stand within patience
	Slowest    float64           `json:"slowest"`    // seconds from an arrival until it was seen
}

const (
	keep = 10 * time.Second // of encoded video, as in ingestbench
	// patience is how soon after its arrival a vehicle must be seen to stand.
	patience = 10 * time.Second
)

// lookLimit is that of tidewatch run.
var lookLimit = image.Pt(1280, 1280)

// worker is what the cameras of a worker share.
type worker struct {
	cmd      *workerCmd
	decoders *decode.Pool
	vehicles *model.Vehicles
	plates   *model.PlateReader
	policy   enforce.Policy
	watching *watch.Metrics
	feeding  *feed.Metrics
	registry *prometheus.Registry

	mu   sync.Mutex
	took []opening
}

// opening is a stop that was told for the first time.
type opening struct {
	camera int
	at     time.Time
}

// Run reports on stdout.
func (c *workerCmd) Run(ctx context.Context, log *slog.Logger) (err error) {
	feed.CollectOften()
	w, closers, err := c.open()
	defer func() {
		for _, closer := range closers {
			err = errors.Join(err, closer())
		}
	}()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	var feeds []*feed.Feed
	for i := range c.Main {
		cam, err := w.camera(i, log.With("camera", i))
		if err != nil {
			return err
		}
		feeds = append(feeds, cam.feed)
		group.Go(func() error { return cam.feed.Run(ctx) })
		group.Go(func() error { return cam.look(ctx) })
	}
	group.Go(func() error {
		defer cancel()
		return w.measure(ctx, feeds)
	})
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (c *workerCmd) open() (w *worker, closers []func() error, err error) {
	registry := prometheus.NewRegistry()
	w = &worker{cmd: c, registry: registry, watching: watch.NewMetrics(registry), feeding: feed.NewMetrics(registry)}
	if w.vehicles, err = networks.Vehicles(""); err != nil {
		return nil, nil, err
	}
	closers = append(closers, w.vehicles.Close)
	if w.plates, err = networks.Plates(""); err != nil {
		return nil, closers, err
	}
	closers = append(closers, w.plates.Close)
	w.decoders = decode.NewPool(runtime.NumCPU(), decode.NewMetrics(registry))
	closers = append(closers, w.decoders.Close)
	w.policy = enforce.NewPolicy(enforce.RoadSection{ID: kerb.Section, Location: time.UTC, ObservationPeriod: 5 * time.Minute})
	return w, closers, nil
}

// camera is one camera of the worker.
type camera struct {
	*worker
	number  int
	feed    *feed.Feed
	watcher *watch.Watcher
	limit   image.Point
	known   map[string]bool // stops told
}

func (w *worker) camera(i int, log *slog.Logger) (*camera, error) {
	sub := ""
	if len(w.cmd.Sub) > 0 {
		sub = w.cmd.Sub[i]
	}
	config := feed.DefaultConfig()
	config.Ring.Duration = keep
	cam := &camera{worker: w, number: i, limit: lookLimit, known: map[string]bool{}}
	cam.feed = feed.New(benchrig.Camera(w.cmd.Main[i], sub), config, w.feeding, log, time.Now)
	watching := watch.DefaultConfig()
	zone := kerb
	if w.cmd.Wide {
		zone = road
	}
	watching.Areas = []detect.Box{zone.Polygon.Bounds()}
	watching.Zones = enforce.Layout([]enforce.Zone{zone})
	watching.Past = past{cam.feed.Ring()}
	if !w.cmd.Gate {
		watching.Verify = 0
	}
	finder := w.vehicles.Camera(model.Zone{ID: zone.ID, Box: zone.Polygon.Bounds(), Height: vehicleHeight})
	var err error
	cam.watcher, err = watch.New(watching, fmt.Sprint(i), finder, w.plates, w.decoders, log, w.watching)
	return cam, err
}

// past is that of tidewatch run.
type past struct{ ring *ring.Ring }

// Before implements watch.Past.
func (p past) Before(at time.Time) []detect.Shot {
	var shots []detect.Shot
	for _, u := range p.ring.KeyUnitsBefore(at) {
		shots = append(shots, detect.Shot{At: u.Moment(), Unit: u})
	}
	return shots
}

// look is the loop of tidewatch run's cameras.
func (c *camera) look(ctx context.Context) error {
	for {
		look, err := c.feed.Next(ctx)
		if err != nil {
			return err
		}
		if err := c.lookAt(ctx, look); err != nil {
			return err
		}
	}
}

func (c *camera) lookAt(ctx context.Context, look feed.Look) error {
	pic, err := c.decoders.DecodeWithin(ctx, look.Unit, c.limit)
	if err != nil {
		return err
	}
	defer pic.Close()
	if look.Unit.Stream == ingest.Sub {
		c.limit = pic.Size()
	}
	shot := detect.Shot{}
	if look.Shown != nil {
		shot = detect.Shot{At: look.Shown.Moment(), Unit: look.Shown}
	}
	stops, err := c.watcher.Look(ctx, look.Unit.Moment(), pic, shot)
	if err != nil {
		return err
	}
	if c.cmd.Pace {
		c.feed.Pace(c.watcher.Pace())
	}
	for _, s := range stops {
		if kerb.Concerns(s.Class) && kerb.Holds(s.Box) {
			c.policy.Judge(s, kerb)
			c.tell(s)
		}
	}
	c.watcher.Settle()
	return nil
}

// tell notes a stop that is told for the first time.
func (c *camera) tell(s detect.Stop) {
	if c.known[s.ID] {
		return
	}
	c.known[s.ID] = true
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, opening{c.number, time.Now()})
}

// settle is how long the worker runs before it is measured: vehicles that
// stand from the beginning are then known.
const settle = 25 * time.Second

func (w *worker) measure(ctx context.Context, feeds []*feed.Feed) error {
	if err := benchrig.Settled(ctx, feeds, settle); err != nil {
		return err
	}
	looks, inferences := w.counts()
	missing := benchrig.WatchHealth(ctx, feeds)
	var profile bytes.Buffer
	if err := pprof.StartCPUProfile(&profile); err != nil {
		return err
	}
	from := time.Now()
	used, err := benchrig.Measure(ctx, w.cmd.During)
	pprof.StopCPUProfile()
	if err != nil {
		return err
	}
	if w.cmd.CPU != "" {
		if err := os.WriteFile(w.cmd.CPU, profile.Bytes(), 0o600); err != nil {
			return err
		}
	}
	res := result{Usage: used}
	res.Cameras, res.Missing = len(feeds), missing()
	looksAfter, inferencesAfter := w.counts()
	res.Looks, res.Inferences = looksAfter-looks, inferencesAfter-inferences
	if res.Stages, err = stages(profile.Bytes()); err != nil {
		return err
	}
	w.arrivals(&res, from, time.Now().Add(-patience))
	return benchrig.Report(res)
}

// counts are the looks so far and those of them for which the network was run.
func (w *worker) counts() (looks, inferences float64) {
	families, err := w.registry.Gather()
	if err != nil {
		panic(err) // of metrics that this program registered
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "tidewatch_detect_looks_total":
				looks += m.GetCounter().GetValue()
			case "tidewatch_detect_inference_seconds":
				inferences += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return looks, inferences
}

// arrivals counts the vehicles that came between two moments, and how soon they
// were seen to stand.
func (w *worker) arrivals(res *result, from, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for camera, at := range w.cmd.At {
		came := time.Unix(0, w.cmd.Began).Add(benchrig.Phase(at, w.cmd.Count, length) - length + arrival)
		for ; came.Before(until); came = came.Add(length) {
			if came.Before(from) {
				continue
			}
			res.Arrivals += vehicles
			for _, o := range w.took {
				if after := o.at.Sub(came); o.camera == camera && after >= 0 && after < length-arrival {
					res.Slowest = max(res.Slowest, after.Seconds())
					if after <= patience {
						res.Seen++
					}
				}
			}
		}
	}
}
