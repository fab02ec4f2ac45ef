package accounts

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	signIns  *prometheus.CounterVec
	signOuts prometheus.Counter
	check    prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	return &metrics{
		signIns: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_accounts_sign_ins_total",
			Help: "Sign-ins by outcome: signed_in, wrong (name or password), too_soon (after others from that address), " +
				"busy (too many at once) or left (before an answer); and by whether the device is known.",
		}, []string{"outcome", "device"}),
		signOuts: factory.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_accounts_sign_outs_total",
			Help: "Officers who signed out.",
		}),
		check: factory.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidewatch_accounts_check_seconds",
			Help:    "Time to check a password once it is its turn.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5},
		}),
	}
}
