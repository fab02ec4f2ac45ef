package kafka

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topic is what the case log's topic is like.
type topic struct {
	cluster    string
	id         string // empty with brokers that give none
	brokers    int
	partitions []partition // by number
}

type partition struct {
	led        bool // has a leader
	replicas   int
	begin, end int64
}

// asking bounds how long a question to the brokers may take.
const asking = 10 * time.Second

// awaitTopic returns once the topic exists; it fails only when ctx is done, or
// where only a person can help and a command waits.
func (l *Log) awaitTopic(ctx context.Context) error {
	return l.insist(ctx, func() error { return l.createTopic(ctx) })
}

// createTopic makes the topic unless it exists.
func (l *Log) createTopic(ctx context.Context) error {
	seen, err := l.lookUp(ctx)
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return err
	}
	if err := l.mayCreate(); err != nil {
		return err
	}
	copies := l.replication(seen.brokers)
	settings := map[string]*string{}
	for name, value := range l.settings(copies) {
		settings[name] = &value
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	_, err = kadm.NewClient(l.admin).CreateTopic(ctx, int32(l.cfg.Partitions), int16(copies), settings, l.cfg.Topic) //nolint:gosec // small
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", l.cfg.Topic, err)
	}
	_, err = l.lookUp(ctx) // brokers may learn of a new topic a little later
	return err
}

// mayCreate says why a topic that is missing is not made: where there was one
// it would hide the loss, and a command beside a Tidewatch makes none.
func (l *Log) mayCreate() error {
	switch {
	case l.cfg.socket() != "":
		return nil
	case l.cfg.System == "" || l.watcher.knows():
		return errGone
	}
	return nil
}

// replication is how many brokers keep each event of a new topic.
func (l *Log) replication(brokers int) int {
	if l.cfg.Replication != -1 {
		return l.cfg.Replication
	}
	return max(1, min(3, brokers))
}

// settings are those of a new topic, whatever the cluster gives others: the
// log is the truth and is kept for good.
func (l *Log) settings(copies int) map[string]string {
	settings := map[string]string{
		"cleanup.policy":    "delete",
		"retention.ms":      "-1",
		"retention.bytes":   "-1",
		"max.message.bytes": strconv.Itoa(usualMessage),
	}
	if l.cfg.socket() == "" {
		settings["min.insync.replicas"] = strconv.Itoa(enoughInSync(copies))
		settings["unclean.leader.election.enable"] = "false"
	}
	return settings
}

// enoughInSync is how many copies must be written before an event counts: two
// where one broker may be away even so.
func enoughInSync(copies int) int {
	if copies >= 3 {
		return 2
	}
	return 1
}

// lookUp asks what the topic is like, but for its offsets.
func (l *Log) lookUp(ctx context.Context) (topic, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	ask := kmsg.NewPtrMetadataRequest()
	wanted := kmsg.NewMetadataRequestTopic()
	wanted.Topic = &l.cfg.Topic
	ask.Topics = append(ask.Topics, wanted)
	ask.AllowAutoTopicCreation = false
	answer, err := ask.RequestWith(ctx, l.admin)
	if err == nil && len(answer.Topics) != 1 {
		err = fmt.Errorf("%d topics were answered", len(answer.Topics))
	}
	var seen topic
	if err == nil {
		seen = topicOf(answer)
		err = kerr.ErrorForCode(answer.Topics[0].ErrorCode)
	}
	if err == nil && len(seen.partitions) == 0 {
		err = errors.New("no partitions")
	}
	if err != nil {
		return seen, fmt.Errorf("look up topic %s: %w", l.cfg.Topic, err)
	}
	return seen, nil
}

func topicOf(answer *kmsg.MetadataResponse) topic {
	of := answer.Topics[0]
	seen := topic{brokers: len(answer.Brokers), partitions: make([]partition, len(of.Partitions))}
	if answer.ClusterID != nil {
		seen.cluster = *answer.ClusterID
	}
	if of.TopicID != [16]byte{} {
		seen.id = hex.EncodeToString(of.TopicID[:])
	}
	for _, p := range of.Partitions {
		if int(p.Partition) < len(seen.partitions) {
			seen.partitions[p.Partition] = partition{led: p.Leader >= 0, replicas: len(p.Replicas)}
		}
	}
	return seen
}

func (l *Log) partitions(ctx context.Context) ([]int, error) {
	seen, err := l.lookUp(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]int, len(seen.partitions))
	for i := range ids {
		ids[i] = i
	}
	return ids, nil
}

// ends returns the end offset of each partition that holds events.
func (l *Log) ends(ctx context.Context, partitions []int) (map[int]int64, error) {
	seen := topic{partitions: make([]partition, len(partitions))}
	if err := l.measure(ctx, &seen); err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for i, p := range seen.partitions {
		if p.begin < p.end {
			ends[i] = p.end
		}
	}
	return ends, nil
}

// measure asks where the partitions begin and end.
func (l *Log) measure(ctx context.Context, of *topic) error {
	begins, err := l.offsets(ctx, len(of.partitions), -2)
	if err != nil {
		return err
	}
	ends, err := l.offsets(ctx, len(of.partitions), -1)
	if err != nil {
		return err
	}
	for i := range of.partitions {
		of.partitions[i].begin, of.partitions[i].end = begins[i], ends[i]
	}
	return nil
}

// offsets asks for the first (-2) or the next (-1) offset of every partition.
func (l *Log) offsets(ctx context.Context, partitions int, which int64) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	of := kmsg.NewListOffsetsRequestTopic()
	of.Topic = l.cfg.Topic
	for i := range partitions {
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(i), which //nolint:gosec // small
		of.Partitions = append(of.Partitions, p)
	}
	ask := kmsg.NewPtrListOffsetsRequest()
	ask.ReplicaID, ask.Topics = -1, []kmsg.ListOffsetsRequestTopic{of}
	answer, err := ask.RequestWith(ctx, l.admin)
	if err != nil {
		return nil, fmt.Errorf("list offsets of %s: %w", l.cfg.Topic, err)
	}
	found := map[int32]int64{}
	for _, t := range answer.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return nil, fmt.Errorf("list offsets of %s/%d: %w", l.cfg.Topic, p.Partition, err)
			}
			found[p.Partition] = p.Offset
		}
	}
	all := make([]int64, partitions)
	for i := range all {
		var known bool
		if all[i], known = found[int32(i)]; !known { //nolint:gosec // small
			return nil, fmt.Errorf("list offsets of %s/%d: none was answered", l.cfg.Topic, i)
		}
	}
	return all, nil
}

// newClient makes the client that asks about topics and groups.
func newClient(cfg Config) (*kgo.Client, error) {
	secure, err := cfg.Security.tls()
	if err != nil {
		return nil, err
	}
	options := []kgo.Opt{
		kgo.ClientID("tidewatch"), kgo.SeedBrokers(cfg.addresses()...), kgo.RequestRetries(2),
	}
	switch {
	case secure != nil:
		options = append(options, kgo.DialTLSConfig(secure))
	default:
		options = append(options, kgo.Dialer(cfg.dial))
	}
	if login := cfg.Security.login(); login != nil {
		options = append(options, kgo.SASL(login))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fmt.Errorf("open the case log: %w", err)
	}
	return client, nil
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
