package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"tidewatch/enforce"
)

// Follow applies every event of the log from its beginning, then each new one,
// until ctx is done or apply fails. It calls caughtUp once, when it has passed
// what was in the log, or in the spool, at its start; so Run must run. Calls
// are never concurrent; events of a case come in order, those of different
// cases in any.
//
// A log that is damaged is not caught up with, so that nothing is done by what is
// left of it; one that is shut is not read.
func (l *Log) Follow(ctx context.Context, caughtUp func(), apply func(enforce.Event, Position) error) error {
	if l.isShut() {
		return fmt.Errorf("follow the case log: %w", await(ctx))
	}
	if err := l.spool.awaitEmpty(ctx); err != nil {
		return fmt.Errorf("follow the case log: %w", err)
	}
	caughtUp = sync.OnceFunc(caughtUp)
	for {
		if err := l.follow(ctx, caughtUp, apply); !errors.Is(err, errAnew) {
			return fmt.Errorf("follow the case log: %w", err)
		}
	}
}

// errAnew ends a reading that has to begin anew: the log has lost what was read,
// and has new events where that was.
var errAnew = errors.New("the log is damaged")

// follow applies every event of the log from its beginning, then each new one.
func (l *Log) follow(ctx context.Context, caughtUp func(), apply func(enforce.Event, Position) error) error {
	var bounds map[int]bound
	err := l.insist(ctx, func() (err error) {
		if err = l.createTopic(ctx); err != nil {
			return err
		}
		known := l.known()
		if bounds, err = l.bounds(ctx); err != nil {
			return err
		}
		l.compare(known, bounds)
		return nil
	})
	if err != nil {
		return err
	}
	behind := map[int]int64{} // partitions not caught up with, and their ends
	for p, b := range bounds {
		if b.first < b.last {
			behind[p] = b.last
		}
	}
	caughtUp = l.unlessLost(caughtUp)
	if len(behind) == 0 {
		caughtUp()
	}
	lost := l.anew()
	readers, ctx := errgroup.WithContext(ctx)
	messages := make(chan kafka.Message)
	for p := range bounds {
		readers.Go(func() error { return l.read(ctx, p, messages) })
	}
	readers.Go(func() error {
		chains := map[int]chain{}
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-lost:
				return errAnew
			case m := <-messages:
				if err := l.applyOne(m, apply); err != nil {
					return err
				}
				before := chains[m.Partition]
				chains[m.Partition] = before.add(m.Offset, m.Key, m.Value)
				l.seen(m.Partition, before, chains[m.Partition])
				if end, waits := behind[m.Partition]; waits && m.Offset+1 >= end {
					delete(behind, m.Partition)
					if len(behind) == 0 {
						caughtUp()
					}
				}
			}
		}
	})
	return readers.Wait()
}

// unlessLost calls caughtUp while the log is whole.
func (l *Log) unlessLost(caughtUp func()) func() {
	return func() {
		if l.Lost() == nil {
			caughtUp()
		}
	}
}

func (l *Log) applyOne(m kafka.Message, apply func(enforce.Event, Position) error) error {
	message, err := decode(m)
	if err != nil {
		l.reject(m, err)
		return nil
	}
	return apply(message.Event, message.Position)
}

// read sends every message of a partition, from its first.
func (l *Log) read(ctx context.Context, partition int, messages chan<- kafka.Message) error {
	cfg := l.readerConfig()
	cfg.Partition = partition
	r := kafka.NewReader(cfg)
	defer r.Close()
	for {
		m, err := l.next(ctx, r)
		if err != nil {
			return fmt.Errorf("read the case log: %w", err)
		}
		select {
		case messages <- m:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *Log) readerConfig() kafka.ReaderConfig {
	return kafka.ReaderConfig{
		Brokers: l.cfg.Brokers, Topic: l.cfg.Topic,
		Dialer:        &kafka.Dialer{ClientID: "tidewatch", SASLMechanism: l.cfg.login()},
		QueueCapacity: l.cfg.BatchSize,
		MinBytes:      1, MaxBytes: 4 << 20, MaxWait: l.cfg.FetchWait,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) {
			l.metrics.errors.Inc()
			l.log.Debug("kafka reader says", "line", fmt.Sprintf(format, args...))
		}),
	}
}

// reject passes over a message that is no event. It stays in the log, where
// its position finds it.
func (l *Log) reject(m kafka.Message, err error) {
	if isFiller(m.Value) {
		return
	}
	l.metrics.rejected.Inc()
	l.log.Warn("a message of the case log is no event", "partition", m.Partition, "offset", m.Offset, "error", err)
}
