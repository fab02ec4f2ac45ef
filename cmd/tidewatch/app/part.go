package app

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/rescue"
)

// part is something beside the cameras that may fail alone: the way to the
// police, the custody of evidence. It has all that it knows from the case log, so
// that after a panic it is made anew and reads that again, while the rest goes on.
type part struct {
	make     func(prometheus.Registerer) (work, error)
	registry registrations
	pauses   pauses
	failed   func(error)

	fresh work // made, and not yet run

	mu   sync.Mutex
	down error // why it does not work just now
}

// openPart makes a part, which runs until its context is done or it fails
// otherwise than by a panic. While it is down after one, that is a condition of
// the system.
func (a *App) openPart(name string, grade grade, make func(prometheus.Registerer) (work, error)) (work, error) {
	p := &part{make: make, registry: registrations{Registerer: a.registry}, pauses: usualPauses}
	p.failed = func(err error) {
		p.set(errors.New("failed by a fault of the program, and begins anew after a pause; see the log, and report it"))
		tellPanic(a.log.With("part", name), "a part failed, it begins anew after a pause", err, a.panics.WithLabelValues(name, ""))
	}
	if err := p.renew(); err != nil {
		return nil, err
	}
	a.system.watch(name, grade, func(context.Context) error { return p.health() })
	return p.run, nil
}

func (p *part) renew() (err error) {
	p.registry.clear()
	p.fresh, err = p.make(&p.registry)
	return err
}

func (p *part) run(ctx context.Context) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	var last error
	err := p.pauses.again(ctx, func(ctx context.Context) error {
		if last = rescue.Do(func() error { return p.work(ctx) }); rescue.From(last) == nil {
			end() // of its own accord
		}
		return last
	}, p.failed)
	if rescue.From(last) == nil {
		return last
	}
	return err
}

func (p *part) work(ctx context.Context) error {
	if p.fresh == nil {
		if err := p.renew(); err != nil {
			return err
		}
	}
	do := p.fresh
	p.fresh = nil
	p.set(nil)
	return do(ctx)
}

func (p *part) set(down error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *part) health() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.down
}

// registrations are the metrics of one part, which can be taken back: the next
// one registers its own.
type registrations struct {
	prometheus.Registerer
	made []prometheus.Collector
}

// Register implements prometheus.Registerer.
func (r *registrations) Register(c prometheus.Collector) error {
	err := r.Registerer.Register(c)
	if err == nil {
		r.made = append(r.made, c)
	}
	return err
}

// MustRegister implements prometheus.Registerer.
func (r *registrations) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

func (r *registrations) clear() {
	for _, c := range r.made {
		r.Unregister(c)
	}
	r.made = nil
}

func newPanics(reg prometheus.Registerer) *prometheus.CounterVec {
	panics := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tidewatch_panics_total",
		Help: "Panics that ended a part of the program, which then began anew; any is a fault to be reported.",
	}, []string{"part", "camera"})
	reg.MustRegister(panics)
	return panics
}
