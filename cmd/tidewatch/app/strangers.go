package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
	"tidewatch/storage/kafka"
)

// watchStrangers says when somebody else writes to the case log. What they write
// is void, so that nothing is in danger but the peace of whoever runs this.
func (a *App) watchStrangers() {
	a.system.watch("case_log_strangers", minor, func(context.Context) error {
		seen, err := readSeen(a.cfg)
		if err != nil {
			return err
		}
		return a.store.log.Strangers(seen)
	})
}

// seenPath is the file that says up to where strangers in the case log are
// known: offsets by partition. It silences the alarm and makes nothing count.
func seenPath(cfg *config.Config) string { return filepath.Join(cfg.Data, "strangers.json") }

func readSeen(cfg *config.Config) (seen map[int]int64, err error) {
	text, err := os.ReadFile(seenPath(cfg))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &seen)
	}
	if err != nil {
		return nil, fmt.Errorf("read which strangers are known: %w; remove the file and run tidewatch log acknowledge again", err)
	}
	return seen, nil
}

// Acknowledge notes that all strangers in the case log are known, and returns
// how many there are.
func Acknowledge(ctx context.Context, cfg *config.Config, log *slog.Logger) (int, error) {
	found, err := ReadCaseLog(ctx, cfg, log)
	if err != nil {
		return 0, err
	}
	seen := map[int]int64{}
	for _, one := range found.Strangers {
		seen[one.Partition] = max(seen[one.Partition], one.Offset+1)
	}
	text, err := json.Marshal(seen)
	if err == nil {
		err = os.WriteFile(seenPath(cfg), text, 0o600)
	}
	if err != nil {
		return 0, fmt.Errorf("acknowledge strangers: %w", err)
	}
	return len(found.Strangers), nil
}

// reportAuthors adds to a report what this system did not write: of the cases
// that are checked, or all of it.
func reportAuthors(cfg *config.Config, report *proof.Report, of Contents, all bool) error {
	seen, err := readSeen(cfg)
	if err != nil {
		return err
	}
	if all && of.Earlier > 0 {
		report.Add("", "case log", proof.Unsigned, fmt.Sprintf("holds %d events from before events were signed", of.Earlier),
			"They count where and as they stood then; nothing else shows who wrote them")
	}
	for _, one := range of.Strangers {
		if !all && !slices.ContainsFunc(of.Cases, func(c enforce.Case) bool { return c.ID == one.Claim.Case }) {
			continue
		}
		problem := proof.Unproven
		if one.Offset < seen[one.Partition] {
			problem = proof.Stranger
		}
		what := "a message " + one.Flaw.Error()
		if one.Claim.Type != "" {
			what = fmt.Sprintf("%q by %q %s", one.Claim.Type, one.Claim.Actor, one.Flaw)
		}
		report.Add(one.Claim.Case, fmt.Sprintf("case log %d/%d", one.Partition, one.Offset), problem, what,
			"It is void; somebody else can write to the case log")
	}
	return nil
}

// Adopt takes the case log as it is: all that it holds counts from now on as
// written by this system. Nobody may use the data folder meanwhile.
func Adopt(ctx context.Context, cfg *config.Config, log *slog.Logger) (err error) {
	a := &App{cfg: cfg, log: log, store: &store{}}
	if err := a.openData(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	ring, err := keys.Open(keys.Config{Dir: keyDir(cfg), Origin: cfg.Evidence.Origin, Secret: cfg.Evidence.SigningKey}, time.Now())
	if err != nil {
		return err
	}
	who, err := authors.Open(authors.Config{Dir: keyDir(cfg), Root: ring.Signer, Public: ring.Public, Adopt: true}, time.Now())
	if err != nil {
		return err
	}
	if len(cfg.Kafka.Brokers) == 0 { // the embedded broker takes the folder again
		if err := a.Close(); err != nil {
			return err
		}
	}
	return withCaseLogOf(ctx, cfg, who, log, func(ctx context.Context, l *kafka.Log) error {
		_, err := gather(ctx, l)
		return err
	})
}
