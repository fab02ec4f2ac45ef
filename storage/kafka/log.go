package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

// Log is the case log. It is safe for concurrent use.
type Log struct {
	cfg       Config
	log       *slog.Logger
	metrics   metrics
	outage    *outage
	spool     *spool
	spooled   chan struct{} // has a token when there may be something to drain
	transport *kafka.Transport
	writer    *kafka.Writer
	met       chan bool // holds whether Authors have met the log
	strangers strangers
}

// NewLog opens the spool; Kafka itself need not be there yet. Run must run for
// what is spooled to reach Kafka.
func NewLog(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Log, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	spool, err := openSpool(cfg.SpoolDir)
	if err != nil {
		return nil, err
	}
	// The transport looks for brokers anew once in this time, and not before.
	transport := &kafka.Transport{ClientID: "tidewatch", MetadataTTL: 2 * time.Second, SASL: cfg.login()}
	l := &Log{
		cfg: cfg, log: log, spool: spool, spooled: make(chan struct{}, 1), met: make(chan bool, 1), transport: transport,
		writer: &kafka.Writer{
			Addr: kafka.TCP(cfg.Brokers...), Topic: cfg.Topic, Transport: transport,
			RequiredAcks: kafka.RequireAll,
			MaxAttempts:  3,
			BatchTimeout: time.Millisecond,
			WriteTimeout: cfg.WriteTimeout, ReadTimeout: cfg.WriteTimeout,
		},
	}
	l.met <- false
	l.writer.Balancer = kafka.BalancerFunc(l.balance)
	l.metrics = newMetrics(reg, spool.depth)
	l.strangers = strangers{log: log, counter: l.metrics.strangers, met: map[enforce.Position]Stranger{}}
	l.outage = &outage{log: log, errors: l.metrics.errors}
	return l, nil
}

// Append adds events, in order. It returns once each is safe: acknowledged by
// Kafka or, where Kafka does not answer in time, on the disk in the spool.
// While events wait in the spool new ones join its end, so that the order in
// each case is kept. After an error the last events may be missing.
func (l *Log) Append(ctx context.Context, events ...enforce.Event) error {
	messages := make([]kafka.Message, len(events))
	for i, e := range events {
		var err error
		if messages[i], err = l.encode(e); err != nil {
			return fmt.Errorf("append to the case log: %w", err)
		}
	}
	for _, m := range messages {
		if err := l.append(ctx, m); err != nil {
			return fmt.Errorf("append to the case log: %w", err)
		}
	}
	return nil
}

func (l *Log) append(ctx context.Context, m kafka.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.spool.depth() == 0 {
		err := l.write(ctx, m)
		if err == nil {
			l.metrics.appended.Inc()
			return nil
		}
		l.metrics.errors.Inc()
		l.log.Warn("kafka did not take an event, it goes to the spool", "error", err)
	}
	if err := l.spool.put(m.Value); err != nil {
		return err
	}
	l.metrics.spooled.Inc()
	select {
	case l.spooled <- struct{}{}:
	default:
	}
	return nil
}

func (l *Log) write(ctx context.Context, m kafka.Message) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.WriteTimeout)
	defer cancel()
	return l.writer.WriteMessages(ctx, m)
}

// Waiting is how many events are in the spool: more than none only while Kafka
// cannot be reached, and a moment after.
func (l *Log) Waiting() int { return l.spool.depth() }

// Run creates the topic if it is missing and sends what is in the spool, until
// ctx is done.
func (l *Log) Run(ctx context.Context) error {
	if err := l.awaitTopic(ctx); err != nil {
		return nil //nolint:nilerr // ctx is done, which is how Run ends
	}
	wait := newBackoff()
	for ctx.Err() == nil {
		err := l.drain(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			l.outage.failed(fmt.Errorf("send %d spooled events: %w", l.spool.depth(), err))
			wait.pause(ctx)
		default:
			l.outage.over()
			wait = newBackoff()
			select {
			case <-ctx.Done():
			case <-l.spooled:
			}
		}
	}
	return nil
}

// drain sends the spool's events one by one, so that none overtakes another.
func (l *Log) drain(ctx context.Context) error {
	for {
		name, event, ok, err := l.spool.head()
		if !ok || err != nil {
			return err
		}
		m, err := l.unspool(event)
		if err != nil {
			l.metrics.setAside.Inc()
			l.log.Error("a spooled event cannot be read and is set aside", "file", name+".bad", "error", err)
			if err := l.spool.setAside(name); err != nil {
				return err
			}
			continue
		}
		if err := l.write(ctx, m); err != nil {
			return err
		}
		if err := l.spool.done(name); err != nil {
			return err
		}
		l.metrics.drained.Inc()
	}
}

// unspool reads a spooled event. One that was spooled before events were signed,
// or before a key was replaced, is signed now: it is this system's.
func (l *Log) unspool(event []byte) (kafka.Message, error) {
	var e enforce.Event
	if err := json.Unmarshal(event, &e); err != nil {
		return kafka.Message{}, err
	}
	value, err := l.cfg.Authors.SignAnew(event)
	if err != nil {
		return kafka.Message{}, err
	}
	return kafka.Message{Key: []byte(e.Case), Value: value}, nil
}

// Close frees connections and the spool's directory. Events still in the
// spool are sent after the next start.
func (l *Log) Close() error {
	err := l.writer.Close()
	l.transport.CloseIdleConnections()
	return errors.Join(err, l.spool.close())
}
