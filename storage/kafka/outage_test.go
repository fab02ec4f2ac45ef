package kafka

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

// Readers wait while Kafka is away, and miss nothing.
func TestReadersOutliveABroker(t *testing.T) {
	tests := []struct {
		name    string
		commits float64 // before the outage
		read    func(l *Log, got chan<- string) func(context.Context) error
	}{
		{"consume", 2, func(l *Log, got chan<- string) func(context.Context) error {
			return func(ctx context.Context) error {
				return l.Consume(ctx, "sink", func(_ context.Context, batch []Message) error {
					for _, m := range batch {
						got <- m.Event.ID
					}
					return nil
				})
			}
		}},
		{"follow", 0, func(l *Log, got chan<- string) func(context.Context) error {
			return func(ctx context.Context) error {
				return l.Follow(ctx, func() {}, func(e enforce.Event, _ Position) error {
					got <- e.ID
					return nil
				})
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			broker := openBroker(t, dir)
			l := openLog(t, testConfig(t.TempDir(), broker.Addr()))
			eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
			if err := l.Append(t.Context(), event("a", 1), event("b", 1)); err != nil {
				t.Fatal(err)
			}
			got := make(chan string, 100)
			background(t, test.read(l, got))
			seen := map[string]bool{}
			sees := func(ids ...string) {
				for _, id := range ids {
					for !seen[id] { // a consumer may be given some again
						seen[receive(t, got)] = true
					}
				}
			}
			sees("a-1", "b-1")
			eventually(t, "nothing is under way", func() bool { return testutil.ToFloat64(l.metrics.consumed) == test.commits })

			if err := broker.Close(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the reader has told of the outage", func() bool { return lasts(l.outage) })
			openBroker(t, dir)
			eventually(t, "events are taken", func() bool { return l.write(t.Context(), mustEncode(t, event("a", 2))) == nil })
			if err := l.Append(t.Context(), event("b", 2), event("a", 3)); err != nil {
				t.Fatal(err)
			}
			sees("a-2", "b-2", "a-3")
			if lasts(l.outage) {
				t.Error("the outage lasts although events arrive")
			}
		})
	}
}

// scripted gives messages and errors in turn, then waits.
type scripted struct{ left []any }

func (s *scripted) FetchMessage(ctx context.Context) (kafka.Message, error) {
	if len(s.left) == 0 {
		<-ctx.Done()
		return kafka.Message{}, ctx.Err()
	}
	next := s.left[0]
	s.left = s.left[1:]
	if err, is := next.(error); is {
		return kafka.Message{}, err
	}
	return kafka.Message{Offset: int64(next.(int))}, nil
}

// What a batch holds when a later message fails to come is not given again:
// with the next batch's commit it would be lost.
func TestBatchOutlivesAFailedFetch(t *testing.T) {
	cfg := testConfig(t.TempDir(), "127.0.0.1:1")
	cfg.BatchWait = 10 * time.Millisecond
	l := openLog(t, cfg)
	r := &scripted{[]any{errors.New("first"), 1, 2, errors.New("later"), 3}}
	var got [][]int64
	for range 2 {
		batch, err := l.fetch(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		var offsets []int64
		for _, m := range batch {
			offsets = append(offsets, m.Offset)
		}
		got = append(got, offsets)
	}
	if diff := cmp.Diff([][]int64{{1, 2}, {3}}, got); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	if n := testutil.ToFloat64(l.metrics.errors); n != 2 {
		t.Errorf("%v errors counted, want 2", n)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.fetch(ended, r); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// An event left in the spool counts as part of the log: a receipt there must
// be known before anything is uploaded.
func TestFollowWaitsForTheSpool(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(dir, "127.0.0.1:1")
	cfg.WriteTimeout = 50 * time.Millisecond
	before := openLog(t, cfg)
	if err := before.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}

	l := openLog(t, testConfig(dir, openBroker(t, dir).Addr()))
	if n := l.Waiting(); n != 1 {
		t.Fatalf("%d events wait, want 1", n)
	}
	caughtUp, events := make(chan int, 1), make(chan string, 10)
	background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() { caughtUp <- len(events) }, func(e enforce.Event, _ Position) error {
			events <- e.ID
			return nil
		})
	})
	// One with nothing in its spool catches up meanwhile.
	other, first := openLog(t, testConfig(t.TempDir(), l.cfg.Brokers...)), make(chan struct{})
	background(t, func(ctx context.Context) error {
		return other.Follow(ctx, func() { close(first) }, func(enforce.Event, Position) error { return nil })
	})
	receive(t, first)
	background(t, l.Run)
	if n := receive(t, caughtUp); n != 1 || receive(t, events) != "a-1" {
		t.Errorf("caught up after %d events, want 1", n)
	}
}

func lasts(o *outage) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lasting
}

func mustEncode(t *testing.T, e enforce.Event) kafka.Message {
	t.Helper()
	m, err := encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
