package kafka

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"

	"tidewatch/enforce"
)

func TestFollowFromTheBeginning(t *testing.T) {
	l := openLog(t, testConfig(t.TempDir(), openBroker(t, t.TempDir()).Addr()))
	background(t, l.Run)
	want := []enforce.Event{event("a", 1), event("a", 2), event("a", 3)}
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	if err := l.Append(t.Context(), want[:2]...); err != nil {
		t.Fatal(err)
	}

	caughtUp, events := make(chan struct{}), make(chan enforce.Event, 10)
	background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() { close(caughtUp) }, func(e enforce.Event, _ Position) error {
			events <- e
			return nil
		})
	})
	receive(t, caughtUp)
	if len(events) != 2 {
		t.Errorf("caught up after %d events, want 2", len(events))
	}
	if err := l.Append(t.Context(), want[2]); err != nil {
		t.Fatal(err)
	}
	got := []enforce.Event{receive(t, events), receive(t, events), receive(t, events)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := testutil.ToFloat64(l.metrics.appended); n != 3 {
		t.Errorf("%v events counted as appended, want 3", n)
	}
}

func TestFollowAnEmptyLog(t *testing.T) {
	l := openLog(t, testConfig(t.TempDir(), openBroker(t, t.TempDir()).Addr()))
	caughtUp := make(chan struct{})
	background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() { close(caughtUp) }, func(enforce.Event, Position) error { return nil })
	})
	receive(t, caughtUp)
}

func TestFollowEndsWhereApplyFails(t *testing.T) {
	l := openLog(t, testConfig(t.TempDir(), openBroker(t, t.TempDir()).Addr()))
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	if err := l.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := l.Follow(t.Context(), func() {}, func(enforce.Event, Position) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

func TestAppendRefuses(t *testing.T) {
	l := openLog(t, testConfig(t.TempDir(), "127.0.0.1:1"))
	long := event("a", 1)
	long.Failure.Error = strings.Repeat("x", maxEvent)
	for name, e := range map[string]enforce.Event{"no event": {}, "too long": long} {
		t.Run(name, func(t *testing.T) {
			if err := l.Append(t.Context(), e); err == nil {
				t.Error("it was taken")
			}
		})
	}
	if n := l.spool.depth(); n != 0 {
		t.Errorf("%d events in the spool, want none", n)
	}
}

func TestConsumeKeepsOrderThroughFailures(t *testing.T) {
	l := openLog(t, testConfig(t.TempDir(), openBroker(t, t.TempDir()).Addr()))
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	foreign := kafka.Message{Key: []byte("a"), Value: []byte("{not json")}
	if err := l.writer.WriteMessages(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), event("a", 1), event("a", 2)); err != nil {
		t.Fatal(err)
	}
	calls, got := 0, make(chan string, 10)
	background(t, func(ctx context.Context) error {
		return l.Consume(ctx, "sink", func(_ context.Context, batch []Message) error {
			if calls++; calls < 3 {
				return errors.New("not yet")
			}
			for _, m := range batch {
				got <- m.Event.ID
			}
			return nil
		})
	})
	if diff := cmp.Diff([]string{"a-1", "a-2"}, []string{receive(t, got), receive(t, got)}); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if n := testutil.ToFloat64(l.metrics.rejected); n != 1 {
		t.Errorf("%v messages rejected, want 1", n)
	}
	if n := testutil.ToFloat64(l.metrics.retries); n != 2 {
		t.Errorf("%v retries counted, want 2", n)
	}
}

func TestSpoolDrainsInOrder(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(dir, AddressOf(SocketOf(brokerConfig(dir).Dir)))
	cfg.WriteTimeout = 100 * time.Millisecond
	l := openLog(t, cfg)
	if err := l.Append(t.Context(), event("a", 1), event("b", 1), event("a", 2)); err != nil {
		t.Fatal(err)
	}
	if n := l.spool.depth(); n != 3 {
		t.Fatalf("%d events in the spool, want 3", n)
	}

	// The process ends, once while it spools; another takes over.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"00000000000000000004.json.part": `{"id":"torn`, "00000000000000000000.json": "torn by the disk",
	} {
		if err := os.WriteFile(filepath.Join(cfg.SpoolDir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg.WriteTimeout = 10 * time.Second
	l = openLog(t, cfg)
	if err := l.Append(t.Context(), event("a", 3)); err != nil {
		t.Fatal(err)
	}
	background(t, l.Run)
	openBroker(t, dir)
	eventually(t, "the spool is empty", func() bool { return l.spool.depth() == 0 })

	got := make(chan string, 10)
	background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() {}, func(e enforce.Event, _ Position) error {
			if e.Case == "a" {
				got <- e.ID
			}
			return nil
		})
	})
	if diff := cmp.Diff([]string{"a-1", "a-2", "a-3"}, []string{receive(t, got), receive(t, got), receive(t, got)}); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if drained, aside := testutil.ToFloat64(l.metrics.drained), testutil.ToFloat64(l.metrics.setAside); drained != 4 || aside != 1 {
		t.Errorf("%v drained and %v set aside, want 4 and 1", drained, aside)
	}
}
