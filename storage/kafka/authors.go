package kafka

import (
	"cmp"
	"context"

	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
)

// meet tells those who know the keys which log is read, once. It waits until the
// log can be read, and is ours, or ctx is done.
func (l *Log) meet(ctx context.Context) error {
	if err := l.awaitOwn(ctx); err != nil {
		return err
	}
	met := false
	select { // whoever is not the first waits for the one who is
	case met = <-l.met:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { l.met <- met }()
	if met {
		return nil
	}
	var found authors.CaseLog
	err := l.insist(ctx, func() (err error) {
		if err = l.createTopic(ctx); err != nil {
			return err
		}
		found, err = l.asItStands(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if err := l.cfg.Authors.Settle(ctx, found); err != nil {
		return err
	}
	met = true
	return nil
}

func (l *Log) asItStands(ctx context.Context) (found authors.CaseLog, err error) {
	seen, err := l.lookUp(ctx)
	if err == nil {
		err = l.measure(ctx, &seen)
	}
	if err != nil {
		return found, err
	}
	found = authors.CaseLog{
		Cluster: seen.cluster, Topic: l.cfg.Topic, Home: partitionOf,
		Read: func(ctx context.Context, visit func([]byte, enforce.Position)) error {
			return l.readAll(ctx, seen, visit)
		},
	}
	for _, p := range seen.partitions {
		found.Ends = append(found.Ends, p.end)
	}
	return found, nil
}

// readAll visits all messages up to the ends, partition by partition.
func (l *Log) readAll(ctx context.Context, seen topic, visit func([]byte, enforce.Position)) error {
	for i, p := range seen.partitions {
		if p.begin == p.end {
			continue
		}
		if err := l.readTo(ctx, i, p.end, visit); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) readTo(ctx context.Context, partition int, end int64, visit func([]byte, enforce.Position)) error {
	cfg := l.readerConfig()
	cfg.Partition = partition
	r := kafka.NewReader(cfg)
	defer r.Close()
	for {
		m, err := l.next(ctx, r)
		if err != nil {
			return err
		}
		if m.Offset < end {
			visit(m.Value, positionOf(m))
		}
		if m.Offset+1 >= end {
			return nil
		}
	}
}

// balance puts a message where its case has its place. Partitions that were
// added to the topic later stay empty: what moved would lose its order.
func (l *Log) balance(m kafka.Message, partitions ...int) int {
	return partitionOf(string(m.Key), cmp.Or(l.cfg.Authors.Partitions(), l.watcher.spread(), len(partitions)))
}
