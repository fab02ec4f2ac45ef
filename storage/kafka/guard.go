package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// guard watches whether the log still holds what was in it.
type guard struct {
	id     atomic.Pointer[string] // of the log, once Kafka has told it
	shut   atomic.Bool            // nothing is read, and all that is appended goes to the spool
	loss   atomic.Pointer[Loss]
	lost   chan struct{} // closed once a loss is known
	once   sync.Once
	begins sync.Map // first offset of each partition, as it was
}

// Lost says what of the log is missing or altered; nil while it is whole as far
// as is known.
func (l *Log) Lost() *Loss { return l.guard.loss.Load() }

// Shut closes the log to this program, as it is damaged: what is appended waits in
// the spool, so that nothing new is written over the damage, and nothing is read
// by those who have not begun to.
func (l *Log) Shut(loss *Loss) {
	l.guard.shut.Store(true)
	l.lose(loss)
}

// lose notes a loss; the first one counts, as what follows comes of it.
func (l *Log) lose(loss *Loss) {
	l.guard.once.Do(func() {
		l.guard.loss.Store(loss)
		l.log.Error("the case log is damaged", "error", loss)
		close(l.guard.lost)
	})
}

// anew is closed once what was read has to be read anew, as a loss has become
// known; never, if one is known already.
func (l *Log) anew() <-chan struct{} {
	if l.Lost() != nil {
		return nil
	}
	return l.guard.lost
}

// isShut reports whether the log is closed; then await waits for the end.
func (l *Log) isShut() bool { return l.guard.shut.Load() }

func await(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// known is what is remembered of this log.
func (l *Log) known() marks {
	if id := l.guard.id.Load(); id != nil {
		return l.cfg.Prefix.of(*id)
	}
	return marks{}
}

// identify notes which log this is, and how many partitions it has.
func (l *Log) identify(cluster string, partitions int) {
	id := logID(cluster, l.cfg.Topic)
	l.guard.id.Store(&id)
	if m := l.cfg.Prefix.of(id); l.cfg.Prefix != nil && m.Partitions == 0 {
		l.cfg.Prefix.count(id, partitions)
	}
}

// acknowledged remembers what Kafka has taken.
func (l *Log) acknowledged(messages []kafka.Message, err error) {
	id := l.guard.id.Load()
	if err != nil || id == nil {
		return
	}
	for _, m := range messages {
		l.cfg.Prefix.acknowledged(*id, m.Partition, m.Offset, m.Key, m.Value)
	}
}

// seen holds what was read of a partition from its beginning against what is
// remembered of it.
func (l *Log) seen(partition int, before, after chain) {
	id := l.guard.id.Load()
	if id == nil {
		return
	}
	if err := l.cfg.Prefix.seen(*id, partition, before, after); err != nil {
		l.lose(&Loss{[]Place{{l.partition(partition), partition, after.Next, after.Next, err.Error()}}})
	}
}

func (l *Log) partition(id int) string { return fmt.Sprintf("partition %d of %s", id, l.cfg.Topic) }

// look compares where the partitions end, and begin, with what is remembered.
func (l *Log) look(ctx context.Context) error {
	known := l.known() // before Kafka is asked, as it only grows
	bounds, err := l.bounds(ctx)
	if err != nil {
		return err
	}
	l.compare(known, bounds)
	return nil
}

// compare notes a loss where a partition is shorter than it was.
func (l *Log) compare(known marks, bounds map[int]bound) {
	places := l.shorter(known, bounds)
	for id, b := range bounds {
		was, _ := l.guard.begins.LoadOrStore(id, b.first)
		if first := was.(int64); b.first > first {
			places = append(places, Place{l.partition(id), id, first, b.first, "its beginning was deleted"})
		}
	}
	if len(places) > 0 {
		l.lose(&Loss{places})
	}
}

// shorter are the partitions that end before what is remembered of them.
func (l *Log) shorter(known marks, bounds map[int]bound) (places []Place) {
	for _, id := range slices.Sorted(maps.Keys(known.Of)) {
		if m, b := known.Of[id], bounds[id]; b.last < m.End {
			what := fmt.Sprintf("ends after %d events, and %d were written", b.last, m.End)
			places = append(places, Place{l.partition(id), id, b.last, m.End, what})
		}
	}
	return places
}

// LossBy is what is missing of a log, by what is remembered of it elsewhere; nil
// if nothing is.
func (l *Log) LossBy(ctx context.Context, p *Prefix) (*Loss, error) {
	bounds, err := l.bounds(ctx)
	if err != nil {
		return nil, err
	}
	places := l.shorter(p.of(*l.guard.id.Load()), bounds)
	if places == nil {
		return nil, nil //nolint:nilnil // nothing is missing
	}
	return &Loss{places}, nil
}

// Forget has what is remembered of a log begin anew with what it now holds.
func (l *Log) Forget(p *Prefix) error {
	if id := l.guard.id.Load(); id != nil {
		p.put(*id, marks{})
	}
	return p.save()
}

// keepWatch looks at the log from time to time, and keeps what is remembered on
// the disk.
func (l *Log) keepWatch(ctx context.Context) {
	save, look := time.NewTicker(saveEvery), time.NewTicker(l.cfg.LookEvery)
	defer save.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-save.C:
			l.remember()
		case <-look.C:
			if err := l.look(ctx); err != nil && ctx.Err() == nil {
				l.log.Debug("the ends of the case log cannot be looked up", "error", err)
			}
		}
	}
}

// saveEvery is how long what was read may be remembered in memory alone.
const saveEvery = 500 * time.Millisecond

// overrun are the partitions of which a group has read further than they reach,
// with the offsets that they begin at.
func (l *Log) overrun(ctx context.Context, group string, read map[int]int64) (map[int]int64, error) {
	bounds, err := l.bounds(ctx)
	if err != nil {
		return nil, err
	}
	committed, err := l.committed(ctx, group, bounds)
	if err != nil {
		return nil, err
	}
	over := map[int]int64{}
	var places []Place
	for id, b := range bounds {
		if at := max(committed[id], read[id]); at > b.last {
			over[id] = b.first
			what := fmt.Sprintf("ends after %d events, and %d were read: it is read anew", b.last, at)
			places = append(places, Place{l.partition(id), id, b.last, at, what})
		}
	}
	if len(places) > 0 {
		l.lose(&Loss{places})
	}
	return over, nil
}

// rewind has a group read partitions from their beginning that end before what it
// has read; all of them where the log is known to be damaged, as what it read may
// not be what is there now. Nobody may be in the group.
func (l *Log) rewind(ctx context.Context, group string, read map[int]int64) error {
	over, err := l.overrun(ctx, group, read)
	if err != nil {
		return err
	}
	if l.Lost() != nil {
		bounds, err := l.bounds(ctx)
		if err != nil {
			return err
		}
		for id, b := range bounds {
			over[id] = b.first
		}
	}
	if len(over) == 0 {
		return nil
	}
	var offsets []kafka.OffsetCommit
	for id, first := range over {
		offsets = append(offsets, kafka.OffsetCommit{Partition: id, Offset: first})
	}
	answer, err := l.client().OffsetCommit(ctx, &kafka.OffsetCommitRequest{
		GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{l.cfg.Topic: offsets},
	})
	if err != nil {
		return fmt.Errorf("read the case log anew: %w", err)
	}
	for _, p := range answer.Topics[l.cfg.Topic] {
		err = errors.Join(err, p.Error)
	}
	if err != nil {
		return fmt.Errorf("read the case log anew: %w", err)
	}
	l.log.Warn("the case log is read anew", "group", group, "partitions", len(over))
	return nil
}

// committed are the offsets up to which a group has read.
func (l *Log) committed(ctx context.Context, group string, bounds map[int]bound) (map[int]int64, error) {
	var partitions []int
	for id := range bounds {
		partitions = append(partitions, id)
	}
	answer, err := l.client().OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: group, Topics: map[string][]int{l.cfg.Topic: partitions},
	})
	if err == nil {
		err = answer.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) {
		return map[int]int64{}, nil // it has not read anything yet
	}
	if err != nil {
		return nil, fmt.Errorf("look up the place of %s in the case log: %w", group, err)
	}
	committed := map[int]int64{}
	for _, p := range answer.Topics[l.cfg.Topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("look up the place of %s in the case log: %w", group, p.Error)
		}
		committed[p.Partition] = p.CommittedOffset
	}
	return committed, nil
}
