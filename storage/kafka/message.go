package kafka

import (
	"encoding/json"
	"fmt"

	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

// Position is a place in the case log. All events of a case have the same
// partition and growing offsets.
type Position struct {
	Partition int
	Offset    int64
}

// Message is an event with its place in the log.
type Message struct {
	Event enforce.Event
	Position
	Raw []byte // the event as the log holds it
}

// maxEvent bounds an encoded event, in bytes: brokers refuse more than a
// mebibyte.
const maxEvent = 512 << 10

func encode(e enforce.Event) (kafka.Message, error) {
	if err := e.Validate(); err != nil {
		return kafka.Message{}, err
	}
	value, err := json.Marshal(e)
	if err != nil {
		return kafka.Message{}, fmt.Errorf("encode event %s of case %s: %w", e.Type, e.Case, err)
	}
	if len(value) > maxEvent {
		return kafka.Message{}, fmt.Errorf("event %s of case %s: %d bytes, at most %d fit", e.Type, e.Case, len(value), maxEvent)
	}
	return kafka.Message{Key: []byte(e.Case), Value: value}, nil
}

func decode(m kafka.Message) (Message, error) {
	position := Position{m.Partition, m.Offset}
	var e enforce.Event
	if err := json.Unmarshal(m.Value, &e); err != nil {
		return Message{}, fmt.Errorf("decode event at %d/%d: %w", m.Partition, m.Offset, err)
	}
	if err := e.Validate(); err != nil {
		return Message{}, fmt.Errorf("decode event at %d/%d: %w", m.Partition, m.Offset, err)
	}
	return Message{e, position, m.Value}, nil
}
