package retention

import "github.com/prometheus/client_golang/prometheus"

// metrics counts what is deleted.
type metrics struct {
	deleted  *prometheus.CounterVec
	failures prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_retention_deleted_files_total",
			Help: "Files of evidence deleted because their time was up, by kind; orphan: no case refers to it.",
		}, []string{"kind"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_retention_failures_total",
			Help: "Sweeps that could not delete all that was due.",
		}),
	}
	reg.MustRegister(m.deleted, m.failures)
	return m
}
