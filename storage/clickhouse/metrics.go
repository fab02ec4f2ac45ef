package clickhouse

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type engineMetrics struct {
	up       prometheus.Gauge
	restarts prometheus.Counter
	analysts *prometheus.CounterVec
}

func newEngineMetrics(reg prometheus.Registerer) engineMetrics {
	in := promauto.With(reg)
	return engineMetrics{
		up: in.NewGauge(prometheus.GaugeOpts{
			Name: "tidewatch_clickhouse_engine_up", Help: "1 while the embedded engine serves.",
		}),
		restarts: in.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_clickhouse_engine_restarts_total", Help: "Times the embedded engine ended on its own, or did not answer, and was started again.",
		}),
		analysts: in.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_clickhouse_analyst_connections_total", Help: "Connections to the embedded engine's port for analysts, by what came of them.",
		}, []string{"outcome"}),
	}
}

func (m engineMetrics) setUp(up bool) {
	m.up.Set(0)
	if up {
		m.up.Set(1)
	}
}

type sinkMetrics struct {
	batches, known prometheus.Counter
	seconds        prometheus.Histogram
	rows, outcomes *prometheus.CounterVec
}

func newSinkMetrics(reg prometheus.Registerer) sinkMetrics {
	in := promauto.With(reg)
	return sinkMetrics{
		batches: in.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_clickhouse_batches_total", Help: "Batches of events stored.",
		}),
		known: in.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_clickhouse_known_events_total", Help: "Events passed over because they were stored before.",
		}),
		seconds: in.NewHistogram(prometheus.HistogramOpts{
			Name: "tidewatch_clickhouse_batch_seconds", Help: "Time that storing a batch took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
		}),
		rows: in.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_clickhouse_rows_total", Help: "Rows written.",
		}, []string{"table"}),
		outcomes: in.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_clickhouse_events_total", Help: "Events stored, by what they did to their case.",
		}, []string{"outcome"}),
	}
}

func (m sinkMetrics) count(work folded, took time.Duration) {
	m.batches.Inc()
	m.seconds.Observe(took.Seconds())
	m.known.Add(float64(work.known))
	m.rows.WithLabelValues("case_events").Add(float64(len(work.messages)))
	m.rows.WithLabelValues("cases").Add(float64(len(work.cases)))
	for _, outcome := range work.outcomes {
		m.outcomes.WithLabelValues(string(outcome)).Inc()
	}
}
