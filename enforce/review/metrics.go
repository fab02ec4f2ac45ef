package review

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	decisions *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	factory := promauto.With(reg)
	return &metrics{
		requests: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_review_requests_total",
			Help: "Requests to the officers' pages, by route and status code.",
		}, []string{"route", "code"}),
		seconds: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "tidewatch_review_request_seconds",
			Help:    "Time to answer a request to the officers' pages, by route.",
			Buckets: []float64{.005, .025, .1, .25, .5, 1, 2.5, 5, 10, 20},
		}, []string{"route"}),
		decisions: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "tidewatch_review_decisions_total",
			Help: "Decisions that officers sent, by kind and by what became of them: applied, " +
				"late (in the log, not yet seen in the case), stale (somebody decided before), " +
				"invalid (the form was refused) or unrecorded (the log did not take it).",
		}, []string{"kind", "outcome"}),
	}
}

// measured counts the requests of a route and their time.
func (s *Server) measured(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		seen := &coded{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.metrics.requests.WithLabelValues(route, strconv.Itoa(seen.code)).Inc()
		s.metrics.seconds.WithLabelValues(route).Observe(time.Since(begin).Seconds())
	})
}

// coded remembers the status code that went out.
type coded struct {
	http.ResponseWriter
	code int
}

func (c *coded) WriteHeader(code int) {
	c.code = code
	c.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (c *coded) Unwrap() http.ResponseWriter { return c.ResponseWriter }
