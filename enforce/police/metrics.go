package police

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	submissions  *prometheus.CounterVec
	seconds      prometheus.Histogram
	retries      prometheus.Counter
	appendErrors prometheus.Counter
	withheld     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, waiting func() float64) metrics {
	m := metrics{
		submissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_police_submissions_total",
			Help: "Submissions to the police platform by outcome: accepted, refused, or the kind of problem; panic: a fault of ours.",
		}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "tidewatch_police_submission_seconds",
			Help:    "Time one submission took, whatever came of it.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_police_retries_total",
			Help: "Submissions of cases that had been tried before.",
		}),
		withheld: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_police_withheld_total",
			Help: "Submissions that were not made because the decision behind them did not prove who took it.",
		}),
		appendErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "tidewatch_police_append_errors_total",
			Help: "Receipts and failures that could not be written to the case log at once.",
		}),
	}
	reg.MustRegister(m.submissions, m.seconds, m.retries, m.appendErrors, m.withheld, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tidewatch_police_waiting_cases",
		Help: "Confirmed cases without a receipt.",
	}, waiting))
	return m
}
