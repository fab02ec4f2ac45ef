package kafka

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

// Consume hands the log's events to handle in batches, as a member of a
// consumer group, until ctx is done. A batch's offsets are committed only
// after handle has returned nil for it; after an error the same batch comes
// again, so what handle does must bear repetition. A group's first member
// begins with the log's first event. Events of a case come in order.
//
// Where a partition ends before what the group has read, the group reads it anew:
// else it would wait for offsets that others have now. A log that is shut is not
// read.
func (l *Log) Consume(ctx context.Context, group string, handle func(context.Context, []enforce.Checked) error) error {
	if l.isShut() {
		return fmt.Errorf("consume the case log: %w", await(ctx))
	}
	if err := l.meet(ctx); err != nil {
		return fmt.Errorf("consume the case log: %w", err)
	}
	for read := map[int]int64{}; ; clear(read) { // offsets after the last message handled
		err := l.awaitOwn(ctx)
		if err == nil {
			err = l.insist(ctx, func() error { return l.rewind(ctx, group, read) })
		}
		if err == nil {
			err = l.consume(ctx, group, read, handle)
		}
		if err != nil {
			return fmt.Errorf("consume the case log: %w", err)
		}
	}
}

// consume is a member of a group until something has to be read anew.
func (l *Log) consume(ctx context.Context, group string, read map[int]int64, handle func(context.Context, []enforce.Checked) error) error {
	cfg := l.readerConfig()
	cfg.GroupID = group
	cfg.StartOffset = kafka.FirstOffset
	cfg.SessionTimeout, cfg.RebalanceTimeout = l.cfg.SessionTimeout, l.cfg.SessionTimeout
	cfg.HeartbeatInterval = l.cfg.SessionTimeout / 5
	cfg.JoinGroupBackoff = time.Second
	cfg.WatchPartitionChanges = true
	if err := cfg.Validate(); err != nil {
		return err
	}
	r := kafka.NewReader(cfg)
	defer r.Close()
	reading, anew := context.WithCancel(ctx)
	defer anew()
	var places sync.Mutex
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		defer anew()
		l.awaitOverrun(reading, group, func() map[int]int64 {
			places.Lock()
			defer places.Unlock()
			return maps.Clone(read)
		})
	}()
	defer func() { anew(); <-watched }()
	for {
		batch, err := l.fetch(reading, r)
		if err == nil {
			err = l.handle(reading, batch, handle)
		}
		if err == nil {
			err = l.commit(reading, r, batch)
		}
		switch {
		case err != nil && ctx.Err() == nil && reading.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		places.Lock()
		for _, m := range batch {
			read[m.Partition] = m.Offset + 1
			l.metrics.lag.WithLabelValues(group, strconv.Itoa(m.Partition)).Set(float64(m.HighWaterMark - m.Offset - 1))
		}
		places.Unlock()
	}
}

// commit notes how far the group has read.
func (l *Log) commit(ctx context.Context, r *kafka.Reader, batch []kafka.Message) error {
	if err := r.CommitMessages(ctx, batch...); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// The effect is there; at worst it comes again.
		l.outage.failed(fmt.Errorf("commit offsets: %w", err))
	}
	l.metrics.consumed.Add(float64(len(batch)))
	return nil
}

// awaitOverrun returns once a group has to read anew, or ctx is done.
func (l *Log) awaitOverrun(ctx context.Context, group string, read func() map[int]int64) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.cfg.CheckEvery):
		}
		if over, err := l.overrun(ctx, group, read()); err == nil && len(over) > 0 {
			return
		}
	}
}

// fetch waits for a message and takes what follows it within the batch's
// bounds.
func (l *Log) fetch(ctx context.Context, r fetcher) ([]kafka.Message, error) {
	first, err := l.next(ctx, r)
	if err != nil {
		return nil, err
	}
	batch := []kafka.Message{first}
	filling, cancel := context.WithTimeout(ctx, l.cfg.BatchWait)
	defer cancel()
	for len(batch) < l.cfg.BatchSize {
		m, err := r.FetchMessage(filling)
		if err != nil {
			if filling.Err() == nil {
				l.outage.failed(err)
			}
			break // the reader does not give again what the batch holds
		}
		batch = append(batch, m)
	}
	return batch, nil
}

// handle decodes a batch and calls handle until it succeeds or ctx is done.
func (l *Log) handle(ctx context.Context, batch []kafka.Message, handle func(context.Context, []enforce.Checked) error) error {
	var messages []enforce.Checked
	for _, m := range batch {
		message, err := l.check(m)
		if err != nil {
			l.reject(m, err)
			continue
		}
		messages = append(messages, message)
	}
	if len(messages) == 0 {
		return nil
	}
	for wait := newBackoff(); ; wait.pause(ctx) {
		started := time.Now()
		err := handle(ctx, messages)
		l.metrics.handling.Observe(time.Since(started).Seconds())
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.metrics.retries.Inc()
		l.log.Warn("a batch of events is tried again", "events", len(messages), "error", err)
	}
}
