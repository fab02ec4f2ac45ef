package sim

import (
	"context"
	"slices"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
)

// CaseLog is a case log in memory.
type CaseLog struct {
	Cluster    string
	Partitions [2][][]byte
}

// Home is where a case has its place: by its first letter.
func Home(violation string, partitions int) int { return int(violation[0]) % partitions }

// Append puts bytes at the end of a partition, as whoever can write to Kafka
// may, and returns their place.
func (l *CaseLog) Append(partition int, raw []byte) enforce.Position {
	l.Partitions[partition] = append(l.Partitions[partition], slices.Clone(raw))
	return enforce.Position{Partition: partition, Offset: int64(len(l.Partitions[partition]) - 1)}
}

// AsItStands is what Settle is given.
func (l *CaseLog) AsItStands() authors.CaseLog {
	at := authors.CaseLog{Cluster: l.Cluster, Topic: "cases", Home: Home, Read: l.read}
	for _, p := range l.Partitions {
		at.Ends = append(at.Ends, int64(len(p)))
	}
	return at
}

func (l *CaseLog) read(_ context.Context, visit func([]byte, enforce.Position)) error {
	for p, messages := range l.Partitions {
		for offset, raw := range messages {
			visit(raw, enforce.Position{Partition: p, Offset: int64(offset)})
		}
	}
	return nil
}
