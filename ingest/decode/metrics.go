package decode

import "github.com/prometheus/client_golang/prometheus"

// Metrics tells what decoding costs and how often it fails.
type Metrics struct {
	seconds  prometheus.Histogram
	failures prometheus.Counter
	led      prometheus.Counter
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tidewatch_decode_seconds", Help: "Time to decode one key unit into a picture.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 10),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_decode_failures_total", Help: "Units that gave no picture.",
		}),
		led: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_decode_led_units_total",
			Help: "Units decoded on from a key unit, of cameras whose key frames are too far apart to look at those alone.",
		}),
	}
	reg.MustRegister(m.seconds, m.failures, m.led)
	return m
}
