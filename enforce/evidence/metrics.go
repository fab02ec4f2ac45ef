package evidence

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what is kept.
type Metrics struct {
	bytes        *prometheus.CounterVec
	seconds      prometheus.Histogram
	missingClips prometheus.Counter
	shortClips   prometheus.Counter

	missingPlates prometheus.Counter
	missingCopies prometheus.Counter
}

// NewMetrics registers the evidence's metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_evidence_bytes_total",
			Help: "Bytes of evidence stored, by kind of file.",
		}, []string{"kind"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidewatch_evidence_record_seconds",
			Help:    "Time to render and store the evidence of one violation, the wait for the end of its clip included.",
			Buckets: prometheus.ExponentialBuckets(0.01, 2, 12),
		}),
		missingClips: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_missing_clips_total",
			Help: "Violations whose evidence has no clip because the ring could not give one.",
		}),
		shortClips: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_short_clips_total",
			Help: "Clips that begin later or end earlier than they should because the ring had no more.",
		}),
		missingPlates: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_missing_plates_total",
			Help: "Plates that were read and whose picture could not be made again.",
		}),
		missingCopies: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_evidence_missing_copies_total",
			Help: "Marked copies and composites that could not be drawn; their originals are kept.",
		}),
	}
	reg.MustRegister(m.bytes, m.seconds, m.missingClips, m.shortClips, m.missingPlates, m.missingCopies)
	return m
}
