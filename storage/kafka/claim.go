package kafka

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// reaching is for how long a start waits for a Kafka that cannot be reached.
const reaching = 3 * time.Second

// Claim makes this the one system that writes to a Kafka of the operator's,
// after a look at its topic. It fails where that topic would lose events, where
// Kafka refuses us, or where another system has the topic. While Kafka cannot
// be reached it succeeds: events are spooled, and the claim is made as soon as
// it can be. With the embedded broker, or without a System, it does nothing.
func (l *Log) Claim(ctx context.Context) error {
	if l.lease == nil {
		return nil
	}
	err := l.claim(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && needsPeople(err):
		return fmt.Errorf("claim topic %s: %s", l.cfg.Topic, l.explain(err))
	case err != nil:
		l.outage.failed(err)
	}
	if err := l.cfg.say(l.watcher.pick(func(f finding) bool { return f.fatal })); err != nil {
		return err
	}
	l.keeping.Go(func() { l.lease.keep(l.alive) })
	l.keeping.Go(func() { l.watch(l.alive) })
	return nil
}

// claim takes the lease and looks at the topic.
func (l *Log) claim(ctx context.Context) error {
	if err := l.takeLease(ctx); err != nil {
		return err
	}
	if err := l.createTopic(ctx); err != nil && !errors.Is(err, errGone) {
		return err
	}
	return l.inspect(ctx)
}

// takeLease waits for an owner that was killed elsewhere to be given up, and a
// moment for brokers that start.
func (l *Log) takeLease(ctx context.Context) error {
	started := time.Now()
	for said := false; ; {
		err := l.lease.claim(ctx)
		taken := errors.Is(err, errTaken)
		wait := reaching
		if taken {
			wait = l.cfg.SessionTimeout + reaching
		}
		if err == nil || needsPeople(err) && !taken || time.Since(started) > wait {
			return err
		}
		if taken && !said {
			said = true
			l.log.Warn("another system has the case log; waiting for it to go", "error", err, "at_most", wait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reaching / 6):
		}
	}
}

// awaitOwn returns once the log is ours to act upon: claimed, and still the one
// that was written to. A command that only reads is told at once that it is not.
func (l *Log) awaitOwn(ctx context.Context) error {
	if l.lease == nil {
		return l.differs(ctx)
	}
	for l.lease.held() != nil || l.held() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// held says what was found of the topic for which nothing is appended.
func (l *Log) held() error {
	return l.cfg.say(l.watcher.pick(func(f finding) bool { return f.holds }))
}

// differs says, once, how the topic shows that it is not the one that was
// written to.
func (l *Log) differs(ctx context.Context) error {
	was := l.watcher.before()
	if was == nil || l.watcher.seen() {
		return nil
	}
	seen, err := l.lookUp(ctx)
	if err != nil {
		return nil //nolint:nilerr // whoever reads on waits for an answer, or is told
	}
	if other := seen.differs(*was); other != "" {
		return l.cfg.say([]finding{{what: other, lost: true}})
	}
	return l.watcher.note(seen, nil)
}

// Health says why the case log cannot be relied on just now, or nil.
func (l *Log) Health() error {
	if l.lease != nil {
		if err := l.lease.held(); errors.Is(err, errTaken) {
			return fmt.Errorf("topic %s: %w; %d events wait", l.cfg.Topic, err, l.Waiting())
		}
	}
	found := l.cfg.say(l.watcher.pick(func(f finding) bool { return !f.minor }))
	refused, why := l.spool.refused()
	if refused > 0 {
		found = both(fmt.Errorf("%s: %d events wait", l.explain(why), refused), found)
	}
	waiting := l.Waiting() - refused
	switch {
	case waiting == 0:
		return found
	case l.held() != nil:
		return fmt.Errorf("%w; %d events wait", found, waiting)
	}
	return both(fmt.Errorf("%s: %d events wait", l.explain(l.jam.why()), waiting), found)
}

// both is two errors in one line.
func both(first, second error) error {
	if second == nil {
		return first
	}
	return fmt.Errorf("%w; %w", first, second)
}

// Concern says what of the case log is not in order and does no harm yet: its
// brokers cannot be reached while no event waits, or its topic could be kept
// more safely.
func (l *Log) Concern() error {
	if l.lease == nil || l.Waiting() > 0 {
		return nil
	}
	if err := l.lease.held(); err != nil && !errors.Is(err, errTaken) {
		return errors.New(l.explain(err))
	}
	if err := l.watcher.unseen(); err != nil {
		return errors.New(l.explain(err))
	}
	return l.cfg.say(l.watcher.pick(func(f finding) bool { return f.minor }))
}
