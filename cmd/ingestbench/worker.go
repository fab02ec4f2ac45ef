package main

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/benchrig"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
)

// workerCmd takes in cameras as Tidewatch does, decodes the pictures that
// detection would look at, and measures itself.
type workerCmd struct {
	Main   []string      `help:"URLs of main streams."`
	Sub    []string      `help:"URLs of smaller streams, one for each main one, or none."`
	Pace   time.Duration `help:"Time wanted between two looks."`
	Keep   time.Duration `help:"Length of the rings."`
	During time.Duration `help:"How long to measure."`
}

// lookLimit is that of tidewatch run.
var lookLimit = image.Pt(1280, 1280)

// Run reports on stdout.
func (c *workerCmd) Run(ctx context.Context, log *slog.Logger) error {
	feed.CollectOften()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	registry := prometheus.NewRegistry()
	pool := decode.NewPool(runtime.NumCPU(), decode.NewMetrics(registry))
	metrics := feed.NewMetrics(registry)
	cfg := feed.DefaultConfig()
	cfg.Ring.Duration = c.Keep
	var looks atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	var feeds []*feed.Feed
	for i, url := range c.Main {
		sub := ""
		if len(c.Sub) > 0 {
			sub = c.Sub[i]
		}
		f := feed.New(benchrig.Camera(url, sub), cfg, metrics, log.With("camera", i), time.Now)
		f.Pace(c.Pace)
		feeds = append(feeds, f)
		group.Go(func() error { return f.Run(ctx) })
		group.Go(func() error { return look(ctx, f, pool, &looks) })
	}
	group.Go(func() error {
		defer cancel()
		if err := benchrig.Settled(ctx, feeds, c.Keep+time.Second); err != nil {
			return err
		}
		before := looks.Load()
		missing := benchrig.WatchHealth(ctx, feeds)
		used, err := benchrig.Measure(ctx, c.During)
		if err != nil {
			return err
		}
		used.Looks, used.Cameras, used.Missing = float64(looks.Load()-before), len(feeds), missing()
		return benchrig.Report(used)
	})
	err := group.Wait()
	if err := pool.Close(); err != nil {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// look decodes what comes, as a watcher would before it looks.
func look(ctx context.Context, f *feed.Feed, pool *decode.Pool, looks *atomic.Int64) error {
	for {
		next, err := f.Next(ctx)
		if err != nil {
			return err
		}
		picture, err := pool.DecodeWithin(ctx, next.Unit, lookLimit)
		if err != nil {
			return err
		}
		looks.Add(1)
		if err := picture.Close(); err != nil {
			return err
		}
	}
}
