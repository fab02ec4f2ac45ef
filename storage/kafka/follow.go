package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"tidewatch/enforce"
)

// Follow applies every event of the log from its beginning, then each new one,
// until ctx is done or apply fails. It calls caughtUp once, when it has passed
// what was in the log, or in the spool, at its start; so Run must run. Calls
// are never concurrent; events of a case come in order, those of different
// cases in any.
func (l *Log) Follow(ctx context.Context, caughtUp func(), apply func(enforce.Event, Position) error) error {
	if err := errors.Join(l.awaitOwn(ctx), l.spool.awaitEmpty(ctx)); err != nil {
		return fmt.Errorf("follow the case log: %w", err)
	}
	var partitions []int
	var behind map[int]int64 // partitions not caught up with, and their ends
	err := l.insist(ctx, func() (err error) {
		if err = l.createTopic(ctx); err != nil {
			return err
		}
		if partitions, err = l.partitions(ctx); err != nil {
			return err
		}
		behind, err = l.ends(ctx, partitions)
		return err
	})
	if err != nil {
		return fmt.Errorf("follow the case log: %w", err)
	}
	if len(behind) == 0 {
		caughtUp()
	}
	readers, ctx := errgroup.WithContext(ctx)
	messages := make(chan kafka.Message)
	for _, p := range partitions {
		readers.Go(func() error { return l.read(ctx, p, messages) })
	}
	readers.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case m := <-messages:
				if err := l.awaitOwn(ctx); err != nil { // what follows may be acted upon
					return err
				}
				if err := l.applyOne(m, apply); err != nil {
					return err
				}
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
		Brokers: l.cfg.addresses(), Topic: l.cfg.Topic,
		Dialer: &kafka.Dialer{
			ClientID: "tidewatch", DialFunc: l.cfg.dial, TLS: l.transport.TLS, SASLMechanism: l.transport.SASL,
		},
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
	l.metrics.rejected.Inc()
	l.log.Warn("a message of the case log is no event", "partition", m.Partition, "offset", m.Offset, "error", err)
}
