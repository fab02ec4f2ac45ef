package kafka

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidewatch/enforce"
)

// Log is the case log. It is safe for concurrent use.
type Log struct {
	cfg       Config
	log       *slog.Logger
	metrics   metrics
	outage    *outage // of all that reads
	jam       *outage // of what writes
	spool     *spool
	spooled   chan struct{} // has a token when there may be something to drain
	admin     *kgo.Client   // asks about topics and groups
	transport *kafka.Transport
	writer    *kafka.Writer
	met       chan bool // holds whether Authors have met the log
	strangers strangers

	guard   guard
	watcher *watcher
	lease   *lease          // nil where no claim is made
	alive   context.Context //nolint:containedctx // of what a claim goes on with until Close
	die     context.CancelFunc
	keeping sync.WaitGroup
}

// NewLog opens the spool; Kafka itself need not be there yet. Run must run for
// what is spooled to reach Kafka.
func NewLog(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Log, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	secure, err := cfg.Security.tls()
	if err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, log: log, spooled: make(chan struct{}, 1), met: make(chan bool, 1)}
	l.met <- false
	l.alive, l.die = context.WithCancel(context.Background())
	if l.admin, err = newClient(cfg); err != nil {
		return nil, err
	}
	if err := l.openWatcher(); err != nil {
		l.admin.Close()
		return nil, err
	}
	if l.spool, err = openSpool(cfg.SpoolDir); err != nil {
		l.admin.Close()
		return nil, err
	}
	l.openWriter(secure)
	if cfg.Loss != nil {
		l.Shut(cfg.Loss)
	}
	l.metrics = newMetrics(reg, l.spool)
	l.strangers = strangers{log: log, counter: l.metrics.strangers, met: map[enforce.Position]Stranger{}}
	l.outage = &outage{log: log.With("way", "read"), errors: l.metrics.errors}
	l.jam = &outage{log: log.With("way", "write"), errors: l.metrics.errors}
	return l, nil
}

// openWatcher prepares what watches over an operator's topic.
func (l *Log) openWatcher() error {
	l.watcher = &watcher{topic: l.cfg.Topic, keeps: l.cfg.System != ""}
	if l.cfg.socket() != "" {
		return nil
	}
	known, err := openMemory(l.cfg.Memory)
	if err != nil {
		return err
	}
	l.watcher.memory = known
	if l.cfg.System != "" {
		l.lease = newLease(l.cfg, l.admin, known.System, l.log)
	}
	return nil
}

func (l *Log) openWriter(secure *tls.Config) {
	// The transport looks for brokers anew once in this time, and not before.
	l.transport = &kafka.Transport{
		ClientID: "tidewatch", MetadataTTL: 2 * time.Second, Dial: l.cfg.dial, TLS: secure, SASL: l.cfg.Security.signIn(),
	}
	l.writer = &kafka.Writer{
		Addr: kafka.TCP(l.cfg.addresses()...), Topic: l.cfg.Topic, Transport: l.transport,
		Balancer:     kafka.BalancerFunc(l.balance),
		RequiredAcks: kafka.RequireAll,
		MaxAttempts:  3,
		BatchTimeout: time.Millisecond,
		WriteTimeout: l.cfg.WriteTimeout, ReadTimeout: l.cfg.WriteTimeout,
		Completion: l.acknowledged,
	}
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

// Restore appends events that the log has lost, given as they stood in it. What
// is signed with a key that is in use stays as it is. What is not, as it is of
// before or of a key that was replaced, is signed now: whoever calls this
// vouches for it.
func (l *Log) Restore(ctx context.Context, events ...[]byte) error {
	for _, raw := range events {
		e, ok := eventOf(raw)
		if !ok {
			return errors.New("restore an event of the case log: it is none")
		}
		value, err := l.cfg.Authors.SignAnew(raw)
		if err == nil {
			err = l.append(ctx, kafka.Message{Key: []byte(e.Case), Value: value})
		}
		if err != nil {
			return fmt.Errorf("restore an event of the case log: %w", err)
		}
	}
	return nil
}

func (l *Log) append(ctx context.Context, m kafka.Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.spool.depth() == 0 && !l.isShut() {
		err := l.write(ctx, m)
		if err == nil {
			l.metrics.appended.Inc()
			return nil
		}
		l.jam.failed(fmt.Errorf("write an event, which is spooled: %w", err))
	}
	if err := l.spool.put(string(m.Key), m.Value); err != nil {
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
	if err := l.permit(ctx); err != nil {
		return err
	}
	if err := l.writer.WriteMessages(ctx, m); err != nil {
		return err
	}
	l.remember()
	return nil
}

// Waiting is how many events are in the spool: more than none only while Kafka
// does not take them, and a moment after. Health says why.
func (l *Log) Waiting() int { return l.spool.depth() }

// SetAside are the names of events in the spool that cannot be read, or whose
// files have gone: they are not in the log.
func (l *Log) SetAside() []string { return l.spool.lost() }

// Run creates the topic if it is missing and sends what is in the spool, until
// ctx is done.
func (l *Log) Run(ctx context.Context) error {
	if l.isShut() {
		<-ctx.Done()
		return nil
	}
	if err := l.awaitTopic(ctx); err != nil {
		return nil //nolint:nilerr // ctx is done, which is how Run ends
	}
	wait := newBackoff()
	for ctx.Err() == nil {
		err := l.drain(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			l.jam.failed(fmt.Errorf("send %d spooled events: %w", l.spool.depth(), err))
			wait.pause(ctx)
		default:
			l.jam.over()
			wait = newBackoff()
			l.awaitSpooled(ctx)
		}
	}
	return nil
}

// awaitSpooled returns when there may be something to send.
func (l *Log) awaitSpooled(ctx context.Context) {
	var again <-chan time.Time
	if refused, _ := l.spool.refused(); refused > 0 {
		again = time.After(l.cfg.RefusedWait)
	}
	select {
	case <-ctx.Done():
	case <-l.spooled:
	case <-again:
	}
}

// drain sends the spool's events one by one, so that none overtakes another of
// its case.
func (l *Log) drain(ctx context.Context) error {
	for !l.isShut() {
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
		if err := l.write(ctx, m); ofEvent(err) {
			l.refuse(m, err)
			continue
		} else if err != nil {
			return err
		}
		if err := l.spool.done(name); err != nil {
			return err
		}
		l.metrics.drained.Inc()
	}
	return nil
}

// refuse keeps an event aside that Kafka does not take for what it is, and
// those of its case behind it; the others go on.
func (l *Log) refuse(m kafka.Message, err error) {
	if before, _ := l.spool.refused(); before == 0 {
		l.log.Error("kafka refuses an event, kept in the spool", "case", string(m.Key), "bytes", len(m.Value), "error", l.explain(err))
	}
	l.metrics.errors.Inc()
	l.spool.hold(string(m.Key), err, l.cfg.RefusedWait)
}

// unspool reads a spooled event. One that was spooled before events were signed,
// or before a key was replaced, is signed now: it is this system's.
func (l *Log) unspool(file []byte) (kafka.Message, error) {
	event, e, err := readSpooled(file)
	if err != nil {
		return kafka.Message{}, err
	}
	value, err := l.cfg.Authors.SignAnew(event)
	if err != nil {
		return kafka.Message{}, err
	}
	return kafka.Message{Key: []byte(e.Case), Value: value}, nil
}

// readSpooled reads a file of the spool.
func readSpooled(file []byte) (event []byte, e enforce.Event, err error) {
	if event, err = unseal(file); err != nil {
		return nil, e, err
	}
	if err = json.Unmarshal(event, &e); err != nil {
		return nil, e, err
	}
	return event, e, e.Validate()
}

// Close frees connections and the spool's directory. Events still in the
// spool are sent after the next start.
func (l *Log) Close() error {
	l.die()
	l.keeping.Wait()
	err := l.writer.Close()
	l.admin.Close()
	l.transport.CloseIdleConnections()
	return errors.Join(err, l.cfg.Prefix.save(), l.spool.close())
}
