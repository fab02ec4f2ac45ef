package web

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Metrics are shared by the servers of a process.
type Metrics struct {
	connections *prometheus.GaugeVec
	refusals    *prometheus.CounterVec
}

// NewMetrics registers them.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	factory := promauto.With(reg)
	return &Metrics{
		connections: factory.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_web_connections",
			Help: "Open connections, by listener.",
		}, []string{"listener"}),
		refusals: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_web_refused_total",
			Help: "What was refused, by listener and reason: connections (too many; one was closed for another) " +
				"or host (called by a name that is not ours).",
		}, []string{"listener", "reason"}),
	}
}

// refused counts what a listener refuses.
func (m *Metrics) refused(listener string) func(reason string) {
	return func(reason string) { m.refusals.WithLabelValues(listener, reason).Inc() }
}
