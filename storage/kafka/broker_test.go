package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
)

func TestBrokerRefusesASecondOne(t *testing.T) {
	dir := t.TempDir()
	b := openBroker(t, dir)
	if _, err := OpenBroker(brokerConfig(dir), testLog(t)); !errors.Is(err, ErrInUse) {
		t.Errorf("error %v, want %v", err, ErrInUse)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	openBroker(t, dir)
}

// What Append has acknowledged is there after kill -9.
func TestAcknowledgedEventsSurvive(t *testing.T) {
	dir := t.TempDir()
	helper, lines := startHelper(t, "append", dir)
	var acknowledged []string
	for len(acknowledged) < 200 && lines.Scan() {
		acknowledged = append(acknowledged, lines.Text())
	}
	kill(helper)
	if len(acknowledged) < 200 {
		t.Fatalf("the helper acknowledged only %d events", len(acknowledged))
	}

	l := openLog(t, testConfig(dir, openBroker(t, dir).Addr()))
	caughtUp := make(chan struct{})
	kept := map[string][]string{} // by case, in order
	stop := background(t, func(ctx context.Context) error {
		return l.Follow(ctx, func() { close(caughtUp) }, func(e enforce.Event, _ Position) error {
			kept[e.Case] = append(kept[e.Case], e.ID)
			return nil
		})
	})
	receive(t, caughtUp)
	stop()
	next := map[string]int{}
	for _, id := range acknowledged {
		c := id[:1]
		if i := slices.Index(kept[c][next[c]:], id); i != 0 {
			t.Fatalf("event %s is not in its place (%d)", id, i)
		}
		next[c]++
	}
}

// appendForever appends events and prints the ID of each that is acknowledged.
func appendForever(dir string) error {
	l, err := helperLog(dir)
	if err != nil {
		return err
	}
	if err := l.awaitTopic(context.Background()); err != nil {
		return err
	}
	for n := 1; ; n++ {
		e := event(string(rune('a'+n%5)), n)
		if err := l.Append(context.Background(), e); err != nil {
			return err
		}
		fmt.Println(e.ID)
	}
}

// Committed offsets survive kill -9 and a broker that starts anew; what was
// handled but not committed comes again.
func TestCommittedOffsetsSurvive(t *testing.T) {
	dir := t.TempDir()
	helper, lines := startHelper(t, "consume", dir)
	if !lines.Scan() || lines.Text() != "the first are committed" {
		t.Fatalf("the helper said %q", lines.Text())
	}
	kill(helper)

	l := openLog(t, testConfig(dir, openBroker(t, dir).Addr()))
	if err := l.Append(t.Context(), event("a", 100)); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 100)
	background(t, func(ctx context.Context) error {
		return l.Consume(ctx, "sink", func(_ context.Context, batch []Message) error {
			for _, m := range batch {
				got <- m.Event.ID
			}
			return nil
		})
	})
	if diff := cmp.Diff([]string{"a-99", "a-100"}, []string{receive(t, got), receive(t, got)}); diff != "" {
		t.Errorf("events after the restart (-want +got):\n%s", diff)
	}
}

// consumeAndHang commits twenty events and hangs while it handles one more.
func consumeAndHang(dir string) error {
	l, err := helperLog(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := l.awaitTopic(ctx); err != nil {
		return err
	}
	for n := range 20 {
		if err := l.Append(ctx, event("a", n)); err != nil {
			return err
		}
	}
	handled := 0
	return l.Consume(ctx, "sink", func(_ context.Context, batch []Message) error {
		if handled == 20 { // so the commit of those is done
			fmt.Println("the first are committed")
			select {}
		}
		if handled += len(batch); handled == 20 {
			return l.Append(ctx, event("a", 99))
		}
		return nil
	})
}

func helperLog(dir string) (*Log, error) {
	b, err := OpenBroker(brokerConfig(dir), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return NewLog(testConfig(dir, b.Addr()), slog.New(slog.DiscardHandler), prometheus.NewRegistry())
}
