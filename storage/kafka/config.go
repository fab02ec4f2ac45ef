// Package kafka is the case log: one topic, keyed by case, that holds every
// event of every case for good. What is appended is on a disk when Append
// returns; what is read takes effect before its offset is committed. An event
// may be delivered again, and applying it again changes nothing.
package kafka

import (
	"errors"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"

	"tidewatch/enforce/authors"
)

// Config says where the case log is and how it is written and read.
type Config struct {
	Brokers     []string // host:port
	Topic       string
	Partitions  int // of a topic that does not exist yet
	Replication int // of a topic that does not exist yet; -1: what the cluster gives any topic

	// Username and Password log in, with SASL PLAIN; without a name nobody
	// logs in. The password is never logged, never in an error.
	Username string
	Password string

	// Authors sign what is appended, and tell who wrote what is read.
	Authors *authors.Authors

	// SpoolDir takes events while Kafka cannot be reached.
	SpoolDir string
	// WriteTimeout is how long an event waits for Kafka before it is spooled.
	WriteTimeout time.Duration

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
		WriteTimeout: 5 * time.Second,
		BatchSize:    500, BatchWait: 100 * time.Millisecond,
		FetchWait: time.Second, SessionTimeout: 10 * time.Second,
	}
}

// login is nil where nobody logs in.
func (c Config) login() sasl.Mechanism {
	if c.Username == "" {
		return nil
	}
	return plain.Mechanism{Username: c.Username, Password: c.Password}
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
	case c.SpoolDir == "":
		return errors.New("kafka: no spool directory is configured")
	case c.BatchSize < 1:
		return errors.New("kafka: the batch size must be 1 or more")
	case c.FetchWait < time.Second:
		return errors.New("kafka: the fetch wait must be a second or more")
	}
	return nil
}
