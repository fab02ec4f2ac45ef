package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/storage/clickhouse"
	"tidewatch/storage/kafka"
)

// ErrNotWhole says that not all of a damaged case log could be rebuilt.
var ErrNotWhole = errors.New("not everything can be rebuilt")

// RepairLog says what is wrong with the case log and what can be rebuilt of it;
// with write it does that. No Tidewatch may be running.
func RepairLog(ctx context.Context, cfg *config.Config, log *slog.Logger, write bool, out io.Writer) (err error) {
	a := &App{cfg: cfg, log: log, registry: prometheus.NewRegistry(), store: &store{}}
	defer func() {
		if err := a.Close(); err != nil { // what was done is done
			log.Warn("closing the data folder took too long or failed", "error", err)
		}
	}()
	if err := a.openData(ctx); err != nil {
		if errors.Is(err, errInUse) {
			err = fmt.Errorf("%w; stop it first", err)
		}
		return err
	}
	if err := a.openPrefix(); err != nil {
		return err
	}
	if err := a.unlockAuthors(); err != nil {
		return err
	}
	if err := a.openStored(ctx); err != nil {
		fmt.Fprintf(out, "the database cannot be asked, so only the evidence tells what was in the log: %v\n", err)
	}
	if len(cfg.Kafka.Brokers) > 0 {
		return a.repairTopic(ctx, write, out)
	}
	r, err := kafka.OpenRepair(a.brokerConfig(), a.spoolDir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	plan, err := r.Plan(ctx, elsewhere{cfg, a.store.cases})
	if err != nil {
		return err
	}
	tell(out, plan)
	switch {
	case plan.Loss == nil && len(plan.SetAside) == 0:
		fmt.Fprintln(out, "the case log is whole: there is nothing to do")
		return nil
	case !write:
		fmt.Fprintln(out, "nothing was changed; --write does it, and keeps the damaged files")
	default:
		if err := a.repair(ctx, r, plan, out); err != nil {
			return err
		}
	}
	if !plan.Whole() {
		return ErrNotWhole
	}
	return nil
}

// openStored opens the database for what it has of the log.
func (a *App) openStored(ctx context.Context) error {
	if err := a.openDatabase(ctx); err != nil {
		return err
	}
	if err := clickhouse.Migrate(ctx, a.store.db); err != nil {
		return err
	}
	a.store.cases = clickhouse.NewCases(a.store.db)
	return nil
}

// tell says what is wrong, what is rebuilt and what is not.
func tell(out io.Writer, plan *kafka.Plan) {
	if plan.Loss != nil {
		for _, p := range plan.Loss.Places {
			fmt.Fprintf(out, "damaged: %s\n", p)
		}
	}
	for _, r := range plan.Rebuilt {
		place := fmt.Sprintf("event %d of partition %d", r.Offset, r.Partition)
		if r.Offset < 0 {
			place = "at the end of the log"
		}
		fmt.Fprintf(out, "rebuilt from the %s: case %s, %s, %s\n", r.From, r.Event.Case, r.Event.Type, place)
	}
	for _, p := range plan.Gone {
		fmt.Fprintf(out, "LOST: event %d of partition %d: neither database nor evidence knows it\n", p.Offset, p.Partition)
	}
	for _, p := range plan.Altered {
		fmt.Fprintf(out, "ALTERED: partition %d is not as it was written, and nothing tells which of its events are wrong\n", p)
	}
	for _, name := range plan.SetAside {
		fmt.Fprintf(out, "LOST: the event in the spool's file %s\n", name)
	}
	if plan.Beyond {
		fmt.Fprintln(out, "UNKNOWN: how far the log reached is not remembered; its last events may be missing too")
	}
	if plan.Loss != nil {
		for _, e := range fromEvidence(plan) {
			fmt.Fprintf(out, "note: case %s opens as it was suspected; what officers decided since is not in the evidence\n", e)
		}
	}
}

// fromEvidence are the cases that are opened as the evidence tells.
func fromEvidence(plan *kafka.Plan) (cases []string) {
	for _, r := range plan.Rebuilt {
		if r.From == kafka.FromEvidence {
			cases = append(cases, r.Event.Case)
		}
	}
	return cases
}

// repair writes what a plan says, and records it in the history of each case.
func (a *App) repair(ctx context.Context, r *kafka.Repair, plan *kafka.Plan, out io.Writer) error {
	now := time.Now()
	kept, err := r.Write(plan, now)
	if err != nil {
		return err
	}
	loss := plan.Loss
	if loss != nil {
		fmt.Fprintf(out, "the log is written anew; the damaged files are kept in %s\n", kept)
	} else {
		loss = &kafka.Loss{}
	}
	cfg := logConfig(a.cfg)
	cfg.Brokers = []string{kafka.AddressOf(kafka.SocketOf(brokerDir(a.cfg)))} // where nobody listens
	cfg.SpoolDir, cfg.Loss, cfg.Authors = a.spoolDir(), loss, a.seal.authors
	// A log that is shut puts what is appended into the spool, and the next start
	// sends it.
	l, err := kafka.NewLog(cfg, slog.New(slog.DiscardHandler), a.registry)
	if err != nil {
		return err
	}
	if err := errors.Join(restore(ctx, l, plan, records(plan, kept, now)), l.Close()); err != nil {
		return err
	}
	fmt.Fprintf(out, "recorded in the history of %d cases; start Tidewatch again\n", len(records(plan, kept, now)))
	return nil
}

// restore appends the rebuilt events that have no place in the log, then the
// records of the repair.
func restore(ctx context.Context, l *kafka.Log, plan *kafka.Plan, records []enforce.Event) error {
	for _, r := range plan.Rebuilt {
		var err error
		switch {
		case r.Offset >= 0:
		case r.Raw != nil:
			err = l.Restore(ctx, r.Raw)
		default:
			err = l.Append(ctx, r.Event)
		}
		if err != nil {
			return err
		}
	}
	return l.Append(ctx, records...)
}

// unlockAuthors reads the keys that what is rebuilt is signed with, if there are
// any yet.
func (a *App) unlockAuthors() (err error) {
	if a.seal.authors, err = readAuthors(a.cfg); err != nil || !a.seal.authors.Begun() {
		return err
	}
	return a.seal.authors.Unlock()
}

// records are the events that say, in the history of each case, what was rebuilt
// of it.
func records(plan *kafka.Plan, kept string, now time.Time) (events []enforce.Event) {
	cases := map[string]*enforce.Repair{}
	for _, r := range plan.Rebuilt {
		c := cases[r.Event.Case]
		if c == nil {
			c = &enforce.Repair{Kept: kept}
			cases[r.Event.Case] = c
		}
		switch r.From {
		case kafka.FromDatabase:
			c.Database++
		case kafka.FromEvidence:
			c.Evidence++
		}
	}
	at := now.UTC().Truncate(time.Microsecond)
	for _, id := range slices.Sorted(maps.Keys(cases)) {
		events = append(events, enforce.Event{
			ID: fmt.Sprintf("%s/repaired/%d", id, at.UnixMicro()), Case: id, Type: enforce.Repaired, At: at,
			Actor: "operator/" + operator(), Repair: cases[id],
		})
	}
	return events
}

// operator is who runs this program.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" {
		return name
	}
	if who, err := user.Current(); err == nil {
		return who.Username
	}
	return fmt.Sprintf("%d", os.Getuid())
}
