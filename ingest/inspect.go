package ingest

import (
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
	// alone is not enough, and KeysFar from when on the camera is told to be set
	// otherwise.
	KeysApart, KeysFar time.Duration
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
		KeysApart: 6 * time.Second, KeysFar: 12 * time.Second, // five are usual, and ten where nobody has set it
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
	i.monitor.Set(i.lossy(u), TroubleDamage, Degraded, Because(PacketsLost))
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
		i.monitor.Report(TroubleKeys, Blind, Because(KeyFramesAway, "for", u.Arrival.Sub(i.shownAt).Round(time.Second)))
	case apart > i.cfg.KeysFar:
		i.monitor.Report(TroubleKeys, Degraded, i.far(apart))
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

// far says how far apart key units are at least, in a precision that does not
// change with each picture while the next one has not come.
func (i *Inspector) far(apart time.Duration) Cause {
	step := 10 * time.Second
	if apart == i.interval.Known() {
		step = time.Second
	}
	return Because(KeyFramesApart, "apart", max(i.cfg.KeysFar, apart.Truncate(step)))
}

func (i *Inspector) rate(u *Unit) {
	i.counted++
	span := u.Arrival.Sub(i.countedAt)
	if i.camera.FrameInterval <= 0 || span < i.cfg.RateSpan {
		return
	}
	expected := float64(span) / float64(i.camera.FrameInterval)
	i.monitor.Set(float64(i.counted) < i.cfg.RateShare*expected, TroubleRate, Degraded,
		Because(FewPictures, "rate", tenths(float64(i.counted)/span.Seconds()), "configured", tenths(1/i.camera.FrameInterval.Seconds())))
	i.counted, i.countedAt = 0, u.Arrival
}

func (i *Inspector) media(u *Unit) {
	speed, wrong := u.MediaSpeed()
	i.monitor.Set(wrong, TroubleMedia, Degraded, Because(MediaClockWrong, "percent", tenths(100*speed)))
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
			i.monitor.Report(TroubleClock, Degraded, Because(ClockUnknown))
		}
	case clockError.Abs() > i.camera.ClockTolerance:
		i.clockOff = true
		i.monitor.Report(TroubleClock, Degraded, ClockOff(clockError))
	case math.Abs(u.Clock.Drift) > i.cfg.Drift:
		i.clockOff = true
		i.monitor.Report(TroubleClock, Degraded, astray(u.Clock.Drift))
	case i.clockOff && (clockError.Abs() > i.camera.ClockTolerance*4/5 || math.Abs(u.Clock.Drift) > i.cfg.Drift/2):
		// It must be clearly well again, else it would come and go.
	default:
		i.clockOff = false
		i.monitor.Clear(TroubleClock)
	}
}

// zoneStep is what time zones differ by, with a tolerance for what else may be
// wrong with a clock. China has one zone: a clock that is whole hours off has
// been given another, or takes local time for UTC.
const (
	zoneStep      = 30 * time.Minute
	zoneTolerance = 90 * time.Second
	zoneFarthest  = 14 * time.Hour
)

// ClockOff is that a camera's clock is ahead of ours by so much, or behind it. Its
// precision is such that it does not change with each picture.
func ClockOff(clockError time.Duration) Cause {
	by, code := clockError.Abs(), ClockSlow
	beyond := (by + zoneTolerance) % zoneStep
	zone := by > zoneStep-zoneTolerance && by <= zoneFarthest+zoneTolerance && beyond <= 2*zoneTolerance
	switch {
	case zone && clockError > 0:
		code = ClockZoneFast
	case zone:
		code = ClockZoneSlow
	case clockError > 0:
		code = ClockFast
	}
	if by < 10*time.Second {
		return Because(code, "by", by.Round(100*time.Millisecond))
	}
	return Because(code, "by", by.Round(time.Second))
}

// astray is what a clock gains or loses a day.
func astray(drift float64) Cause {
	code := ClockGains
	if drift < 0 {
		code = ClockLoses
	}
	const day = 24 * time.Hour
	return Because(code, "by", time.Duration(math.Abs(drift)*float64(day)).Round(time.Second))
}

// tenths rounds to what is worth telling.
func tenths(x float64) float64 { return math.Round(10*x) / 10 }
