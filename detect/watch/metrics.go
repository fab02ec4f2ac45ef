package watch

import (
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/detect/picture"
)

// Metrics tells what the watchers see and what it costs.
type Metrics struct {
	inference prometheus.Histogram
	looks     *prometheus.CounterVec
	spared    *prometheus.CounterVec
	lost      *prometheus.CounterVec
	early     *prometheus.CounterVec
	soon      *prometheus.CounterVec
	opened    *prometheus.CounterVec
	backdated *prometheus.CounterVec
	postdated *prometheus.CounterVec
	ended     *prometheus.CounterVec
	open      *prometheus.GaugeVec
	plates    *prometheus.CounterVec
	unsaved   *prometheus.CounterVec
	doubts    *prometheus.CounterVec
	unseen    *prometheus.CounterVec
	blind     *prometheus.GaugeVec
	shift     *prometheus.GaugeVec
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
		looks:     byCamera("tidewatch_detect_looks_total", "Pictures looked at."),
		spared:    byCamera("tidewatch_detect_spared_looks_total", "Pictures looked at in which nothing had moved, so that the vehicle network was not run."),
		lost:      byCamera("tidewatch_detect_lost_looks_total", "Pictures that could not be brought together with the one before; nothing was judged by them."),
		early:     byCamera("tidewatch_detect_early_looks_total", "Pictures older than the newest one by the clock judged by; they were not looked at."),
		soon:      byCamera("tidewatch_detect_soon_looks_total", "Pictures that came so soon after the one looked at that they tell nothing new; they were not looked at."),
		opened:    byCamera("tidewatch_detect_stops_opened_total", "Vehicles that came to stand."),
		backdated: byCamera("tidewatch_detect_backdated_pictures_total", "Pictures not looked at in time in which a stop had already begun; it begins there."),
		postdated: byCamera("tidewatch_detect_postdated_pictures_total", "Pictures not looked at in time in which a vehicle still stood that was gone in the next look; its stop goes on to there."),
		ended:     byCamera("tidewatch_detect_stops_ended_total", "Standing vehicles that left."),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_detect_open_stops", Help: "Vehicles that stand now.",
		}, []string{"camera"}),
		plates: byCamera("tidewatch_detect_plate_reads_total", "Attempts to read the plate of a standing vehicle, by outcome.", "outcome"),
		doubts: byCamera("tidewatch_detect_scene_doubts_total", "Pictures that did not show the camera's street, by reason; nothing was judged by them.", "reason"),
		unseen: byCamera("tidewatch_detect_scene_unseen_seconds_total", "Time for which a camera was blind, as known once it saw again; it counts towards no dwell."),
		blind: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_detect_scene_blind", Help: "1 while a camera is blind for this reason, else 0.",
		}, []string{"camera", "reason"}),
		shift: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tidewatch_detect_scene_shift_ratio", Help: "How far the picture lies from where the zones were drawn, as a share of its longer side; as last known.",
		}, []string{"camera"}),
		unsaved: byCamera("tidewatch_detect_unsaved_stops_total", "Times that an open stop could not be written to disk, or not be read back."),
	}
	reg.MustRegister(m.inference, m.looks, m.spared, m.lost, m.early, m.soon, m.opened, m.backdated, m.postdated, m.ended, m.open, m.plates, m.unsaved, m.doubts, m.unseen, m.blind, m.shift)
	return m
}

// cameraMetrics are the metrics of one camera.
type cameraMetrics struct {
	inference                                                                      prometheus.Observer
	looks, spared, lost, early, soon, opened, backdated, postdated, ended, unsaved prometheus.Counter
	open                                                                           prometheus.Gauge
	plates                                                                         map[outcome]prometheus.Counter

	doubts map[picture.Fault]prometheus.Counter
	blind  map[picture.Fault]prometheus.Gauge
	unseen prometheus.Counter
	shift  prometheus.Gauge
}

// outcome is what became of an attempt to read a plate.
type outcome string

const (
	plateAccepted outcome = "accepted"
	plateUnread   outcome = "unread"
	plateNone     outcome = "none"   // no plate shows
	plateHidden   outcome = "hidden" // another vehicle is in front; not attempted
	plateSmall    outcome = "small"  // the vehicle is too small in the picture; not attempted
	plateFailed   outcome = "failed"
)

func (m *Metrics) camera(id string) cameraMetrics {
	c := cameraMetrics{
		inference: m.inference,
		looks:     m.looks.WithLabelValues(id),
		spared:    m.spared.WithLabelValues(id),
		lost:      m.lost.WithLabelValues(id),
		early:     m.early.WithLabelValues(id),
		soon:      m.soon.WithLabelValues(id),
		opened:    m.opened.WithLabelValues(id),
		backdated: m.backdated.WithLabelValues(id),
		postdated: m.postdated.WithLabelValues(id),
		ended:     m.ended.WithLabelValues(id),
		unsaved:   m.unsaved.WithLabelValues(id),
		open:      m.open.WithLabelValues(id),
		plates:    map[outcome]prometheus.Counter{},
		doubts:    map[picture.Fault]prometheus.Counter{},
		blind:     map[picture.Fault]prometheus.Gauge{},
		unseen:    m.unseen.WithLabelValues(id),
		shift:     m.shift.WithLabelValues(id),
	}
	for _, o := range []outcome{plateAccepted, plateUnread, plateNone, plateHidden, plateSmall, plateFailed} {
		c.plates[o] = m.plates.WithLabelValues(id, string(o))
	}
	for _, f := range picture.Faults {
		c.doubts[f] = m.doubts.WithLabelValues(id, string(f))
		c.blind[f] = m.blind.WithLabelValues(id, string(f))
	}
	return c
}
