package exempt

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	entries, stale prometheus.Gauge
	failures       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) metrics {
	in := promauto.With(reg)
	return metrics{
		entries: in.NewGauge(prometheus.GaugeOpts{
			Name: "tidewatch_enforce_exemptions", Help: "Entries of the list of exempt vehicles in force.",
		}),
		stale: in.NewGauge(prometheus.GaugeOpts{
			Name: "tidewatch_enforce_exemptions_stale", Help: "1 while the list in force is an older one, since the file cannot be read.",
		}),
		failures: in.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_enforce_exemptions_failures_total", Help: "Lists of exempt vehicles that were not taken, for a mistake in them.",
		}),
	}
}
