package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"tidewatch/enforce/review"
	"tidewatch/ingest"
	"tidewatch/ingest/decode"
)

// serve answers officers, and operators' probes, until ctx is done.
func (a *App) serve(ctx context.Context) error {
	cfg := review.DefaultConfig()
	cfg.SecureCookies = a.cfg.SecureCookies
	cameras := newFleet(a.cfg, a.cameras, a.vision.decoders)
	pages := review.New(cfg, review.Dependencies{
		Cases: a.store.cases, Records: a.store.cases, Log: a.store.log, Files: a.files,
		Offences: a.store.cases, Exemptions: a.exemptions(),
		Cameras: cameras, Officers: a.officers, Previews: decode.Previewer{}, Logger: a.log, Metrics: a.registry,
	})
	mux := http.NewServeMux()
	mux.Handle("/", pages.Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{Registry: a.registry}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /cameras.json", cameras.report)
	server := &http.Server{
		Handler: a.rescued(mux), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(a.pages); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.DecisionWait+5*time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil { // a browser that holds on is let go
			return server.Close()
		}
		return nil
	})
	return group.Wait()
}

// readiness is what /readyz answers: whether cases can be kept and decided,
// and how the police platform and each camera fare. Neither makes Tidewatch
// unready: confirmed cases wait, and the other cameras are watched.
type readiness struct {
	Ready   bool                     `json:"ready"`
	Why     string                   `json:"why,omitempty"`
	System  []state                  `json:"system"` // what is not well, grave or not
	Police  string                   `json:"police"` // registered, not registered, none
	Cameras map[string]ingest.Health `json:"cameras"`
}

func (a *App) readyz(w http.ResponseWriter, r *http.Request) {
	answer := readiness{Ready: true, System: a.system.look(r.Context()), Cameras: map[string]ingest.Health{}}
	if err := unready(answer.System); err != nil {
		answer.Ready, answer.Why = false, err.Error()
	}
	answer.Police = a.police.Load().state()
	for _, c := range a.cameras {
		answer.Cameras[c.ID] = c.Health()
	}
	w.Header().Set("Content-Type", "application/json")
	if !answer.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		a.log.Debug("answer readiness", "error", err)
	}
}
