package ring

import "github.com/prometheus/client_golang/prometheus"

// Metrics tells how full the rings are.
type Metrics struct {
	bytes, seconds *prometheus.GaugeVec
	crowded        *prometheus.CounterVec
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	camera := []string{"camera"}
	m := &Metrics{
		bytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_ring_held_bytes", Help: "Encoded video held for clips.",
		}, camera),
		seconds: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_ring_held_seconds", Help: "How far back the held video reaches.",
		}, camera),
		crowded: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_ring_crowded_units_total",
			Help: "Access units let go before their time because the ring was full of bytes.",
		}, camera),
	}
	reg.MustRegister(m.bytes, m.seconds, m.crowded)
	return m
}

// CameraMetrics are the metrics of one camera's ring.
type CameraMetrics struct {
	Bytes, Seconds prometheus.Gauge
	Crowded        prometheus.Counter
}

// Camera returns one camera's metrics; the same for the same ID.
func (m *Metrics) Camera(id string) CameraMetrics {
	return CameraMetrics{
		Bytes:   m.bytes.WithLabelValues(id),
		Seconds: m.seconds.WithLabelValues(id),
		Crowded: m.crowded.WithLabelValues(id),
	}
}
