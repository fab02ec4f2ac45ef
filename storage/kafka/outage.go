package kafka

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
)

// outage counts failed dealings with Kafka, and logs when they begin and end
// rather than each.
type outage struct {
	log    *slog.Logger
	errors prometheus.Counter

	mu      sync.Mutex
	lasting bool
	newest  error
}

func (o *outage) failed(err error) {
	o.errors.Inc()
	if o.becomes(true, err) {
		o.log.Warn("kafka fails and is tried again", "error", err)
		return
	}
	o.log.Debug("kafka still fails", "error", err)
}

func (o *outage) over() {
	if o.becomes(false, nil) {
		o.log.Info("kafka answers again")
	}
}

// becomes says whether that is a change.
func (o *outage) becomes(lasting bool, err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	changed := o.lasting != lasting
	o.lasting, o.newest = lasting, err
	return changed
}

// why is the newest failure of an outage that lasts, or nil.
func (o *outage) why() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.newest
}

// fetcher is what we need of a kafka.Reader.
type fetcher interface {
	FetchMessage(ctx context.Context) (kafka.Message, error)
}

// next waits for a reader's next message, through outages, until ctx is done.
// A reader that has said what went wrong goes on by itself where it was, and
// paces its attempts.
func (l *Log) next(ctx context.Context, r fetcher) (kafka.Message, error) {
	for {
		m, err := r.FetchMessage(ctx)
		switch {
		case err == nil:
			l.outage.over()
			return m, nil
		case ctx.Err() != nil:
			return kafka.Message{}, ctx.Err()
		}
		l.outage.failed(err)
	}
}

// Away says why the log cannot be read just now, or nil.
func (l *Log) Away() error {
	if err := l.outage.why(); err != nil {
		return errors.New(l.explain(err))
	}
	return nil
}

// insist tries what needs Kafka until it succeeds or ctx is done. A command
// that works beside a Tidewatch does not wait for what only people can mend.
func (l *Log) insist(ctx context.Context, try func() error) error {
	for wait := newBackoff(); ; wait.pause(ctx) {
		err := try()
		switch {
		case err == nil:
			l.outage.over()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case l.lease == nil && needsPeople(err):
			return errors.New(l.explain(err))
		}
		l.outage.failed(err)
	}
}
