package watch

import "github.com/prometheus/client_golang/prometheus"

// Metrics tells what the watchers see and what it costs.
type Metrics struct {
	inference prometheus.Histogram
	looks     *prometheus.CounterVec
	spared    *prometheus.CounterVec
	lost      *prometheus.CounterVec
	early     *prometheus.CounterVec
	opened    *prometheus.CounterVec
	ended     *prometheus.CounterVec
	open      *prometheus.GaugeVec
	plates    *prometheus.CounterVec
	unsaved   *prometheus.CounterVec
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	byCamera := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"camera"}, labels...))
	}
	m := &Metrics{
		inference: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "tidewatch_detect_inference_seconds", Help: "Time to find the vehicles in one picture.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 10),
		}),
		looks:  byCamera("tidewatch_detect_looks_total", "Pictures looked at."),
		spared: byCamera("tidewatch_detect_spared_looks_total", "Pictures looked at in which nothing had moved, so that the vehicle network was not run."),
		lost:   byCamera("tidewatch_detect_lost_looks_total", "Pictures that could not be brought together with the one before; nothing was judged by them."),
		early:  byCamera("tidewatch_detect_early_looks_total", "Pictures older than the newest one by the clock judged by; they were not looked at."),
		opened: byCamera("tidewatch_detect_stops_opened_total", "Vehicles that came to stand."),
		ended:  byCamera("tidewatch_detect_stops_ended_total", "Standing vehicles that left."),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_detect_open_stops", Help: "Vehicles that stand now.",
		}, []string{"camera"}),
		plates:  byCamera("tidewatch_detect_plate_reads_total", "Attempts to read the plate of a standing vehicle, by outcome.", "outcome"),
		unsaved: byCamera("tidewatch_detect_unsaved_stops_total", "Times that an open stop could not be written to disk, or not be read back."),
	}
	reg.MustRegister(m.inference, m.looks, m.spared, m.lost, m.early, m.opened, m.ended, m.open, m.plates, m.unsaved)
	return m
}

// cameraMetrics are the metrics of one camera.
type cameraMetrics struct {
	inference                                          prometheus.Observer
	looks, spared, lost, early, opened, ended, unsaved prometheus.Counter
	open                                               prometheus.Gauge
	plates                                             map[outcome]prometheus.Counter
}

// outcome is what became of an attempt to read a plate.
type outcome string

const (
	plateAccepted outcome = "accepted"
	plateUnread   outcome = "unread"
	plateNone     outcome = "none"   // no plate shows
	plateHidden   outcome = "hidden" // another vehicle is in front; not attempted
	plateFailed   outcome = "failed"
)

func (m *Metrics) camera(id string) cameraMetrics {
	c := cameraMetrics{
		inference: m.inference,
		looks:     m.looks.WithLabelValues(id),
		spared:    m.spared.WithLabelValues(id),
		lost:      m.lost.WithLabelValues(id),
		early:     m.early.WithLabelValues(id),
		opened:    m.opened.WithLabelValues(id),
		ended:     m.ended.WithLabelValues(id),
		unsaved:   m.unsaved.WithLabelValues(id),
		open:      m.open.WithLabelValues(id),
		plates:    map[outcome]prometheus.Counter{},
	}
	for _, o := range []outcome{plateAccepted, plateUnread, plateNone, plateHidden, plateFailed} {
		c.plates[o] = m.plates.WithLabelValues(id, string(o))
	}
	return c
}
