package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tidewatch/enforce/web"
)

// openOps takes the port of metrics and probes, if there is one.
func (a *App) openOps(context.Context) (err error) {
	if a.cfg.Web.Ops == "" {
		return nil
	}
	if a.desk.ops, err = a.listen(a.cfg.Web.Ops); err != nil {
		return fmt.Errorf("open metrics and probes: %w; choose another address (listen_ops)", err)
	}
	return nil
}

// OpsAddress is the host and port of metrics and probes, empty if there are
// none.
func (a *App) OpsAddress() string {
	if a.desk.ops == nil {
		return ""
	}
	return a.desk.ops.Addr().String()
}

// longestProfile is how long an answer may take to begin: a profile is taken
// before it is sent.
const longestProfile = 5 * time.Minute

// serveOps answers operators and their programs until ctx is done. Nobody signs
// in here: it is for loopback and networks of the operator's own.
func (a *App) serveOps(ctx context.Context) error {
	if a.desk.ops == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	cfg := a.webConfig("ops")
	cfg.Write, cfg.Stop, cfg.PerAddress = longestProfile, 2*time.Second, cfg.Connections
	handler := web.Whole(a.opsRoutes(), 0, func(w http.ResponseWriter, _ *http.Request, status int) {
		http.Error(w, http.StatusText(status), status)
	})
	return web.NewServer(cfg, a.desk.ops, a.rescued(handler), a.log, a.webMetrics).Run(ctx)
}

func (a *App) opsRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Registry: a.registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /cameras.json", newFleet(a.cfg, a.cameras, a.vision.decoders).report)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// readiness is what /readyz answers: whether cases can be kept and decided,
// and how the police platform and each camera fare. Neither makes Tidewatch
// unready: confirmed cases wait, and the other cameras are watched.
type readiness struct {
	Ready   bool                    `json:"ready"`
	Why     string                  `json:"why,omitempty"`
	System  []state                 `json:"system"` // what is not well, grave or not
	Police  string                  `json:"police"` // registered, not registered, none
	Cameras map[string]healthReport `json:"cameras"`
}

func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	answer := readiness{Ready: true, System: a.system.look(r.Context()), Cameras: map[string]healthReport{}}
	if err := unready(answer.System); err != nil {
		answer.Ready, answer.Why = false, err.Error()
	}
	answer.Police = a.police.Load().state()
	for _, c := range a.cameras {
		answer.Cameras[c.ID] = healthReportOf(c.Health())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		a.log.Debug("answer readiness", "error", err)
	}
}
