package ingest

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what comes out of the cameras.
type Metrics struct {
	units, bytes, keys, damaged, superseded, reconnects *prometheus.CounterVec
	clockError, up                                      *prometheus.GaugeVec
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "tidewatch", Subsystem: "ingest", Name: name, Help: help,
		}, []string{"camera"})
		reg.MustRegister(c)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "tidewatch", Subsystem: "ingest", Name: name, Help: help,
		}, []string{"camera"})
		reg.MustRegister(g)
		return g
	}
	return &Metrics{
		units:      counter("units_total", "Encoded access units received."),
		bytes:      counter("bytes_total", "Bytes of encoded video received."),
		keys:       counter("key_units_total", "Access units received that can be decoded on their own."),
		damaged:    counter("damaged_units_total", "Access units of which packets were lost, or that build on such a one; never evidence."),
		superseded: counter("superseded_units_total", "Key units that nobody looked at because a newer one came; newest wins."),
		reconnects: counter("reconnects_total", "Connections to the camera that ended and were tried again."),
		clockError: gauge("clock_error_seconds", "Camera's clock minus ours at the newest unit, network delay included."),
		up:         gauge("up", "1 while units come from the camera, else 0."),
	}
}

// CameraMetrics are the metrics of one camera.
type CameraMetrics struct {
	Units, Bytes, Keys, Damaged, Superseded, Reconnects prometheus.Counter
	ClockError, Up                                      prometheus.Gauge
}

// Camera returns one camera's metrics; the same for the same ID.
func (m *Metrics) Camera(id string) CameraMetrics {
	return CameraMetrics{
		Units:      m.units.WithLabelValues(id),
		Bytes:      m.bytes.WithLabelValues(id),
		Keys:       m.keys.WithLabelValues(id),
		Damaged:    m.damaged.WithLabelValues(id),
		Superseded: m.superseded.WithLabelValues(id),
		Reconnects: m.reconnects.WithLabelValues(id),
		ClockError: m.clockError.WithLabelValues(id),
		Up:         m.up.WithLabelValues(id),
	}
}

// count enters a unit.
func (m CameraMetrics) count(u *Unit) {
	m.Units.Inc()
	m.Bytes.Add(float64(u.Size()))
	if u.Key {
		m.Keys.Inc()
	}
	if u.Damaged {
		m.Damaged.Inc()
	}
	if clockError, known := u.ClockError(); known {
		m.ClockError.Set(clockError.Seconds())
	}
}
