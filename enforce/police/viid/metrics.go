package viid

import (
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce/police"
)

type metrics struct {
	requests *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, registered func() bool) metrics {
	m := metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidewatch_viid_requests_total",
		Help: "Calls to the GA/T 1400 platform by call and outcome: answered (accepted or refused for good), or the kind of problem.",
	}, []string{"call", "outcome"})}
	reg.MustRegister(m.requests, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidewatch_viid_registered",
		Help: "1 while the GA/T 1400 platform knows us.",
	}, func() float64 {
		if registered() {
			return 1
		}
		return 0
	}))
	return m
}

func (m metrics) count(call string, err error) {
	outcome := "answered"
	if err != nil {
		outcome = string(police.KindOf(err))
	}
	m.requests.WithLabelValues(call, outcome).Inc()
}
