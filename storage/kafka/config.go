// Package kafka is the case log: one topic, keyed by case, that holds every
// event of every case for good. What is appended is on a disk when Append
// returns; what is read takes effect before its offset is committed. An event
// may be delivered again, and applying it again changes nothing.
package kafka

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"tidewatch/enforce/authors"
)

// Config says where the case log is and how it is written and read.
type Config struct {
	Brokers     []string // host:port, or the embedded broker's Addr alone
	Topic       string
	Partitions  int // of a topic that does not exist yet
	Replication int // of a topic that does not exist yet; -1: three, or as many as there are brokers

	// Security says who we are to a Kafka of the operator's, and whom we trust.
	Security Security

	// System is set where this process is the one that writes to a Kafka of the
	// operator's, and describes it to people: host and data folder. Without it,
	// in a command that works beside one, no claim is made and no topic.
	System string
	// Memory is the file that keeps what was seen of the operator's topic.
	Memory string

	// Authors sign what is appended, and tell who wrote what is read.
	Authors *authors.Authors

	// Prefix remembers what the embedded broker's log holds; nil: nothing is.
	Prefix *Prefix
	// Loss keeps the embedded broker's log shut, as it is damaged: nothing is
	// read, and what is appended goes to the spool.
	Loss *Loss

	// SpoolDir takes events while Kafka cannot be reached.
	SpoolDir string
	// WriteTimeout is how long an event waits for Kafka before it is spooled.
	WriteTimeout time.Duration
	// RefusedWait is when an event is tried again that Kafka refused for itself.
	RefusedWait time.Duration
	// CheckEvery is how often the operator's topic is looked at.
	CheckEvery time.Duration

	// A batch for a consumer is full at BatchSize messages, and handed over
	// BatchWait after its first one.
	BatchSize int
	BatchWait time.Duration

	// FetchWait is how long the broker holds a fetch that finds nothing; a
	// second at least.
	FetchWait time.Duration
	// SessionTimeout is when a silent consumer's partitions go to others.
	SessionTimeout time.Duration
}

// DefaultConfig leaves brokers, authors and spool directory to be filled in.
func DefaultConfig() Config {
	return Config{
		Topic: "tidewatch.cases", Partitions: 8, Replication: -1,
		WriteTimeout: 5 * time.Second, RefusedWait: 15 * time.Second, CheckEvery: time.Minute,
		BatchSize: 500, BatchWait: 100 * time.Millisecond,
		FetchWait: time.Second, SessionTimeout: 10 * time.Second,
	}
}

// socket is the embedded broker's; empty with a Kafka of the operator's.
func (c Config) socket() string {
	if len(c.Brokers) != 1 || !strings.HasPrefix(c.Brokers[0], socketScheme) {
		return ""
	}
	return strings.TrimPrefix(c.Brokers[0], socketScheme)
}

// addresses are what clients are told to dial.
func (c Config) addresses() []string {
	if c.socket() != "" {
		return []string{embeddedName}
	}
	return c.Brokers
}

// dial connects to a broker.
func (c Config) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if path := c.socket(); path != "" {
		return dialSocket(ctx, path)
	}
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
}

func (c Config) validate() error {
	switch {
	case len(c.Brokers) == 0:
		return errors.New("kafka: no broker is configured")
	case c.Topic == "":
		return errors.New("kafka: no topic is configured")
	case c.Partitions < 1:
		return errors.New("kafka: partitions must be 1 or more")
	case c.Replication < 1 && c.Replication != -1:
		return errors.New("kafka: replication must be 1 or more, or -1")
	case c.Authors == nil:
		return errors.New("kafka: it is not configured who may write to the case log")
	case c.System != "" && c.Memory == "":
		return errors.New("kafka: no file is configured for what is known of the topic")
	case c.SpoolDir == "":
		return errors.New("kafka: no spool directory is configured")
	case c.BatchSize < 1:
		return errors.New("kafka: the batch size must be 1 or more")
	case c.FetchWait < time.Second:
		return errors.New("kafka: the fetch wait must be a second or more")
	}
	return nil
}
