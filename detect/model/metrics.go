package model

import "github.com/prometheus/client_golang/prometheus"

// Metrics tells how long pictures wait for the networks.
type Metrics struct {
	queue   prometheus.Histogram
	waiting prometheus.Gauge
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		queue: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tidewatch_detect_inference_queue_seconds", Help: "Time that a picture waited until a core was free for the vehicle network.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tidewatch_detect_inference_waiting_pictures", Help: "Pictures that wait for a core now.",
		}),
	}
	reg.MustRegister(m.queue, m.waiting)
	return m
}
