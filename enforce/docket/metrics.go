package docket

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what becomes of stops.
type Metrics struct {
	open     *prometheus.GaugeVec
	opened   *prometheus.CounterVec
	dropped  prometheus.Counter
	exempt   *prometheus.CounterVec
	failures prometheus.Counter
}

// NewMetrics registers the dockets' metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_enforce_open_stops",
			Help: "Stops in a zone that the judge is watching, by camera.",
		}, []string{"camera"}),
		opened: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_enforce_cases_opened_total",
			Help: "Cases opened, by road section.",
		}, []string{"section"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_enforce_stops_dropped_total",
			Help: "Suspected stops that ended with too few pictures to prove them.",
		}),
		exempt: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_enforce_stops_exempt_total",
			Help: "Stops that would have been suspected if their vehicle were not exempt, by kind of exemption.",
		}, []string{"kind"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_enforce_failures_total",
			Help: "Attempts to open or end a case that failed and are tried again at the next look.",
		}),
	}
	reg.MustRegister(m.open, m.opened, m.dropped, m.exempt, m.failures)
	return m
}
