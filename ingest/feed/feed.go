// Package feed is one camera's way from its streams to the pictures that are
// looked at: connections that are kept up, the ring of the last seconds, the
// newest key unit, and what is wrong with any of it.
//
// A camera may have two streams of one picture. The smaller one is then looked
// at, and the main one only fills the ring: evidence and plates are decoded
// from it when they are needed. Without a smaller stream, or while it is away,
// the main one serves both.
package feed

import (
	"context"
	"log/slog"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/ingest"
	"tidewatch/ingest/ring"
	"tidewatch/ingest/rtsp"
	"tidewatch/rescue"
)

// CollectOften has the runtime collect garbage when memory has grown by a
// quarter, unless GOGC says otherwise. Nine tenths of what is in use is encoded
// video, in which there is nothing to search, so that this costs little and saves
// much of what the rings fill: of a camera of 4 Mbit/s 1.7 MB less than at 50.
func CollectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(25)
	}
}

// Config of a feed.
type Config struct {
	RTSP       rtsp.Config
	Supervisor ingest.SupervisorConfig
	Ring       ring.Config
	Inspector  ingest.InspectorConfig
	ClockSpan  time.Duration // see ingest.NewClock
}

// DefaultConfig suits cameras on a city's network.
func DefaultConfig() Config {
	return Config{
		RTSP: rtsp.DefaultConfig(), Supervisor: ingest.DefaultSupervisorConfig(), Ring: ring.DefaultConfig(),
		Inspector: ingest.DefaultInspectorConfig(), ClockSpan: ingest.ClockSpan,
	}
}

// Metrics of all feeds.
type Metrics struct {
	ingest *ingest.Metrics
	rtsp   *rtsp.Metrics
	ring   *ring.Metrics
}

// NewMetrics registers the metrics of this package and of those that it joins.
// It panics if they are registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	return &Metrics{ingest: ingest.NewMetrics(reg), rtsp: rtsp.NewMetrics(reg), ring: ring.NewMetrics(reg)}
}

// Monitor returns a monitor for a camera that has no feed just now.
func (m *Metrics) Monitor(camera string, log *slog.Logger, now func() time.Time) *ingest.Monitor {
	return ingest.NewMonitor(m.ingest.Camera(camera), log, now)
}

// Feed is one camera's. Next and Pace are for one goroutine, the rest is safe
// for concurrent use.
type Feed struct {
	camera  ingest.Camera
	now     func() time.Time
	metrics ingest.CameraMetrics
	monitor *ingest.Monitor
	ring    *ring.Ring
	latest  *ingest.Latest

	main, sub *stream // sub is nil without one
	inspector *ingest.Inspector
	pause     atomic.Int64              // nanoseconds wanted between looks
	offered   atomic.Pointer[time.Time] // arrival of the newest unit to look at

	newest    atomic.Pointer[ingest.Unit] // whole key unit of the main stream
	newestSub atomic.Pointer[ingest.Unit] // and of the smaller one
}

// stream is one connection that is kept up.
type stream struct {
	source     ingest.Source
	supervisor *ingest.Supervisor
	clock      *ingest.Clock
	arrived    atomic.Pointer[time.Time] // when its newest key unit did; of the smaller one
	passed     atomic.Pointer[time.Time] // over until then: what it sends is of no use
}

// New returns the feed of a camera; log should carry the camera's ID. Nothing
// is pulled before Run.
func New(camera ingest.Camera, cfg Config, metrics *Metrics, log *slog.Logger, now func() time.Time) *Feed {
	cfg.Ring.Tolerance = camera.ClockTolerance // clips are cut by the camera's clock
	of := metrics.ingest.Camera(camera.ID)
	f := &Feed{
		camera: camera, now: now, metrics: of,
		monitor: ingest.NewMonitor(of, log, now),
		ring:    ring.New(cfg.Ring, metrics.ring.Camera(camera.ID)),
		latest:  ingest.NewLatest(),
	}
	open := func(which ingest.Stream) *stream {
		return &stream{
			source: rtsp.New(camera, which, cfg.RTSP, metrics.rtsp.Stream(camera.ID, which), now),
			supervisor: ingest.NewSupervisor(cfg.Supervisor, which, f.monitor,
				metrics.ingest.Stream(camera.ID, which), now),
			clock: ingest.NewClock(cfg.ClockSpan),
		}
	}
	f.inspector = ingest.NewInspector(cfg.Inspector, camera, f.monitor)
	f.main = open(ingest.Main)
	if camera.SubURL != "" {
		f.sub = open(ingest.Sub)
	}
	return f
}

// Run pulls the camera's streams until ctx is done, and returns ctx's error. A
// panic on the way of a unit is returned before; the feed is of no use after it.
func (f *Feed) Run(ctx context.Context) error {
	if f.sub != nil {
		now := f.now()
		f.sub.arrived.Store(&now) // it has its patience from now; the main stream asks at once
	}
	group, ctx := rescue.WithContext(ctx)
	group.Go(func() error { return f.main.supervisor.Run(ctx, f.main.source, f.receiveMain) })
	if f.sub != nil {
		group.Go(func() error { return f.sub.supervisor.Run(ctx, f.sub.source, f.receiveSub) })
	}
	return group.Wait()
}

// receiveMain takes each unit of the main stream as it arrives and never waits.
func (f *Feed) receiveMain(u *ingest.Unit) {
	steps := f.main.clock.Steps()
	f.main.clock.Stamp(u)
	f.metrics.Clock(u, f.main.clock.Steps()-steps)
	f.inspector.Unit(u)
	f.ring.Add(u)
	if !u.Key || u.Damaged {
		return
	}
	f.newest.Store(u)
	if f.sub == nil || f.subAway(u.Arrival) {
		f.offer(u)
	}
}

func (f *Feed) receiveSub(u *ingest.Unit) {
	f.sub.clock.Stamp(u)
	if until := f.sub.passed.Load(); until != nil && u.Arrival.Before(*until) {
		return
	}
	if u.Key && !u.Damaged {
		f.newestSub.Store(u)
		f.sub.arrived.Store(&u.Arrival)
		f.offer(u)
	}
}

// subPatience is how long the smaller stream may bring no key unit before the
// main one takes its place.
const subPatience = 15 * time.Second

func (f *Feed) subAway(now time.Time) bool {
	return now.Sub(*f.sub.arrived.Load()) > subPatience
}

// PassOver looks at the main stream for a while, since what the smaller one
// sends is of no use.
func (f *Feed) PassOver(d time.Duration) {
	until, never := f.now().Add(d), time.Time{}
	f.sub.passed.Store(&until)
	f.sub.arrived.Store(&never)
}

// offer leaves a key unit to be looked at, unless the last look is still good
// enough. Key units do not come to the moment, so an eighth early is in time.
func (f *Feed) offer(u *ingest.Unit) {
	pause := time.Duration(f.pause.Load())
	if last := f.offered.Load(); last != nil {
		since := u.Arrival.Sub(*last) // below zero if our clock was set back
		if since >= 0 && since < pause-pause/8 {
			f.metrics.Spared.Inc()
			return
		}
	}
	f.offered.Store(&u.Arrival)
	if f.latest.Put(u) {
		f.metrics.Superseded.Inc()
	}
}

// Look is a picture to look at.
type Look struct {
	Unit *ingest.Unit // whole key unit, of the smaller stream where there is one
	// Shown is the key unit of the main stream that shows the same, at full
	// size: the newest that did not come later. It is Unit itself without a
	// smaller stream, and nil while the main stream has none of late.
	Shown *ingest.Unit
}

// shownAge is how much older than the look the picture to show may be: a group
// of pictures of a main stream that is set as it should be.
const shownAge = 5 * time.Second

// Next waits for the newest picture.
func (f *Feed) Next(ctx context.Context) (Look, error) {
	u, err := f.latest.Take(ctx)
	if err != nil {
		return Look{}, err
	}
	if u.Stream == ingest.Main {
		return Look{Unit: u, Shown: u}, nil
	}
	shown := f.ring.KeyUnit(u.Arrival)
	if shown != nil && u.Arrival.Sub(shown.Arrival) > shownAge {
		shown = nil
	}
	return Look{Unit: u, Shown: shown}, nil
}

// Pace says how long after a look the next one is wanted; zero is the next key
// unit.
func (f *Feed) Pace(d time.Duration) { f.pause.Store(int64(d)) }

// Camera is the camera whose feed this is.
func (f *Feed) Camera() ingest.Camera { return f.camera }

// Ring is the camera's video of the last seconds.
func (f *Feed) Ring() *ring.Ring { return f.ring }

// Newest is the newest whole key unit of the main stream, nil before any.
func (f *Feed) Newest() *ingest.Unit { return f.newest.Load() }

// NewestSub is the newest whole key unit of the smaller stream, nil before any.
func (f *Feed) NewestSub() *ingest.Unit { return f.newestSub.Load() }

// Monitor is where others report what is wrong with the camera.
func (f *Feed) Monitor() *ingest.Monitor { return f.monitor }

// Health is how the camera fares at this moment.
func (f *Feed) Health() ingest.Health { return f.monitor.Health() }
