package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
)

func (l *Log) client() *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(l.cfg.Brokers...), Transport: l.transport, Timeout: 10 * time.Second}
}

// awaitTopic returns once the topic exists; it fails only when ctx is done.
func (l *Log) awaitTopic(ctx context.Context) error {
	return l.insist(ctx, func() error { return l.createTopic(ctx) })
}

// createTopic makes the topic unless it exists.
func (l *Log) createTopic(ctx context.Context) error {
	answer, err := l.client().CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: l.cfg.Topic, NumPartitions: l.cfg.Partitions, ReplicationFactor: l.cfg.Replication,
		ConfigEntries: configEntries(),
	}}})
	if err == nil {
		err = answer.Errors[l.cfg.Topic]
	}
	if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", l.cfg.Topic, err)
	}
	_, err = l.partitions(ctx) // brokers may learn of a new topic a little later
	return err
}

// topicConfig keeps the log for good, as it is the truth.
func topicConfig() map[string]string {
	return map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
}

func configEntries() (entries []kafka.ConfigEntry) {
	for name, value := range topicConfig() {
		entries = append(entries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	return entries
}

func (l *Log) partitions(ctx context.Context) ([]int, error) {
	answer, err := l.client().Metadata(ctx, &kafka.MetadataRequest{Topics: []string{l.cfg.Topic}})
	if err != nil {
		return nil, fmt.Errorf("look up topic %s: %w", l.cfg.Topic, err)
	}
	var ids []int
	for _, topic := range answer.Topics {
		if topic.Error != nil {
			return nil, fmt.Errorf("look up topic %s: %w", l.cfg.Topic, topic.Error)
		}
		for _, p := range topic.Partitions {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("look up topic %s: no partitions", l.cfg.Topic)
	}
	slices.Sort(ids)
	l.identify(answer.ClusterID, len(ids))
	return ids, nil
}

// bound is where a partition begins and ends: its first offset, and the one
// after its last.
type bound struct{ first, last int64 }

// bounds looks up where every partition begins and ends.
func (l *Log) bounds(ctx context.Context) (map[int]bound, error) {
	partitions, err := l.partitions(ctx)
	if err != nil {
		return nil, err
	}
	var ask []kafka.OffsetRequest
	for _, p := range partitions {
		ask = append(ask, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	answer, err := l.client().ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{l.cfg.Topic: ask},
	})
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", l.cfg.Topic, err)
	}
	bounds := map[int]bound{}
	for _, p := range answer.Topics[l.cfg.Topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("list offsets of %s/%d: %w", l.cfg.Topic, p.Partition, p.Error)
		}
		bounds[p.Partition] = bound{p.FirstOffset, p.LastOffset}
	}
	return bounds, nil
}

// backoff waits longer each time, up to ten seconds.
type backoff struct{ next time.Duration }

func newBackoff() backoff { return backoff{100 * time.Millisecond} }

func (b *backoff) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(b.next):
	}
	b.next = min(2*b.next, 10*time.Second)
}
