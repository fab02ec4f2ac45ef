package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tidewatch/storage/kafka"
)

// brokerConfig is where the embedded broker keeps the case log, and what is
// remembered of it.
func (a *App) brokerConfig() kafka.BrokerConfig {
	return kafka.BrokerConfig{
		Dir: brokerDir(a.cfg), Topic: a.cfg.Kafka.Topic, Prefix: a.store.prefix,
		Evidence: elsewhere{cfg: a.cfg}.count, Authors: a.seal.authors,
	}
}

// openPrefix reads what is remembered of the case log.
func (a *App) openPrefix() (err error) {
	a.store.prefix, err = kafka.OpenPrefix(filepath.Join(a.cfg.Data, "case-log-prefix.json"), a.log)
	return err
}

// openWhole starts the embedded broker or, where its log is damaged, leaves the
// log shut: what is new waits in the spool.
func (a *App) openWhole(settings *kafka.Config) error {
	err := a.openBroker(settings)
	if !errors.As(err, &settings.Loss) {
		return err
	}
	settings.Brokers = []string{kafka.AddressOf(kafka.SocketOf(brokerDir(a.cfg)))} // where nobody listens
	return nil
}

// checkStored shuts an embedded log that ends before what the database has of it.
// It must have opened both.
func (a *App) checkStored(ctx context.Context) error {
	if a.store.broker != nil {
		stored, err := a.store.cases.Ends(ctx)
		if err != nil {
			return err
		}
		if loss := a.store.broker.Behind(stored); loss != nil {
			a.store.log.Shut(loss)
		}
	}
	if a.store.log.Lost() != nil {
		a.store.missing = a.whatIsMissing(ctx)
		a.log.Error("the case log stays as it is", "missing", a.store.missing)
	}
	return nil
}

// lookEvery is how often the files of a running embedded broker are read.
const lookEvery = 10 * time.Minute

// lookAtFiles reads the embedded broker's files from time to time, and shuts the
// log once they are damaged.
func (s *store) lookAtFiles(ctx context.Context, every time.Duration) error {
	for s.broker != nil && s.log.Lost() == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(every):
		}
		var loss *kafka.Loss
		if errors.As(s.broker.Look(), &loss) { // what cannot be read now is read next time
			s.log.Shut(loss)
		}
	}
	return nil
}

// whatIsMissing says what of the case log is lost, as far as database and
// evidence know it.
func (a *App) whatIsMissing(ctx context.Context) string {
	plan, err := kafka.MakePlan(ctx, a.brokerConfig(), a.spoolDir(), elsewhere{a.cfg, a.store.cases})
	if err != nil {
		return fmt.Sprintf("what is missing cannot be told: %v", err)
	}
	return missing(plan)
}

// missing says what a plan can rebuild and what it cannot.
func missing(plan *kafka.Plan) string {
	var cases []string
	for _, r := range plan.Rebuilt {
		cases = append(cases, r.Event.Case)
	}
	slices.Sort(cases)
	cases = slices.Compact(cases)
	text := fmt.Sprintf("events that can be rebuilt: %d", len(plan.Rebuilt))
	if len(cases) > 0 {
		text += fmt.Sprintf(", of cases %s", few(cases))
	}
	if n := len(plan.Gone); n > 0 {
		text += fmt.Sprintf("; events of which nothing is known: %d", n)
	}
	return text
}

// few is a list of which only the beginning is told.
func few(names []string) string {
	const told = 10
	if len(names) <= told {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:told], ", "), len(names)-told)
}

func (a *App) spoolDir() string { return filepath.Join(a.cfg.Data, "spool") }

// whole says what of the case log is lost, and what to do.
func (s *store) whole() error {
	loss := s.log.Lost()
	switch {
	case loss == nil:
		return nil
	case s.missing == "":
		return fmt.Errorf("%w; what is new waits in the spool: stop Tidewatch and run tidewatch log repair", loss)
	}
	return fmt.Errorf("%w; %s; what is new waits in the spool and nothing is sent: stop Tidewatch and run tidewatch log repair", loss, s.missing)
}

// spooled says which events were lost on their way to Kafka.
func (s *store) spooled() error {
	names := s.log.SetAside()
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("events in the spool cannot be read, or their files have gone: %s; put the files back, or stop Tidewatch and run tidewatch log repair", few(names))
}
