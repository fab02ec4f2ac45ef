package kafka

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

// Stranger is something in the case log that nobody of this system wrote.
type Stranger struct {
	enforce.Position
	Claim enforce.Event // what it says; zero where it is no event
	Flaw  error         // why it counts for nothing
}

// keptStrangers bounds how many are remembered.
const keptStrangers = 10_000

// strangers are those that were met since the start, each once.
type strangers struct {
	log     *slog.Logger
	counter prometheus.Counter

	mu    sync.Mutex
	met   map[enforce.Position]Stranger
	more  int       // met beyond those that are kept
	said  time.Time // when the log last spoke of one
	quiet int       // met since
}

// note keeps a stranger in mind. Whoever writes thousands does not fill the log
// of the program with them.
func (s *strangers) note(one Stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.met[one.Position]; known {
		return
	}
	s.counter.Inc()
	if len(s.met) >= keptStrangers {
		s.more++
	} else {
		s.met[one.Position] = one
	}
	if s.quiet++; time.Since(s.said) < time.Second {
		return
	}
	s.log.Error("something in the case log was not written by this system, and is void", "partition", one.Partition, "offset", one.Offset,
		"case", one.Claim.Case, "type", string(one.Claim.Type), "why", one.Flaw, "met_since_last_line", s.quiet)
	s.said, s.quiet = time.Now(), 0
}

// Strangers reports what the case log holds that this system did not write, as
// far as it has been read since the start, and lies at or after the places that
// seen gives by partition. Nothing of it counts.
func (l *Log) Strangers(seen map[int]int64) error {
	s := &l.strangers
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.more
	var newest Stranger
	for at, one := range s.met {
		if at.Offset < seen[at.Partition] {
			continue
		}
		if n++; newest.Flaw == nil || at.Offset > newest.Offset {
			newest = one
		}
	}
	if n == 0 {
		return nil
	}
	what := "a message"
	if newest.Claim.Type != "" {
		what = fmt.Sprintf("%s of case %s", newest.Claim.Type, newest.Claim.Case)
	}
	return fmt.Errorf("somebody else writes to the case log: %d messages in it are void, such as %s at %d/%d, which %w; "+
		"find out who can write to Kafka, then run tidewatch log acknowledge", n, what, newest.Partition, newest.Offset, newest.Flaw)
}

// Met are the strangers met since the start, as far as they are kept, in the
// order of their places.
func (l *Log) Met() []Stranger {
	s := &l.strangers
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.met), func(a, b Stranger) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
}

// check reads a message and says who wrote it.
func (l *Log) check(m kafka.Message) (enforce.Checked, error) {
	checked, err := enforce.Check(m.Value, positionOf(m), l.cfg.Authors)
	if err != nil {
		return checked, fmt.Errorf("decode event at %d/%d: %w", m.Partition, m.Offset, err)
	}
	if flaw := checked.Flaw(); flaw != nil {
		l.strangers.note(Stranger{checked.Position, checked.Claim(), flaw})
	}
	return checked, nil
}

// reject passes over a message that is no event. It stays in the log, where
// its position finds it.
func (l *Log) reject(m kafka.Message, err error) {
	if isFiller(m.Value) {
		return
	}
	l.metrics.rejected.Inc()
	l.log.Warn("a message of the case log is no event", "partition", m.Partition, "offset", m.Offset, "error", err)
	l.strangers.note(Stranger{Position: positionOf(m), Flaw: errNoEvent})
}

var errNoEvent = errors.New("is no event")
