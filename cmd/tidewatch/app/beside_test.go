package app

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/accounts"
	"tidewatch/storage/kafka"
)

// besides are the commands that need the case log.
var besides = map[string]func(context.Context, *App, string) error{
	"verify": func(ctx context.Context, a *App, _ string) error {
		_, err := ReadCaseLog(ctx, a.cfg, a.log)
		return err
	},
	"log acknowledge": func(ctx context.Context, a *App, _ string) error {
		_, err := Acknowledge(ctx, a.cfg, a.log)
		return err
	},
	"case export": func(ctx context.Context, a *App, _ string) error {
		return withCaseLog(ctx, a.cfg, a.log, func(ctx context.Context, l *kafka.Log) error {
			_, err := hear(ctx, l, "a")
			return err
		})
	},
	"case hold": func(ctx context.Context, a *App, password string) error {
		_, err := Hold{Kind: enforce.Held, Case: "a", Officer: "officer", Password: password, Reason: "objection"}.Record(ctx, a.cfg, a.log)
		return err
	},
	"case release": func(ctx context.Context, a *App, password string) error {
		_, err := Hold{Kind: enforce.Released, Case: "a", Officer: "officer", Password: password, Reason: "objection"}.Record(ctx, a.cfg, a.log)
		return err
	},
}

// alone are those that need the data folder for themselves.
var alone = map[string]func(context.Context, *App) error{
	"log repair": func(ctx context.Context, a *App) error { return RepairLog(ctx, a.cfg, a.log, false, io.Discard) },
	"doctor": func(ctx context.Context, a *App) error {
		_, err := CheckUp(ctx, a.cfg, "test", a.log, Look{})
		return err
	},
}

// hold has an app take its data folder.
func hold(t *testing.T, a *App) *App {
	t.Helper()
	if err := a.openData(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Commands beside a Tidewatch whose case log is not to be had say what is true,
// and what to do.
func TestCommandsBesideAShutLog(t *testing.T) {
	patience = 2 * time.Second // of no other test: none runs beside this one
	t.Cleanup(func() { patience = time.Minute })
	damaged := func(t *testing.T, data string) string {
		h := history{data: data}
		h.run(t, []enforce.Event{suspicion("a"), suspicion("b"), suspicion("c")})
		segment := filepath.Join(h.partition(h.fullest(t)), "0.dat")
		alter(t, segment, func(s []byte) []byte { return flipped(s, len(s)/2) })
		return segment
	}
	for name, each := range map[string]struct {
		state func(t *testing.T, data string) (cfg *config.Config, want []string)
	}{
		"shut at the start": {func(t *testing.T, data string) (*config.Config, []string) {
			segment := damaged(t, data)
			a := hold(t, newStores(t, data))
			if err := a.openStore(t.Context()); err != nil {
				t.Fatal(err)
			}
			return a.cfg, []string{"the case log is damaged; " + segment + " at byte ", "the tidewatch that runs keeps it shut: stop that one and run tidewatch log repair, which says what can be rebuilt"}
		}},
		"damaged while it runs": {func(t *testing.T, data string) (*config.Config, []string) {
			h := history{data: data}
			h.run(t, []enforce.Event{suspicion("a"), suspicion("b"), suspicion("c")})
			a := hold(t, newStores(t, data))
			if err := a.openStore(t.Context()); err != nil {
				t.Fatal(err)
			}
			segment := filepath.Join(h.partition(h.fullest(t)), "0.dat")
			alter(t, segment, func(s []byte) []byte { return flipped(s, len(s)/2) })
			return a.cfg, []string{"the case log is damaged; " + segment + " at byte ", "stop that one and run tidewatch log repair"}
		}},
		"in its start": {func(t *testing.T, data string) (*config.Config, []string) {
			history{data: data}.run(t, []enforce.Event{suspicion("a")})
			a := hold(t, newStores(t, data))
			return a.cfg, []string{"reach the case log: the tidewatch that has the data folder " + data + " does not serve it: it has not finished its start, or keeps the log shut; its /readyz and its log say why"}
		}},
		"kafka away": {func(t *testing.T, data string) (*config.Config, []string) {
			a := hold(t, newStores(t, data, closedPort(t)))
			return a.cfg, []string{"read the case log: kafka cannot be reached", "; is it running, and kafka.brokers right?"}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			cfg, want := each.state(t, data)
			password := ""
			if _, err := accounts.Open(filepath.Join(data, "officers.json"), func(_, given string) error { password = given; return nil }); err != nil {
				t.Fatal(err)
			}
			a := &App{cfg: cfg, log: newStores(t, data).log}
			for command, run := range besides {
				err := run(t.Context(), a, password)
				for _, text := range want {
					if err == nil || !strings.Contains(err.Error(), text) {
						t.Errorf("%s says %q, want %q", command, fmt.Sprint(err), text)
					}
				}
			}
			for command, run := range alone {
				if err := run(t.Context(), a); err == nil || !strings.Contains(err.Error(), "open the data folder: "+data+" is in use by another tidewatch") {
					t.Errorf("%s says %q", command, fmt.Sprint(err))
				}
			}
		})
	}
}
