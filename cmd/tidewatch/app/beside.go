package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/proof"
	"tidewatch/storage/blob"
	"tidewatch/storage/kafka"
)

// withCaseLog opens the case log for a command that works beside a Tidewatch
// that runs, or while none does.
func withCaseLog(ctx context.Context, cfg *config.Config, log *slog.Logger, do func(context.Context, *kafka.Log) error) error {
	who, err := readAuthors(cfg)
	if err != nil {
		return err
	}
	return withCaseLogOf(ctx, cfg, who, log, do)
}

// withCaseLogOf does it where it is known already who may write.
func withCaseLogOf(ctx context.Context, cfg *config.Config, who *authors.Authors, log *slog.Logger, do func(context.Context, *kafka.Log) error) (err error) {
	a := &App{cfg: cfg, log: log, registry: prometheus.NewRegistry(), store: &store{}}
	defer func() { err = errors.Join(err, a.Close()) }()
	settings := logConfig(cfg)
	settings.Authors = who
	if len(settings.Brokers) == 0 {
		if err := a.reachBroker(ctx, &settings); err != nil {
			return err
		}
	}
	// The spool of the running one is its own.
	folder, err := os.MkdirTemp("", "tidewatch-spool-")
	if err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	a.later(func() error { return os.RemoveAll(folder) })
	settings.SpoolDir = filepath.Join(folder, "spool")
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
		return a.openAlone(settings)
	}
	if !errors.Is(err, errInUse) {
		return err
	}
	return a.besideAnother(ctx, settings)
}

// besideAnother finds the embedded broker of the Tidewatch that has the data
// folder. A command neither reads nor adds to a log that is damaged.
func (a *App) besideAnother(ctx context.Context, settings *kafka.Config) error {
	if err := a.openPrefix(); err != nil {
		return err
	}
	var loss *kafka.Loss
	if err := kafka.Look(a.brokerConfig()); errors.As(err, &loss) {
		return fmt.Errorf("%w; the tidewatch that runs keeps it shut: stop that one and run tidewatch log repair, which says what can be rebuilt", loss)
	} else if err != nil {
		return fmt.Errorf("look at the case log: %w", err)
	}
	socket := kafka.SocketOf(brokerDir(a.cfg))
	if err := kafka.Knock(ctx, socket); err != nil {
		return fmt.Errorf("reach the case log: the tidewatch that has the data folder %s does not serve it: it has not finished its start, or keeps the log shut; its /readyz and its log say why (%w)", a.cfg.Data, err)
	}
	settings.Brokers = []string{kafka.AddressOf(socket)}
	return nil
}

// openAlone starts the embedded broker for a command.
func (a *App) openAlone(settings *kafka.Config) error {
	err := a.openBroker(settings)
	var loss *kafka.Loss
	if errors.As(err, &loss) {
		return fmt.Errorf("%w; tidewatch log repair says what can be rebuilt", err)
	}
	return err
}

// gathering bounds how long reading the whole case log may take without its
// broker answering.
const gathering = 10 * time.Minute

// Contents is what a case log holds.
type Contents struct {
	Cases     []enforce.Case   // by ID
	Strangers []kafka.Stranger // what this system did not write
	Earlier   int              // events that count although they are not signed
}

// ReadCaseLog reads the case log to its end.
func ReadCaseLog(ctx context.Context, cfg *config.Config, log *slog.Logger) (c Contents, err error) {
	who, err := readAuthors(cfg)
	if err != nil {
		return c, err
	}
	err = withCaseLogOf(ctx, cfg, who, log, func(ctx context.Context, l *kafka.Log) error {
		found, err := gather(ctx, l)
		for _, id := range slices.Sorted(maps.Keys(found)) {
			c.Cases = append(c.Cases, found[id])
		}
		c.Strangers, c.Earlier = l.Met(), who.Earlier()
		return err
	})
	return c, err
}

// gather reads all cases from the log.
func gather(ctx context.Context, l *kafka.Log) (map[string]enforce.Case, error) {
	cases := map[string]enforce.Case{}
	err := toTheEnd(ctx, l, func(e enforce.Checked) {
		if c, _ := cases[e.Claim().Case].Apply(e); c.ID != "" {
			cases[c.ID] = c
		}
	})
	if err != nil {
		return nil, err
	}
	return cases, nil
}

// toTheEnd reads the case log to its present end.
func toTheEnd(ctx context.Context, l *kafka.Log, apply func(enforce.Checked)) error {
	ctx, cancel := context.WithTimeout(ctx, gathering)
	defer cancel()
	group, reading := errgroup.WithContext(ctx)
	reading, enough := context.WithCancel(reading)
	defer enough()
	complete := false
	var heard atomic.Int64 // when the broker last gave us something, in nanoseconds since 1970
	heard.Store(time.Now().UnixNano())
	group.Go(func() error { return silent(reading, l, &heard) })
	group.Go(func() error { return l.Run(reading) })
	group.Go(func() error {
		defer enough()
		return l.Follow(reading, func() { complete = true; enough() }, func(e enforce.Checked) error {
			heard.Store(time.Now().UnixNano())
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

// patience is for how long a command waits for a broker that does not answer.
var patience = time.Minute

// silent returns an error once the broker has not answered for too long.
func silent(ctx context.Context, l *kafka.Log, heard *atomic.Int64) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(patience / 10):
		}
		if why := l.Away(); why != nil && time.Since(time.Unix(0, heard.Load())) > patience {
			return fmt.Errorf("read the case log: %w; is it running, and kafka.brokers right?", why)
		}
	}
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

// Verify checks cases, as the case log has them, with their evidence, and the log
// of evidence. With all of the cases it looks for evidence of others too.
func Verify(ctx context.Context, cfg *config.Config, slogger *slog.Logger, checker *proof.Checker, of Contents, all bool, old map[string][]byte) error {
	if err := reportAuthors(cfg, checker.Report, of, all); err != nil {
		return err
	}
	cases := of.Cases
	log, err := readLog(ctx, cfg, checker)
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
	if !all {
		return nil
	}
	return leaves(ctx, cfg, slogger, checker, files, log, cases)
}

// leaves looks for evidence of cases that the case log does not know. Where there
// is any, a case may have opened since the case log was read: what is under way
// is looked at first, then the case log again, so that no case is missed that goes
// from the one to the other.
func leaves(ctx context.Context, cfg *config.Config, slogger *slog.Logger, checker *proof.Checker, files proof.Files, log *proof.Log, cases []enforce.Case) error {
	known := map[string]bool{}
	for _, c := range cases {
		known[c.ID] = true
	}
	var waits pending
	for leaf := range log.Manifests() {
		if known[leaf.Case] {
			continue
		}
		waits = readPending(cfg)
		newer, err := ReadCaseLog(ctx, cfg, slogger)
		if err != nil {
			return err
		}
		cases = newer.Cases
		break
	}
	checker.Leaves(ctx, files, log, cases, waits.why)
	return nil
}

// readLog reads a log that another process may be writing: what changes
// meanwhile is read again.
func readLog(ctx context.Context, cfg *config.Config, checker *proof.Checker) (*proof.Log, error) {
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
