package ingest

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// State is how a camera fares.
type State string

// The states of a camera, from the best to the worst.
const (
	Live       State = "live"       // pictures come and can be relied on
	Connecting State = "connecting" // no picture yet, nothing wrong yet
	Degraded   State = "degraded"   // pictures come, but something about them is not as it should be
	Blind      State = "blind"      // something comes, but nothing can be seen in it
	Offline    State = "offline"    // nothing comes; it is tried again
)

// States lists all states, from the best to the worst.
var States = []State{Live, Connecting, Degraded, Blind, Offline}

// Kind names what a trouble is about.
type Kind string

// The kinds of trouble.
const (
	TroubleStream    Kind = "stream"      // the main stream does not come
	TroubleSubStream Kind = "sub_stream"  // the smaller stream does not come, or shows something else; the main one serves
	TroubleKeys      Kind = "key_frames"  // nothing that can be decoded comes
	TroubleDecoding  Kind = "decoding"    // what comes cannot be decoded
	TroubleScene     Kind = "scene"       // the picture does not show the street: dark, covered, blurred, moved, frozen
	TroubleDamage    Kind = "damage"      // packets are lost on the way
	TroubleRate      Kind = "frame_rate"  // fewer pictures come than were configured
	TroubleSmall     Kind = "small"       // vehicles appear too small to be found
	TroubleMedia     Kind = "media_clock" // the timestamps of its pictures do not keep time
	TroubleClock     Kind = "clock"       // the camera's clock is unknown, or not believed
	TroubleProgram   Kind = "program"     // the work on its pictures failed by a fault of ours, and begins anew
)

// Kinds lists all kinds of trouble.
var Kinds = []Kind{
	TroubleProgram, TroubleStream, TroubleSubStream, TroubleKeys, TroubleDecoding,
	TroubleScene, TroubleDamage, TroubleRate, TroubleSmall, TroubleMedia, TroubleClock,
}

// Trouble is one thing that is wrong with a camera.
type Trouble struct {
	Kind  Kind
	State State // how bad it is
	Since time.Time
	Cause Cause
}

// Health is how a camera fares: the worst of its troubles, since when it is so
// bad, and the cause of that.
type Health struct {
	State    State
	Since    time.Time
	Cause    Cause     // zero if nothing is wrong
	Troubles []Trouble // the worst first
}

// Monitor gathers what is wrong with one camera from whoever notices it. It is
// safe for concurrent use.
type Monitor struct {
	// Words puts a cause into words for the log; nil leaves it at the code and
	// the facts. It is set before anything is reported.
	Words func(Cause) string

	metrics CameraMetrics
	log     *slog.Logger
	now     func() time.Time

	mu       sync.Mutex
	state    State
	since    time.Time
	troubles map[Kind]Trouble
}

// NewMonitor returns a monitor of a camera that is connecting; log should
// carry the camera's ID.
func NewMonitor(metrics CameraMetrics, log *slog.Logger, now func() time.Time) *Monitor {
	m := &Monitor{metrics: metrics, log: log, now: now, since: now(), troubles: map[Kind]Trouble{}}
	for _, kind := range Kinds {
		metrics.trouble(kind, false) // a monitor before may have left it standing
	}
	m.Report(TroubleStream, Connecting, Cause{})
	return m
}

// Report enters a trouble, or says more of a known one.
func (m *Monitor) Report(kind Kind, state State, cause Cause) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, standing := m.troubles[kind]
	since := m.now()
	if standing && known.State == state {
		since = known.Since
	}
	m.troubles[kind] = Trouble{Kind: kind, State: state, Since: since, Cause: cause}
	m.metrics.trouble(kind, true)
	if !standing || known.State != state {
		m.changed(kind, state, cause)
	}
}

// Clear takes a trouble away, if it was there.
func (m *Monitor) Clear(kind Kind) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, standing := m.troubles[kind]; !standing {
		return
	}
	delete(m.troubles, kind)
	m.metrics.trouble(kind, false)
	m.changed(kind, Live, Cause{})
}

// Gone takes away what can only be said of pictures that come: the main stream
// is lost.
func (m *Monitor) Gone() {
	for _, kind := range []Kind{TroubleKeys, TroubleDecoding, TroubleScene, TroubleDamage, TroubleRate, TroubleMedia, TroubleClock} {
		m.Clear(kind)
	}
}

// Set reports a trouble or clears it.
func (m *Monitor) Set(wrong bool, kind Kind, state State, cause Cause) {
	if wrong {
		m.Report(kind, state, cause)
	} else {
		m.Clear(kind)
	}
}

// changed reckons the state anew and logs what happened.
func (m *Monitor) changed(kind Kind, state State, cause Cause) {
	before := m.state
	m.state = Live
	for _, t := range m.troubles {
		if worse(t.State, m.state) {
			m.state = t.State
		}
	}
	if m.state != before {
		m.since = m.now()
		m.metrics.state(m.state)
	}
	switch state {
	case Connecting:
	case Live:
		m.log.Info("camera trouble cleared", "about", string(kind), "state", string(m.state))
	default:
		m.log.Warn("camera trouble", m.told(kind, cause)...)
	}
}

// told is a trouble as it is logged.
func (m *Monitor) told(kind Kind, cause Cause) []any {
	told := []any{"about", string(kind), "state", string(m.state), "cause", string(cause.Code)}
	for _, f := range cause.Facts {
		told = append(told, f.Name, f.Value)
	}
	if m.Words != nil {
		told = append(told, "why", m.Words(cause))
	}
	return told
}

func worse(a, b State) bool { return slices.Index(States, a) > slices.Index(States, b) }

// Health is how the camera fares at this moment.
func (m *Monitor) Health() Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := Health{State: m.state, Since: m.since}
	for _, t := range m.troubles {
		if t.State != Connecting {
			h.Troubles = append(h.Troubles, t)
		}
	}
	slices.SortFunc(h.Troubles, func(a, b Trouble) int {
		return cmp.Or(slices.Index(States, b.State)-slices.Index(States, a.State),
			slices.Index(Kinds, a.Kind)-slices.Index(Kinds, b.Kind))
	})
	if len(h.Troubles) > 0 && h.Troubles[0].State == m.state {
		h.Cause = h.Troubles[0].Cause
	}
	return h
}
