package kafka

import (
	"fmt"

	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

func positionOf(m kafka.Message) enforce.Position {
	return enforce.Position{Partition: m.Partition, Offset: m.Offset}
}

// maxEvent bounds an encoded event, in bytes: brokers refuse more than a
// mebibyte.
const maxEvent = 512 << 10

// encode writes an event, signed by the role that writes such events.
func (l *Log) encode(e enforce.Event) (kafka.Message, error) {
	if err := e.Validate(); err != nil {
		return kafka.Message{}, err
	}
	value, err := l.cfg.Authors.Sign(e)
	if err != nil {
		return kafka.Message{}, err
	}
	if len(value) > maxEvent {
		return kafka.Message{}, fmt.Errorf("event %s of case %s: %d bytes, at most %d fit", e.Type, e.Case, len(value), maxEvent)
	}
	return kafka.Message{Key: []byte(e.Case), Value: value}, nil
}
