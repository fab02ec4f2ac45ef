package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// watcher knows whether the operator's topic is still the one that events were
// written to, and whether it keeps them.
type watcher struct {
	topic  string
	memory *memory // nil with the embedded broker, which belongs to us alone
	keeps  bool    // the memory is ours to write

	mu      sync.Mutex
	looked  bool // the topic was seen since the start
	found   []finding
	unasked error // why the newest look failed
}

// knows says whether events were written to the topic before.
func (w *watcher) knows() bool { return w.before() != nil }

// before is what the topic with the events was like; nil before there are any.
func (w *watcher) before() *sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.memory == nil {
		return nil
	}
	was := w.memory.Topics[w.topic]
	if !was.Written {
		return nil
	}
	return &was
}

// seen says whether the topic was looked at since the start.
func (w *watcher) seen() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.looked
}

// spread is over how many partitions cases are spread; 0: over all. A case
// must stay where it is when an operator adds partitions.
func (w *watcher) spread() int {
	if was := w.before(); was != nil {
		return was.Partitions
	}
	return 0
}

// note takes what a look at the topic found. What is well is kept as known.
func (w *watcher) note(is topic, found []finding) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked, w.found, w.unasked = true, found, nil
	if !w.keeps || w.damaged() {
		return nil
	}
	s := sight{Cluster: is.cluster, ID: is.id, Partitions: len(is.partitions), Begins: map[int]int64{}, Ends: map[int]int64{}}
	if was := w.memory.Topics[w.topic]; was.Written {
		s.Partitions, s.Written = was.Partitions, true
	}
	for number, p := range is.partitions {
		s.Begins[number], s.Ends[number] = p.begin, p.end
		s.Written = s.Written || p.end > 0
	}
	return w.memory.keep(w.topic, s)
}

// writes notes that the topic is about to hold events.
func (w *watcher) writes() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.memory.Topics[w.topic]
	if !w.keeps || s.Written {
		return nil
	}
	s.Written = true
	return w.memory.keep(w.topic, s)
}

// damaged says whether events are gone.
func (w *watcher) damaged() bool {
	return slices.ContainsFunc(w.found, func(f finding) bool { return f.lost })
}

// failed takes why the topic could not be looked at.
func (w *watcher) failed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unasked = err
}

// unseen is why the newest look failed, or nil.
func (w *watcher) unseen() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unasked
}

// pick is what was found of one sort.
func (w *watcher) pick(sort func(finding) bool) (picked []finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range w.found {
		if sort(f) {
			picked = append(picked, f)
		}
	}
	return picked
}

// inspect looks at the topic and its settings.
func (l *Log) inspect(ctx context.Context) error {
	seen, err := l.lookUp(ctx)
	if errors.Is(err, kerr.UnknownTopicOrPartition) && l.watcher.knows() {
		return l.watcher.note(topic{}, []finding{{what: "it is gone: it was deleted", lost: true, holds: true}})
	}
	if err == nil {
		err = l.measure(ctx, &seen)
	}
	if err != nil {
		l.watcher.failed(err)
		return err
	}
	settings, err := l.describe(ctx)
	found := judge(l.watcher.before(), seen, settings)
	if err != nil {
		found = append(found, finding{what: "its settings cannot be checked: " + l.explain(err)})
	}
	return l.watcher.note(seen, found)
}

// describe asks for the topic's settings.
func (l *Log) describe(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	answer, err := kadm.NewClient(l.admin).DescribeTopicConfigs(ctx, l.cfg.Topic)
	if err != nil {
		return nil, fmt.Errorf("read the settings of topic %s: %w", l.cfg.Topic, err)
	}
	of, err := answer.On(l.cfg.Topic, func(r *kadm.ResourceConfig) error { return r.Err })
	if err != nil {
		return nil, fmt.Errorf("read the settings of topic %s: %w", l.cfg.Topic, err)
	}
	settings := map[string]string{}
	for _, c := range of.Configs {
		settings[c.Key] = c.MaybeValue()
	}
	return settings, nil
}

// permit says why nothing may be appended just now: whether the topic is still
// the one it was is asked each time, since events are few and what goes into
// another topic is lost.
func (l *Log) permit(ctx context.Context) error {
	if l.watcher.memory == nil {
		return nil
	}
	if l.lease != nil {
		if err := l.lease.held(); err != nil {
			return err
		}
		if !l.watcher.seen() {
			if err := l.inspect(ctx); err != nil {
				return err
			}
		}
	}
	seen, err := l.lookUp(ctx)
	if was := l.watcher.before(); was != nil && (err == nil && seen.differs(*was) != "" || errors.Is(err, kerr.UnknownTopicOrPartition)) {
		err = l.inspect(ctx)
	}
	if err != nil {
		return err
	}
	if err := l.held(); err != nil {
		return err
	}
	return l.watcher.writes()
}

// watch looks at the topic from time to time until ctx is done.
func (l *Log) watch(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(l.cfg.CheckEvery):
		}
		if err := l.inspect(ctx); err != nil && ctx.Err() == nil {
			l.outage.failed(err)
		}
	}
}

// say puts findings into words, with the command that mends what a setting can.
func (c Config) say(found []finding) error {
	if len(found) == 0 {
		return nil
	}
	var said, mends []string
	lost := false
	for _, f := range found {
		said = append(said, f.what)
		lost = lost || f.lost
		if f.mend != "" {
			mends = append(mends, f.mend)
		}
	}
	text := fmt.Sprintf("topic %s: %s", c.Topic, strings.Join(said, "; "))
	if len(mends) > 0 {
		text += "; mend it by: " + c.alter(mends...)
	}
	if lost {
		text += fmt.Sprintf("; bring its events back, or take it as it is: stop Tidewatch, remove %s, start it", c.Memory)
	}
	return errors.New(text)
}
