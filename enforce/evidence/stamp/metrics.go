package stamp

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what the authority gives.
type metrics struct {
	failures prometheus.Counter
	stamped  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, waiting func() float64) metrics {
	m := metrics{
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_timestamp_failures_total",
			Help: "Questions to the timestamp authority that failed; each is asked again.",
		}),
		stamped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_timestamps_total",
			Help: "Timestamps that the authority has given.",
		}),
	}
	reg.MustRegister(m.failures, m.stamped, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidewatch_evidence_timestamps_waiting",
		Help: "Cases whose evidence the timestamp authority has not confirmed yet.",
	}, waiting))
	return m
}
