package kafka

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	appended, spooled, drained, setAside prometheus.Counter
	consumed, rejected, retries, errors  prometheus.Counter
	handling                             prometheus.Histogram
	lag                                  *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer, waiting *spool) metrics {
	in := promauto.With(reg)
	counter := func(name, help string) prometheus.Counter {
		return in.NewCounter(prometheus.CounterOpts{Name: "tidewatch_caselog_" + name, Help: help})
	}
	in.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidewatch_caselog_spool_events", Help: "Events that wait on disk for Kafka.",
	}, func() float64 { return float64(waiting.depth()) })
	in.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidewatch_caselog_refused_events",
		Help: "Events that wait on disk because Kafka refuses one of their case for its size or content.",
	}, func() float64 { refused, _ := waiting.refused(); return float64(refused) })
	return metrics{
		appended: counter("appended_total", "Events that Kafka took at once."),
		spooled:  counter("spooled_total", "Events put on disk because Kafka did not take them."),
		drained:  counter("drained_total", "Events sent from the disk to Kafka."),
		setAside: counter("set_aside_total", "Events on disk that could not be read and were set aside."),
		consumed: counter("consumed_total", "Messages whose effect is stored and whose offset is committed."),
		rejected: counter("rejected_total", "Messages passed over because they are no events."),
		retries:  counter("retries_total", "Batches that had to be tried again."),
		errors:   counter("errors_total", "Failed dealings with Kafka."),
		handling: in.NewHistogram(prometheus.HistogramOpts{
			Name: "tidewatch_caselog_handling_seconds", Help: "Time that handling a batch took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		lag: in.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_caselog_lag_events", Help: "Messages of a partition not handled yet, at the newest batch.",
		}, []string{"group", "partition"}),
	}
}
