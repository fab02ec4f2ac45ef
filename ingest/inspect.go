package ingest

import (
	"fmt"
	"math"
	"time"
)

// InspectorConfig is how much it takes for something to be wrong.
type InspectorConfig struct {
	// CleanFor is how long nothing may be lost before the network is taken to
	// be well again.
	CleanFor time.Duration
	// KeyPatience is how long whole key units may stay away at least, and
	// KeyIntervals how many of their usual intervals.
	KeyPatience  time.Duration
	KeyIntervals int
	// RateSpan is the time over which pictures are counted, and RateShare how
	// many of those expected must come.
	RateSpan  time.Duration
	RateShare float64
	// ReportPatience is how long a camera may take to tell its time.
	ReportPatience time.Duration
	// Drift is how fast a clock may gain or lose: at 1e-4 it is 9 s a day.
	Drift float64
}

// DefaultInspectorConfig suits cameras on a city's network.
func DefaultInspectorConfig() InspectorConfig {
	return InspectorConfig{
		CleanFor:    20 * time.Second,
		KeyPatience: 10 * time.Second, KeyIntervals: 3,
		RateSpan: 10 * time.Second, RateShare: 0.8,
		ReportPatience: 30 * time.Second,
		Drift:          1e-4,
	}
}

// Inspector looks at the units of a camera's main stream, without decoding
// them, for what is wrong. It is used by one goroutine.
type Inspector struct {
	cfg     InspectorConfig
	camera  Camera
	monitor *Monitor

	session   uint64
	began     time.Time     // of the session
	damagedAt time.Time     // of the newest damaged unit
	keyAt     time.Time     // of the newest whole key unit
	interval  time.Duration // between the two before
	counted   int           // units since countedAt
	countedAt time.Time
	clockOff  bool
}

// NewInspector returns an inspector that reports to a monitor.
func NewInspector(cfg InspectorConfig, camera Camera, monitor *Monitor) *Inspector {
	return &Inspector{cfg: cfg, camera: camera, monitor: monitor}
}

// Unit looks at the next unit.
func (i *Inspector) Unit(u *Unit) {
	if u.Session != i.session {
		i.session, i.began, i.keyAt, i.interval = u.Session, u.Arrival, u.Arrival, 0
		i.counted, i.countedAt = 0, u.Arrival
	}
	i.damage(u)
	i.keys(u)
	i.rate(u)
	i.media(u)
	i.clock(u)
}

func (i *Inspector) damage(u *Unit) {
	if u.Damaged {
		i.damagedAt = u.Arrival
	}
	lossy := !i.damagedAt.IsZero() && u.Arrival.Sub(i.damagedAt) < i.cfg.CleanFor
	i.monitor.Set(lossy, TroubleDamage, Degraded, "packets are lost on the way from the camera; check the network, or use TCP")
}

func (i *Inspector) keys(u *Unit) {
	if u.Key && !u.Damaged {
		i.interval = u.Arrival.Sub(i.keyAt)
		i.keyAt = u.Arrival
	}
	away := u.Arrival.Sub(i.keyAt)
	i.monitor.Set(away > max(i.cfg.KeyPatience, time.Duration(i.cfg.KeyIntervals)*i.interval), TroubleKeys, Blind,
		"no whole key frame comes; set a shorter key frame interval (GOP) in the camera, or check the network")
}

func (i *Inspector) rate(u *Unit) {
	i.counted++
	span := u.Arrival.Sub(i.countedAt)
	if i.camera.FrameInterval <= 0 || span < i.cfg.RateSpan {
		return
	}
	expected := float64(span) / float64(i.camera.FrameInterval)
	i.monitor.Set(float64(i.counted) < i.cfg.RateShare*expected, TroubleRate, Degraded,
		fmt.Sprintf("%.1f pictures a second come, %.1f were configured (frame_interval)",
			float64(i.counted)/span.Seconds(), 1/i.camera.FrameInterval.Seconds()))
	i.counted, i.countedAt = 0, u.Arrival
}

func (i *Inspector) media(u *Unit) {
	speed, wrong := u.MediaSpeed()
	i.monitor.Set(wrong, TroubleMedia, Degraded, fmt.Sprintf("the timestamps of its pictures run at %.3g %% of true speed; "+
		"arrival times are used; renew the camera's firmware", 100*speed))
}

func (i *Inspector) clock(u *Unit) {
	clockError, known := u.ClockError()
	_, wrong := u.MediaSpeed()
	switch {
	case wrong: // then the camera's time is not known between its reports
		i.clockOff = false
		i.monitor.Clear(TroubleClock)
	case !known:
		late := u.Arrival.Sub(i.began) > i.cfg.ReportPatience
		if late {
			i.monitor.Report(TroubleClock, Degraded, "the camera does not tell its time (no RTCP sender reports); ours is used")
		}
	case clockError.Abs() > i.camera.ClockTolerance:
		i.clockOff = true
		i.monitor.Report(TroubleClock, Degraded, fmt.Sprintf("the camera's clock is %s; ours is used; set it by NTP", aside(clockError)))
	case math.Abs(u.Clock.Drift) > i.cfg.Drift:
		i.clockOff = true
		const day = 24 * 60 * 60
		i.monitor.Report(TroubleClock, Degraded, fmt.Sprintf("the camera's clock gains %+.0f s a day; set it by NTP", u.Clock.Drift*day))
	case i.clockOff && (clockError.Abs() > i.camera.ClockTolerance*4/5 || math.Abs(u.Clock.Drift) > i.cfg.Drift/2):
		// It must be clearly well again, else it would come and go.
	default:
		i.clockOff = false
		i.monitor.Clear(TroubleClock)
	}
}

// aside says how far a clock is off, in a precision that does not change with
// each picture.
func aside(d time.Duration) string {
	word := "fast"
	if d < 0 {
		word, d = "slow", -d
	}
	unit := time.Second
	if d < 10*time.Second {
		unit = 100 * time.Millisecond
	}
	return fmt.Sprintf("%s %s", time.Duration(math.Round(float64(d)/float64(unit)))*unit, word)
}
