package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/benchrig"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
	"tidewatch/ingest/feed"
	"tidewatch/ingest/simcam"
)

// result is what became of one stream.
type result struct {
	name, encoder         string
	pictures, keys, clips int
	live, stored, exact   bool
	left                  string // why it is no stream to send; empty for one that was
	remark                string // on what it is compared with
	notes                 []string
}

// wrong notes what is not as it should be.
func (r *result) wrong(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

func (r *result) note() string { return strings.Join(r.notes, "; ") }

// trial is one stream on its way through a camera.
type trial struct {
	source
	stream *simcam.Stream
	hashes []string // of the pictures as FFmpeg decodes the source, in the order of showing
	feed   *feed.Feed
	first  int    // place of the first picture: what comes before cannot be decoded
	folder string // for its clips and units
	result result
}

// shortest is how long a stream is looked at, at least: shorter ones are repeated.
const shortest = 2 * time.Second

// times is how often the stream is repeated in what is looked at.
func (t *trial) times() int {
	if t.first > 0 { // at its end its beginning would come again
		return 1
	}
	return int((shortest-1)/t.length()) + 1
}

// length is of the stream, played once.
func (t *trial) length() time.Duration { return time.Duration(len(t.stream.Units)) * t.stream.Interval }

// atOnce is how many streams are played at the same time, so that a busy machine
// keeps up with them.
const atOnce = 12

// compare sends all streams through cameras, some at once, each in its own time,
// and then compares. With results comes an error if streams could not be made.
func compare(ctx context.Context, sources []source, folder string, log *slog.Logger) ([]result, error) {
	trials, unmade := prepare(ctx, sources, folder)
	sent := slices.DeleteFunc(slices.Clone(trials), func(t *trial) bool { return t.result.left != "" })
	for some := range slices.Chunk(sent, atOnce) {
		if err := play(ctx, some, log); err != nil {
			return nil, err
		}
		for _, t := range some {
			if err := t.judge(ctx); err != nil {
				return nil, fmt.Errorf("compare %s: %w", t.name, err)
			}
			t.feed = nil // and all that it holds
			log.Info("compared", "stream", t.name, "as_sent", t.result.live && t.result.stored && t.result.exact, "why", t.result.note())
		}
	}
	var results []result
	for _, t := range trials {
		results = append(results, t.result)
	}
	return results, unmade
}

// prepare makes all streams, or says why one cannot be made.
func prepare(ctx context.Context, sources []source, folder string) ([]*trial, error) {
	var trials []*trial
	var making errgroup.Group
	making.SetLimit(runtime.NumCPU())
	faults := make([]error, len(sources))
	for i, s := range sources {
		t := &trial{source: s, folder: filepath.Join(folder, s.name), result: result{name: s.name, encoder: s.encoder}}
		trials = append(trials, t)
		making.Go(func() error {
			if err := t.prepare(ctx); err != nil {
				faults[i] = fmt.Errorf("make %s: %w", s.name, err)
				t.result.left = "it could not be made"
			}
			return nil
		})
	}
	_ = making.Wait() // what went wrong is in faults
	return trials, errors.Join(faults...)
}

// prepare makes the stream and has FFmpeg decode it.
func (t *trial) prepare(ctx context.Context) error {
	if err := os.MkdirAll(t.folder, 0o750); err != nil {
		return err
	}
	path, err := t.make(ctx, t.folder)
	if err != nil {
		return err
	}
	t.hashes, err = pictures(ctx, path)
	if t.foreign && len(t.hashes) == 0 { // some hold nothing but parameter sets
		t.result.left = "FFmpeg decodes no picture of it"
		return nil
	}
	if err != nil {
		return err
	}
	if t.stream, err = simcam.ReadStream(ctx, path, t.codec, t.interval()); err != nil {
		return err
	}
	t.stream.Sets = t.sets
	t.stream.Interval = max(t.stream.Interval, time.Duration(t.stream.Mean())*time.Second/largestRate)
	t.result.pictures = len(t.hashes)
	t.result.remark = t.remark
	shown := 0
	for _, unit := range t.stream.Units {
		if unit.Shows {
			shown++
		} else if shown == 0 {
			t.first++
		}
	}
	if shown != len(t.hashes) {
		return fmt.Errorf("ffprobe shows %d pictures, ffmpeg %d", shown, len(t.hashes))
	}
	return nil
}

// largestRate is the most that a stream sends, in bytes a second: what is larger is
// sent more slowly.
const largestRate = 2_000_000

// play plays all streams from their beginnings, and returns when each has been
// taken in.
func play(ctx context.Context, trials []*trial, log *slog.Logger) error {
	if len(trials) == 0 {
		return nil
	}
	cfg := simcam.Config{Listen: "127.0.0.1:0", Username: benchrig.User, Password: benchrig.Password}
	for _, t := range trials {
		cfg.Cameras = append(cfg.Cameras, simcam.Camera{Path: t.name, Stream: t.stream})
	}
	server := simcam.New(cfg, slog.New(slog.DiscardHandler))
	if err := server.Start(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	metrics := feed.NewMetrics(prometheus.NewRegistry())
	for _, t := range trials {
		camera := benchrig.Camera(server.URL(t.name), "")
		camera.ClockTolerance = time.Hour // a busy machine is no fault of the stream
		t.feed = feed.New(camera, everything(), metrics, log.With("camera", t.name), time.Now)
		group.Go(func() error { return t.feed.Run(ctx) })
	}
	group.Go(func() error {
		// The cameras begin when all are watched, so that each is seen from its
		// first picture on.
		for _, t := range trials {
			for server.Feed(t.name).Watchers() == 0 {
				if err := benchrig.Sleep(ctx, 10*time.Millisecond); err != nil {
					return err
				}
			}
		}
		return server.Run(ctx)
	})
	group.Go(func() error {
		defer stop()
		return takeIn(ctx, trials)
	})
	if err := group.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// everything is a feed that lets go of nothing, and of no connection either
// while a busy machine is about to play.
func everything() feed.Config {
	cfg := feed.DefaultConfig()
	cfg.Ring.Duration, cfg.Ring.Bytes = time.Hour, 1<<30
	cfg.RTSP.AnswerTimeout, cfg.RTSP.UnitTimeout, cfg.RTSP.KeyTimeout = patience, patience, patience
	return cfg
}

// patience is how much longer than its length a stream may take to come.
const patience = 3 * time.Minute

// takeIn waits until each stream has come, or should have.
func takeIn(ctx context.Context, trials []*trial) error {
	began := time.Now()
	for _, t := range trials {
		length := time.Duration(t.times()) * t.length()
		for t.feed.Ring().Span() <= length+2*t.stream.Interval {
			if time.Since(began) > length+patience {
				break // what came is compared, and falls short
			}
			if err := benchrig.Sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
		health := t.feed.Health()
		if t.result.live = health.State == ingest.Live; !t.result.live {
			t.result.wrong("%s: %s", health.State, health.Cause.Code)
		}
	}
	return nil
}

// alone decodes as evidence is decoded before it is kept.
var alone = decode.Alone{Metrics: decode.NewMetrics(prometheus.NewRegistry())}
