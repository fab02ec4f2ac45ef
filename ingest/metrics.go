package ingest

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what comes out of the cameras.
type Metrics struct {
	units, bytes, keys, damaged, reconnects, failures *prometheus.CounterVec // by camera and stream
	superseded, spared, clockSteps                    *prometheus.CounterVec // by camera
	up, clockError, clockDrift, states, troubles      *prometheus.GaugeVec
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "tidewatch", Subsystem: "ingest", Name: name, Help: help,
		}, append([]string{"camera"}, labels...))
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "tidewatch", Subsystem: "ingest", Name: name, Help: help,
		}, append([]string{"camera"}, labels...))
		reg.MustRegister(g)
		return g
	}
	return &Metrics{
		units:      counter("units_total", "Encoded access units received.", "stream"),
		bytes:      counter("bytes_total", "Bytes of encoded video received.", "stream"),
		keys:       counter("key_units_total", "Access units received that can be decoded on their own.", "stream"),
		damaged:    counter("damaged_units_total", "Access units of which packets were lost, or that build on such a one; never evidence.", "stream"),
		reconnects: counter("reconnects_total", "Connections to the camera that ended and were tried again.", "stream"),
		failures:   counter("failures_total", "Connections to the camera that failed or ended, by reason.", "stream", "reason"),
		superseded: counter("superseded_units_total", "Key units that nobody looked at because a newer one came; newest wins."),
		spared:     counter("spared_units_total", "Key units not looked at because nothing had changed of late."),
		clockSteps: counter("clock_steps_total", "Times that the camera's clock was set."),
		clockError: gauge("clock_error_seconds", "Camera's clock minus ours, the network's least delay included."),
		clockDrift: gauge("clock_drift_ratio", "Seconds that the camera's clock gains on ours in each second; 0 until known."),
		up:         gauge("up", "1 while units come from the camera, else 0.", "stream"),
		states:     gauge("state", "1 for the state that the camera is in, else 0.", "state"),
		troubles:   gauge("trouble", "1 while this kind of thing is wrong with the camera, else 0.", "kind"),
	}
}

// CameraMetrics are the metrics of one camera.
type CameraMetrics struct {
	Superseded, Spared, ClockSteps prometheus.Counter
	ClockError, ClockDrift         prometheus.Gauge

	states   map[State]prometheus.Gauge
	troubles map[Kind]prometheus.Gauge
}

// Camera returns one camera's metrics; the same for the same ID.
func (m *Metrics) Camera(id string) CameraMetrics {
	c := CameraMetrics{
		Superseded: m.superseded.WithLabelValues(id),
		Spared:     m.spared.WithLabelValues(id),
		ClockSteps: m.clockSteps.WithLabelValues(id),
		ClockError: m.clockError.WithLabelValues(id),
		ClockDrift: m.clockDrift.WithLabelValues(id),
		states:     map[State]prometheus.Gauge{},
		troubles:   map[Kind]prometheus.Gauge{},
	}
	for _, s := range States {
		c.states[s] = m.states.WithLabelValues(id, string(s))
	}
	for _, k := range Kinds {
		c.troubles[k] = m.troubles.WithLabelValues(id, string(k))
	}
	return c
}

// state enters the state that the camera is in.
func (m CameraMetrics) state(now State) {
	for s, gauge := range m.states {
		gauge.Set(one(s == now))
	}
}

func (m CameraMetrics) trouble(kind Kind, standing bool) { m.troubles[kind].Set(one(standing)) }

// Clock enters what a unit tells of the camera's clock, and how often that was
// set since the unit before.
func (m CameraMetrics) Clock(u *Unit, steps int) {
	m.ClockSteps.Add(float64(steps))
	if clockError, known := u.ClockError(); known {
		m.ClockError.Set(clockError.Seconds())
		m.ClockDrift.Set(u.Clock.Drift)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// StreamMetrics are the metrics of one stream of a camera.
type StreamMetrics struct {
	Units, Bytes, Keys, Damaged, Reconnects prometheus.Counter
	Up                                      prometheus.Gauge

	failures *prometheus.CounterVec // by reason
}

// Stream returns the metrics of a camera's stream; the same for the same names.
func (m *Metrics) Stream(id string, stream Stream) StreamMetrics {
	labels := prometheus.Labels{"camera": id, "stream": string(stream)}
	return StreamMetrics{
		Units:      m.units.With(labels),
		Bytes:      m.bytes.With(labels),
		Keys:       m.keys.With(labels),
		Damaged:    m.damaged.With(labels),
		Reconnects: m.reconnects.With(labels),
		Up:         m.up.With(labels),
		failures:   m.failures.MustCurryWith(labels),
	}
}

// count enters a unit.
func (m StreamMetrics) count(u *Unit) {
	m.Units.Inc()
	m.Bytes.Add(float64(u.Size()))
	if u.Key {
		m.Keys.Inc()
	}
	if u.Damaged {
		m.Damaged.Inc()
	}
}

// failed counts the end of a connection.
func (m StreamMetrics) failed(reason string) { m.failures.WithLabelValues(reason).Inc() }
