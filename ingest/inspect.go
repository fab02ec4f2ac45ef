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
	// KeyPatience is how long nothing may come that can be shown. For a camera of
	// which key units alone are known to be, it is KeyIntervals of their usual intervals if
	// that is longer, and FirstPatience while those are not known and nothing was
	// lost.
	KeyPatience, FirstPatience time.Duration
	KeyIntervals               int
	// KeysApart is from when on key units are so far apart that looking at them
	// alone is not enough.
	KeysApart time.Duration
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
		KeyPatience: 10 * time.Second, FirstPatience: time.Minute, KeyIntervals: 3,
		KeysApart: 6 * time.Second, // five is usual
		RateSpan:  10 * time.Second, RateShare: 0.8,
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
	began     time.Time // of the session
	damagedAt time.Time // of the newest damaged unit
	interval  Interval  // of its key units
	shownAt   time.Time // of the newest unit that can be shown
	linked    bool      // the newest unit follows the one before
	harmed    bool      // units of its group are damaged
	led       bool      // units follow one another up to the next key unit, unless harmed
	counted   int       // units since countedAt
	countedAt time.Time
	clockOff  bool
}

// NewInspector returns an inspector that reports to a monitor.
func NewInspector(cfg InspectorConfig, camera Camera, monitor *Monitor) *Inspector {
	return &Inspector{cfg: cfg, camera: camera, monitor: monitor}
}

// Unit looks at the next unit, which can be shown or not.
func (i *Inspector) Unit(u *Unit, showable bool) {
	if u.Session != i.session {
		i.session, i.began, i.shownAt = u.Session, u.Arrival, u.Arrival
		i.counted, i.countedAt = 0, u.Arrival
	}
	i.damage(u)
	i.keys(u, showable)
	i.rate(u)
	i.media(u)
	i.clock(u)
}

func (i *Inspector) damage(u *Unit) {
	if u.Damaged {
		i.damagedAt = u.Arrival
	}
	i.monitor.Set(i.lossy(u), TroubleDamage, Degraded, "packets are lost on the way from the camera; check the network, or use TCP")
}

// lossy reports whether packets were lost of late.
func (i *Inspector) lossy(u *Unit) bool {
	return !i.damagedAt.IsZero() && u.Arrival.Sub(i.damagedAt) < i.cfg.CleanFor
}

func (i *Inspector) keys(u *Unit, showable bool) {
	i.interval.Add(u)
	if u.Key {
		if !i.harmed {
			i.led = i.linked
		}
		i.harmed = false
	}
	i.linked, i.harmed = u.Linked && !u.Key, i.harmed || u.Damaged
	if showable {
		i.shownAt = u.Arrival
	}
	apart := i.interval.Apart(u.Arrival)
	switch {
	case u.Arrival.Sub(i.shownAt) > i.patience(u):
		i.monitor.Report(TroubleKeys, Blind,
			"no whole key frame comes; set a shorter key frame interval (GOP) in the camera, or check the network")
	case apart > i.cfg.KeysApart:
		i.monitor.Report(TroubleKeys, Degraded, fmt.Sprintf("key frames come %s apart, by a smart codec (H.264+, H.265+) or a long key frame "+
			"interval (GOP); turn the smart codec off in the camera, and set a key frame each 2 s", i.far(apart)))
	default:
		i.monitor.Clear(TroubleKeys)
	}
}

// patience is how long nothing may come that can be shown.
func (i *Inspector) patience(u *Unit) time.Duration {
	switch {
	case i.led:
		return i.cfg.KeyPatience
	case i.interval.Known() == 0 && !i.lossy(u):
		return i.cfg.FirstPatience
	}
	return max(i.cfg.KeyPatience, time.Duration(i.cfg.KeyIntervals)*i.interval.Known())
}

// far says how far apart key units are, in a precision that does not change with
// each picture while the next one has not come.
func (i *Inspector) far(apart time.Duration) string {
	if apart == i.interval.Known() {
		return fmt.Sprintf("%.0f s", apart.Seconds())
	}
	return fmt.Sprintf("more than %.0f s", max(i.cfg.KeysApart, apart.Truncate(10*time.Second)).Seconds())
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
