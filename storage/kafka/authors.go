package kafka

import (
	"context"
	"fmt"

	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
)

// meet tells those who know the keys which log is read, once. It waits for Kafka
// until ctx is done.
func (l *Log) meet(ctx context.Context) error {
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
	answer, err := l.client().Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.cfg.Topic}})
	if err != nil {
		return found, fmt.Errorf("look up topic %s: %w", l.cfg.Topic, err)
	}
	partitions, err := l.partitions(ctx)
	if err != nil {
		return found, err
	}
	ends, err := l.ends(ctx, partitions)
	if err != nil {
		return found, err
	}
	found = authors.CaseLog{
		Cluster: answer.ClusterID, Topic: l.cfg.Topic, Ends: make([]int64, len(partitions)), Home: home,
		Read: func(ctx context.Context, visit func([]byte, enforce.Position)) error {
			return l.readAll(ctx, ends, visit)
		},
	}
	for p, end := range ends {
		if p < len(found.Ends) {
			found.Ends[p] = end
		}
	}
	return found, nil
}

// readAll visits all messages up to the ends, partition by partition.
func (l *Log) readAll(ctx context.Context, ends map[int]int64, visit func([]byte, enforce.Position)) error {
	for p, end := range ends {
		if err := l.readTo(ctx, p, end, visit); err != nil {
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

// home is the partition, of so many, in which a case has its place: the one that
// any producer with the hash of Java's own puts it in.
func home(violation string, partitions int) int {
	ids := make([]int, partitions)
	for i := range ids {
		ids[i] = i
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(violation)}, ids...)
}

// balance puts a message where its case has its place. Partitions that were
// added to the topic later stay empty: what moved would lose its order.
func (l *Log) balance(m kafka.Message, partitions ...int) int {
	if n := l.cfg.Authors.Partitions(); n > 0 {
		return home(string(m.Key), n)
	}
	return home(string(m.Key), len(partitions))
}
