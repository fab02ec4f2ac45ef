package audit

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	bytes, cases     prometheus.Counter
	wrong, completed prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) metrics {
	m := metrics{
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_audit_bytes_total", Help: "Bytes of stored evidence that were read to check them.",
		}),
		cases: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_audit_cases_total", Help: "Cases whose stored evidence was checked.",
		}),
		wrong: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tidewatch_evidence_audit_wrong", Help: "Findings of something wrong with stored evidence or its log that still stand.",
		}),
		completed: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "tidewatch_evidence_audit_completed_timestamp_seconds", Help: "When all stored evidence had last been checked; 0: never.",
		}),
	}
	reg.MustRegister(m.bytes, m.cases, m.wrong, m.completed)
	return m
}
