package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// bare is an app that nothing has been opened of.
func bare(t *testing.T) *App {
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	a := &App{log: log, registry: prometheus.NewRegistry()}
	a.system, a.panics = newConditions(log, a.registry), newPanics(a.registry)
	return a
}

// TestAPartBeginsAnewAfterAPanic makes it anew each time, with metrics of its
// own, and says so as long as it is down.
func TestAPartBeginsAnewAfterAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := bare(t)
		made, ran := 0, 0
		run, err := a.openPart("police", minor, func(reg prometheus.Registerer) (work, error) {
			made++
			reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "of_the_part"}))
			return func(ctx context.Context) error {
				if ran++; ran <= 3 {
					panic("struck")
				}
				<-ctx.Done()
				return ctx.Err()
			}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- run(ctx) }()
		synctest.Wait()
		if bad := a.system.look(ctx); len(bad) != 1 || bad[0].Name != "police" || unready(bad) != nil {
			t.Errorf("while it is down: %+v", bad)
		}
		time.Sleep(usualPauses.first + 2*usualPauses.first + 4*usualPauses.first)
		synctest.Wait()
		if bad := a.system.look(ctx); len(bad) != 0 {
			t.Errorf("once it works: %+v", bad)
		}
		if n := testutil.ToFloat64(a.panics.WithLabelValues("police", "")); n != 3 || made != 4 || ran != 4 {
			t.Errorf("%v panics, made %d times, ran %d times", n, made, ran)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestAPartThatFailsOtherwiseEnds leaves what is no panic to whoever runs it.
func TestAPartThatFailsOtherwiseEnds(t *testing.T) {
	broken := errors.New("broken")
	run, err := bare(t).openPart("police", minor, func(prometheus.Registerer) (work, error) {
		return func(context.Context) error { return broken }, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}

// TestAPanicEndsTheStagesInOrder is one that nothing smaller has dealt with.
func TestAPanicEndsTheStagesInOrder(t *testing.T) {
	a := bare(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := a.begin(ctx, cancel, "storage", func(context.Context) error { panic("struck") })
	<-ctx.Done()
	if err := s.stop(); err == nil || err.Error() != "storage: panic: struck" {
		t.Errorf("ended with %v", err)
	}
}

func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var waited []time.Duration
		var failed time.Time
		held := map[int]time.Duration{5: time.Minute} // how long it works before it fails
		err := pauses{time.Second, 8 * time.Second}.again(ctx, func(context.Context) error {
			if n := len(waited); !failed.IsZero() {
				waited = append(waited, time.Since(failed))
				time.Sleep(held[n])
			}
			if len(waited) == 7 {
				cancel()
			}
			return errors.New("broken")
		}, func(error) { failed = time.Now() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		for i, want := range []time.Duration{1, 2, 4, 8, 8, 8, 1} {
			if waited[i] != want*time.Second {
				t.Errorf("pauses %v", waited)
				break
			}
		}
	})
}

func TestAPageThatPanics(t *testing.T) {
	for name, test := range map[string]struct {
		page func(http.ResponseWriter)
		cut  bool // no whole answer comes
		want float64
	}{
		"before it answers":        {func(http.ResponseWriter) { panic("struck") }, false, 1},
		"in the middle":            {func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 1<<16)); panic("struck") }, true, 1},
		"to hang up on the client": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := bare(t)
			mux := http.NewServeMux()
			mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { test.page(w) })
			pages := httptest.NewUnstartedServer(a.rescued(mux))
			pages.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			pages.Start()
			defer pages.Close()
			response, err := http.Get(pages.URL)
			body := new(strings.Builder)
			if err == nil {
				defer response.Body.Close()
				_, err = io.Copy(body, response.Body)
			}
			if (err != nil) != test.cut || !test.cut && (response.StatusCode != http.StatusInternalServerError || body.Len() == 0) {
				t.Errorf("got %v, %v, %q", response, err, body)
			}
			if n := testutil.ToFloat64(a.panics.WithLabelValues("pages", "")); n != test.want {
				t.Errorf("%v panics are counted", n)
			}
		})
	}
}
