package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// guard keeps a log that is damaged from being read and written.
type guard struct {
	loss atomic.Pointer[Loss] // nil while the log is whole as far as is known
}

// Lost says what of the embedded broker's log is missing or altered; nil while it
// is whole as far as is known.
func (l *Log) Lost() *Loss { return l.guard.loss.Load() }

// Shut closes the embedded broker's log to this program, as it is damaged: what
// is appended waits in the spool, so that nothing new is written over the damage,
// and nothing is read by those who have not begun to. The first loss counts.
func (l *Log) Shut(loss *Loss) {
	if l.guard.loss.CompareAndSwap(nil, loss) {
		l.log.Error("the case log is damaged", "error", loss)
	}
}

func (l *Log) isShut() bool { return l.Lost() != nil }

func await(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// acknowledged remembers what the embedded broker has taken.
func (l *Log) acknowledged(messages []kafka.Message, err error) {
	if err != nil {
		return
	}
	for _, m := range messages {
		l.cfg.Prefix.acknowledged(embeddedID(l.cfg.Topic), m.Partition, m.Offset, m.Key, m.Value)
	}
}

// remember puts on the disk what the embedded broker has taken, before anybody is
// told of it.
func (l *Log) remember() {
	if err := l.cfg.Prefix.save(); err != nil {
		l.log.Warn("what the case log holds cannot be remembered", "error", err)
	}
}

// overrun are the partitions of which a group has read further than they reach,
// with the offsets that they begin at. It is what is left where a topic was made
// anew and taken as it is.
func (l *Log) overrun(ctx context.Context, group string, read map[int]int64) (map[int]int64, error) {
	is, err := l.lookUp(ctx)
	if err == nil {
		err = l.measure(ctx, &is)
	}
	if err != nil {
		return nil, err
	}
	committed, err := l.committed(ctx, group)
	if err != nil {
		return nil, err
	}
	over := map[int]int64{}
	for id, p := range is.partitions {
		if at := max(committed[id], read[id]); at > p.end {
			over[id] = p.begin
			l.log.Warn("the case log ends before what was read of it, and is read anew",
				"group", group, "partition", id, "end", p.end, "read", at)
		}
	}
	return over, nil
}

// rewind has a group read those partitions from their beginning that end before
// what it has read: else it would wait for offsets that others have now. Nobody
// may be in the group.
func (l *Log) rewind(ctx context.Context, group string, read map[int]int64) error {
	over, err := l.overrun(ctx, group, read)
	if err != nil || len(over) == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	offsets := kadm.Offsets{}
	for id, first := range over {
		offsets.AddOffset(l.cfg.Topic, int32(id), first, -1)
	}
	if err := kadm.NewClient(l.admin).CommitAllOffsets(ctx, group, offsets); err != nil {
		return fmt.Errorf("read the case log anew: %w", err)
	}
	return nil
}

// committed are the offsets up to which a group has read, by partition.
func (l *Log) committed(ctx context.Context, group string) (map[int]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	answer, err := kadm.NewClient(l.admin).FetchOffsets(ctx, group)
	if err == nil {
		err = answer.Error()
	}
	if errors.Is(err, kerr.GroupIDNotFound) {
		return nil, nil //nolint:nilnil // it has not read anything yet
	}
	if err != nil {
		return nil, fmt.Errorf("look up the place of %s in the case log: %w", group, err)
	}
	committed := map[int]int64{}
	for id, p := range answer[l.cfg.Topic] {
		committed[int(id)] = p.At
	}
	return committed, nil
}
