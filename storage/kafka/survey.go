package kafka

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/segmentio/kafka-go"

	"tidewatch/storage/kafka/segment"
)

// survey is what the embedded broker's files hold, before it opens them: it cuts
// off what it cannot read, and what follows that.
type survey struct {
	partitions map[int]segment.Partition // of the case log, by ID
	chains     map[int]chain
	places     []Place
}

// partitionsDir is where a broker keeps its partitions.
func partitionsDir(data string) string { return filepath.Join(data, "partitions") }

// surveyLog reads the partitions of a topic in a broker's folder, and holds them
// against what is remembered of them.
func surveyLog(data, topic string, known marks) (survey, error) {
	s := survey{partitions: map[int]segment.Partition{}, chains: map[int]chain{}}
	list, err := segment.Partitions(partitionsDir(data))
	if err != nil {
		return s, err
	}
	for _, p := range list {
		if p.Topic != topic { // the broker does not open it
			continue
		}
		if err := s.read(p, known); err != nil {
			return s, err
		}
	}
	for id, m := range known.Of {
		p, there := s.partitions[id]
		if !there {
			p.Dir = segment.Dir(partitionsDir(data), topic, id)
			s.partitions[id] = p
		}
		s.compareEnd(p.Dir, id, m)
	}
	slices.SortFunc(s.places, func(a, b Place) int { return a.Partition - b.Partition })
	return s, nil
}

// read reads a partition and notes where it is damaged.
func (s *survey) read(p segment.Partition, known marks) error {
	m := known.Of[p.ID]
	var c chain
	foreign, altered := int64(-1), false
	p, err := p.Read(func(b segment.Batch) error {
		for _, r := range b.Records {
			if foreign < 0 && !belongs(r, p.ID, known.Partitions) {
				foreign = r.Offset
			}
			c = c.add(r.Offset, r.Key, r.Value)
			altered = altered || c.Next == m.Next && c.Hash != m.Hash
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, d := range p.Damages {
		where := fmt.Sprintf("%s at byte %d", d.File, d.At)
		s.places = append(s.places, Place{where, p.ID, d.From, d.Until, d.What})
	}
	s.partitions[p.ID], s.chains[p.ID] = p, c
	switch { // what a stranger appended in the wrong place is void, and no damage
	case altered && foreign >= 0:
		s.places = append(s.places, Place{p.Dir, p.ID, foreign, foreign, fmt.Sprintf("holds events of another partition from offset %d on", foreign)})
	case altered && len(p.Damages) == 0:
		s.places = append(s.places, Place{p.Dir, p.ID, m.Next, m.Next, fmt.Sprintf("its first %d events are not those that were written", m.Next)})
	}
	return nil
}

// compareEnd notes a partition that ends before what was written. Damage at its
// end that has been noted already is the same.
func (s *survey) compareEnd(dir string, id int, m mark) {
	end := s.partitions[id].End
	if end >= m.End {
		return
	}
	for i, p := range s.places {
		if p.Partition == id && p.From == end && p.Until == end {
			s.places[i].Until = m.End
			return
		}
	}
	what := fmt.Sprintf("ends after %d events, and %d were written", end, m.End)
	s.places = append(s.places, Place{dir, id, end, m.End, what})
}

// belongs reports whether a message is in the partition that its key leads to.
func belongs(r segment.Record, partition, partitions int) bool {
	return partitions == 0 || isFiller(r.Value) || partitionOf(string(r.Key), partitions) == partition
}

// partitionOf is the partition of a case's events.
func partitionOf(caseID string, partitions int) int {
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	return balancer.Balance(kafka.Message{Key: []byte(caseID)}, all...)
}

// balancer is the hash of Java's own producer, so that any producer agrees on the
// partition of a case.
var balancer = kafka.Murmur2Balancer{Consistent: true}

// loss is nil if nothing is missing or altered.
func (s *survey) loss() *Loss {
	if len(s.places) == 0 {
		return nil
	}
	return &Loss{s.places}
}

// marks is what to remember of what was found.
func (s *survey) marks(partitions int) marks {
	m := marks{Partitions: partitions, Of: map[int]mark{}}
	for id, p := range s.partitions {
		m.Of[id] = mark{s.chains[id], p.End}
	}
	return m
}
