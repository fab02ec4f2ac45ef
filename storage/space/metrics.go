package space

import "github.com/prometheus/client_golang/prometheus"

// metrics tells of each file system that the data lies on, by its folder.
type metrics struct {
	free, size, files, days, writable *prometheus.GaugeVec
	failures                          *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tidewatch", Subsystem: "disk", Name: name, Help: help}, []string{"folder"})
		reg.MustRegister(g)
		return g
	}
	m := metrics{
		free:     gauge("free_bytes", "Room left on the file system for this user."),
		size:     gauge("size_bytes", "Size of the file system."),
		files:    gauge("free_files", "Files that can still be made on the file system; 0 too where it has no limit."),
		days:     gauge("days_left", "Days until the file system is full at the faster of the last day's and the last week's pace; +Inf: it does not fill, or too little is known."),
		writable: gauge("writable", "1 if the newest small file could be written and synced, else 0."),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_disk_write_failures_total", Help: "Small files that could not be written and synced.",
		}, []string{"folder"}),
	}
	reg.MustRegister(m.failures)
	return m
}

func (m metrics) enter(v volume) {
	m.free.WithLabelValues(v.dir).Set(float64(v.room.free))
	m.size.WithLabelValues(v.dir).Set(float64(v.room.size))
	m.files.WithLabelValues(v.dir).Set(float64(v.room.freeFiles))
	m.days.WithLabelValues(v.dir).Set(v.days)
	m.writable.WithLabelValues(v.dir).Set(1)
	failures := m.failures.WithLabelValues(v.dir)
	if v.broken != nil {
		m.writable.WithLabelValues(v.dir).Set(0)
		failures.Inc()
	}
}
