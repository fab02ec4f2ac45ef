// Package feed is one camera's way from its streams to the pictures that are
// looked at: connections that are kept up, the ring of the last seconds, the
// newest picture to look at, and what is wrong with any of it.
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
	Group      ingest.GroupConfig
	Inspector  ingest.InspectorConfig
	ClockSpan  time.Duration // see ingest.NewClock
	// Words puts causes into words for the log; see ingest.Monitor.
	Words func(ingest.Cause) string
}

// DefaultConfig suits cameras on a city's network.
func DefaultConfig() Config {
	return Config{
		RTSP: rtsp.DefaultConfig(), Supervisor: ingest.DefaultSupervisorConfig(), Ring: ring.DefaultConfig(),
		Group: ingest.DefaultGroupConfig(), Inspector: ingest.DefaultInspectorConfig(), ClockSpan: ingest.ClockSpan,
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
	keysApart time.Duration             // from which on pictures between key units are looked at
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
	group      *ingest.Group
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

		keysApart: cfg.Inspector.KeysApart,
	}
	open := func(which ingest.Stream) *stream {
		return &stream{
			source: rtsp.New(camera, which, cfg.RTSP, metrics.rtsp.Stream(camera.ID, which), now),
			supervisor: ingest.NewSupervisor(cfg.Supervisor, which, f.monitor,
				metrics.ingest.Stream(camera.ID, which), now),
			clock: ingest.NewClock(cfg.ClockSpan),
			group: ingest.NewGroup(cfg.Group),
		}
	}
	f.monitor.Words = cfg.Words
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
	f.inspector.Unit(u, f.main.group.Add(u))
	f.ring.Add(u)
	if u.Key && !u.Damaged {
		f.newest.Store(u)
	}
	if f.sub == nil || f.subAway(u.Arrival) {
		f.consider(f.main, u)
	}
}

func (f *Feed) receiveSub(u *ingest.Unit) {
	f.sub.clock.Stamp(u)
	showable := f.sub.group.Add(u)
	if until := f.sub.passed.Load(); until != nil && u.Arrival.Before(*until) {
		return
	}
	if u.Key && !u.Damaged {
		f.newestSub.Store(u)
	}
	if u.Key && !u.Damaged || showable && f.far(f.sub) {
		f.sub.arrived.Store(&u.Arrival)
	}
	if !f.subAway(u.Arrival) {
		f.consider(f.sub, u)
	}
}

// far reports whether the key units of a stream are so far apart that the pictures
// between them are looked at too.
func (f *Feed) far(s *stream) bool { return s.group.Apart() > f.keysApart }

// subPatience is how long the smaller stream may bring nothing to look at before
// the main one takes its place.
const subPatience = 15 * time.Second

// subAway reports whether the main stream is looked at in place of the smaller one:
// that one is away, or costs more, since all of it must be decoded.
func (f *Feed) subAway(now time.Time) bool {
	if now.Sub(*f.sub.arrived.Load()) > subPatience {
		return true
	}
	key := f.newest.Load()
	return f.far(f.sub) && !f.far(f.main) && key != nil && now.Sub(key.Arrival) <= subPatience
}

// PassOver looks at the main stream for a while, since what the smaller one
// sends is of no use.
func (f *Feed) PassOver(d time.Duration) {
	until, never := f.now().Add(d), time.Time{}
	f.sub.passed.Store(&until)
	f.sub.arrived.Store(&never)
}

// between is how soon after a look a picture between two key units is looked at, at
// the earliest.
const between = time.Second

// consider looks at a unit of a stream, by itself or decoded on from the key unit
// before, if it is time.
func (f *Feed) consider(s *stream, u *ingest.Unit) {
	switch {
	case u.Key && !u.Damaged:
		if !f.due(u, 0) {
			f.metrics.Spared.Inc()
			return
		}
	case f.far(s) && f.due(u, between):
		if u = s.group.Run(u.Arrival); u == nil {
			return
		}
	default:
		return
	}
	f.offered.Store(&u.Arrival)
	if f.latest.Put(u) {
		f.metrics.Superseded.Inc()
	}
}

// due reports whether the last look is not good enough any more. Units do not come
// to the moment, so an eighth early is in time.
func (f *Feed) due(u *ingest.Unit, least time.Duration) bool {
	pause := max(time.Duration(f.pause.Load()), least)
	last := f.offered.Load()
	if last == nil {
		return true
	}
	since := u.Arrival.Sub(*last) // below zero if our clock was set back
	return since < 0 || since >= pause-pause/8
}

// Look is a picture to look at: a whole key unit, or one with all that leads to it
// where the key units of its stream are far apart.
type Look struct {
	Unit *ingest.Unit // of the smaller stream where there is one
	// Shown is the unit of the main stream that shows the same, at full size: the
	// newest that did not come later. It is Unit itself without a smaller stream,
	// and nil while the main stream has none of late.
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
	return Look{Unit: u, Shown: f.shown(u.Arrival)}, nil
}

// shown is the newest key unit of the main stream by a moment, or where that is too
// old the newest unit that can be decoded on from it.
func (f *Feed) shown(at time.Time) *ingest.Unit {
	for _, u := range []*ingest.Unit{f.ring.KeyUnit(at), f.main.group.Run(at)} {
		if u != nil && at.Sub(u.Arrival) <= shownAge {
			return u
		}
	}
	return nil
}

// Pace says how long after a look the next one is wanted; zero is the next that
// there is.
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
