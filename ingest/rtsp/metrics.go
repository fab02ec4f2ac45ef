package rtsp

import (
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/ingest"
)

// Metrics counts what is lost between cameras and us.
type Metrics struct {
	gaps, discarded, undecodable, foreign *prometheus.CounterVec
}

// NewMetrics registers the metrics of this package. It panics if they are
// registered already.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "tidewatch", Subsystem: "rtsp", Name: name, Help: help,
		}, []string{"camera", "stream"})
		reg.MustRegister(c)
		return c
	}
	return &Metrics{
		gaps:        counter("gaps_total", "Gaps in the sequence of RTP packets; pictures are damaged until the next whole key unit."),
		discarded:   counter("discarded_packets_total", "Packets dropped because they could not be understood, or are useless without missing ones."),
		undecodable: counter("undecodable_units_total", "Access units dropped because they hold no picture, or no key unit had come before them on the connection."),
		foreign:     counter("foreign_packets_total", "Packets dropped because another sender than the camera's stream sent them on its channel."),
	}
}

// StreamMetrics are the metrics of one stream of a camera.
type StreamMetrics struct {
	Gaps, Discarded, Undecodable, Foreign prometheus.Counter
}

// Stream returns the metrics of a camera's stream; the same for the same names.
func (m *Metrics) Stream(id string, stream ingest.Stream) StreamMetrics {
	return StreamMetrics{
		Gaps:        m.gaps.WithLabelValues(id, string(stream)),
		Discarded:   m.discarded.WithLabelValues(id, string(stream)),
		Undecodable: m.undecodable.WithLabelValues(id, string(stream)),
		Foreign:     m.foreign.WithLabelValues(id, string(stream)),
	}
}
