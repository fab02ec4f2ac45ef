package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/proof"
	"tidewatch/storage/blob"
	"tidewatch/storage/kafka"
)

// withCaseLog opens the case log for a command that works beside a Tidewatch
// that runs, or while none does.
func withCaseLog(ctx context.Context, cfg *config.Config, log *slog.Logger, do func(context.Context, *kafka.Log) error) (err error) {
	a := &App{cfg: cfg, log: log, registry: prometheus.NewRegistry(), store: &store{}}
	defer func() { err = errors.Join(err, a.Close()) }()
	settings := logConfig(cfg)
	if len(settings.Brokers) == 0 {
		if err := a.reachBroker(ctx, &settings); err != nil {
			return err
		}
	}
	// The spool of the running one is its own.
	if settings.SpoolDir, err = os.MkdirTemp("", "tidewatch-spool-"); err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	a.later(func() error { return os.RemoveAll(settings.SpoolDir) })
	cases, err := kafka.NewLog(settings, log, a.registry)
	if err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	a.later(cases.Close)
	return do(ctx, cases)
}

// reachBroker starts the embedded broker, or finds that of the Tidewatch that
// has the data folder.
func (a *App) reachBroker(ctx context.Context, settings *kafka.Config) error {
	err := a.openData(ctx)
	if err == nil {
		return a.openBroker(settings)
	}
	if !errors.Is(err, errInUse) {
		return err
	}
	socket := kafka.SocketOf(brokerDir(a.cfg))
	if _, err := os.Stat(socket); err != nil {
		return fmt.Errorf("find the embedded broker: %w; is the other process a tidewatch that has finished its start?", err)
	}
	settings.Brokers = []string{kafka.AddressOf(socket)}
	return nil
}

// gathering bounds how long reading the whole case log may take without its
// broker answering.
const gathering = 10 * time.Minute

// AllCases reads every case from the case log, by ID.
func AllCases(ctx context.Context, cfg *config.Config, log *slog.Logger) (cases []enforce.Case, err error) {
	err = withCaseLog(ctx, cfg, log, func(ctx context.Context, l *kafka.Log) error {
		found, err := gather(ctx, l)
		for _, id := range slices.Sorted(maps.Keys(found)) {
			cases = append(cases, found[id])
		}
		return err
	})
	return cases, err
}

// gather reads all cases from the log.
func gather(ctx context.Context, l *kafka.Log) (map[string]enforce.Case, error) {
	cases := map[string]enforce.Case{}
	err := toTheEnd(ctx, l, func(e enforce.Event) {
		if c, _ := cases[e.Case].Apply(e); c.ID != "" {
			cases[e.Case] = c
		}
	})
	if err != nil {
		return nil, err
	}
	return cases, nil
}

// toTheEnd reads the case log to its present end.
func toTheEnd(ctx context.Context, l *kafka.Log, apply func(enforce.Event)) error {
	ctx, cancel := context.WithTimeout(ctx, gathering)
	defer cancel()
	group, reading := errgroup.WithContext(ctx)
	reading, enough := context.WithCancel(reading)
	defer enough()
	complete := false
	group.Go(func() error { return l.Run(reading) })
	group.Go(func() error {
		defer enough()
		return l.Follow(reading, func() { complete = true; enough() }, func(e enforce.Event, _ kafka.Position) error {
			apply(e)
			return nil
		})
	})
	err := group.Wait()
	switch {
	case complete:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("read the case log: %w", ctx.Err())
	}
	return err
}

// Hold records that a case is held, or released.
func Hold(ctx context.Context, cfg *config.Config, log *slog.Logger, kind enforce.EventType, id, officer, reason string) (outcome enforce.Outcome, err error) {
	err = withCaseLog(ctx, cfg, log, func(ctx context.Context, l *kafka.Log) error {
		cases, err := gather(ctx, l)
		if err != nil {
			return err
		}
		c, known := cases[id]
		if !known {
			return fmt.Errorf("case %s: %w", id, enforce.ErrNoCase)
		}
		e := enforce.Event{
			ID: rand.Text(), Case: id, Type: kind, At: time.Now().UTC().Truncate(time.Microsecond),
			Actor: "officer/" + officer, Hold: &enforce.Hold{Reason: reason},
		}
		if err := e.Validate(); err != nil {
			return err
		}
		if _, outcome = c.Apply(e); outcome != enforce.Applied {
			return nil
		}
		err = l.Append(ctx, e)
		if err == nil && l.Waiting() > 0 { // the spool goes with this command
			err = errors.New("kafka did not take the event; nothing is recorded, try again")
		}
		return err
	})
	return outcome, err
}

// KeyDir is the folder of the keys.
func KeyDir(cfg *config.Config) string { return keyDir(cfg) }

// Checkpoint is the newest checkpoint of the log of evidence.
func Checkpoint(cfg *config.Config) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(logDir(cfg), "checkpoint"))
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w; the first start with this version begins the log", err)
	}
	return text, nil
}

// Verify checks the evidence of cases, as the case log has them, and the log of
// evidence. With all of the cases it looks for evidence of others too.
func Verify(ctx context.Context, cfg *config.Config, checker *proof.Checker, cases []enforce.Case, all bool, old map[string][]byte) error {
	log, err := readLog(ctx, cfg, checker, cases)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		log.CheckConsistency(name, old[name], checker.Keys, checker.Report)
	}
	files := blob.ReadDir(filepath.Join(cfg.Data, "files"))
	if err := checker.Cases(ctx, files, log, cases); err != nil {
		return err
	}
	if all {
		checker.Leaves(ctx, files, log, cases, time.Now())
	}
	return nil
}

// readLog reads a log that another process may be writing: what changes
// meanwhile is read again.
func readLog(ctx context.Context, cfg *config.Config, checker *proof.Checker, cases []enforce.Case) (*proof.Log, error) {
	proof.AwaitCheckpoint(ctx, logDir(cfg), cases)
	for try := 0; ; try++ {
		before, _ := Checkpoint(cfg) // that there is none is found below
		report := proof.NewReport(checker.Keys)
		log := proof.ReadLog(ctx, logDir(cfg), checker.Keys, report)
		after, _ := Checkpoint(cfg)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if report.Wrong() == 0 || bytes.Equal(before, after) || try == 3 {
			checker.Report.Leaves = report.Leaves
			checker.Report.Findings = append(checker.Report.Findings, report.Findings...)
			return log, nil
		}
	}
}
