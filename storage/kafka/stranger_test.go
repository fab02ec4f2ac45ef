package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"

	"tidewatch/enforce"
	"tidewatch/enforce/authors"
	"tidewatch/enforce/authors/sim"
)

// put writes bytes as whoever has a password may.
func put(t *testing.T, l *Log, partition int, key string, value []byte) {
	t.Helper()
	w := &kafka.Writer{
		Addr: l.writer.Addr, Topic: l.cfg.Topic, Transport: l.transport, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition }),
	}
	defer w.Close()
	if err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte(key), Value: value}); err != nil {
		t.Fatal(err)
	}
}

func unsigned(t *testing.T, e enforce.Event) []byte {
	t.Helper()
	raw, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// read is what a log holds now: the ID of each event, and whether it counts.
func read(t *testing.T, l *Log) (proven map[string]bool) {
	t.Helper()
	proven = map[string]bool{}
	ctx, enough := context.WithCancel(t.Context())
	defer enough()
	err := l.Follow(ctx, enough, func(e enforce.Checked) error {
		_, proven[e.Claim().ID] = e.Proven()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return proven
}

func TestStrangersAreFollowedAsUnprovenAndSaid(t *testing.T) {
	l := openLog(t, testConfig(t.TempDir(), openBroker(t, t.TempDir()).Addr()))
	background(t, l.Run)
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	read(t, l) // before anything is in the log it is met
	if err := l.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	at := partitionOf("a", 2)
	put(t, l, at, "a", unsigned(t, event("a", 2)))
	put(t, l, at, "a", []byte(`{not json`))
	put(t, l, 1-at, "a", mustEncode(t, l, event("a", 3)).Value)
	for range 2 { // whoever reads again does not count them again
		if diff := cmp.Diff(map[string]bool{"a-1": true, "a-2": false, "a-3": false}, read(t, l)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if n := testutil.ToFloat64(l.metrics.strangers); n != 3 {
			t.Errorf("%v strangers counted, want 3", n)
		}
	}
	if err := l.Strangers(nil); err == nil || !strings.Contains(err.Error(), "3 messages in it are void") {
		t.Errorf("alarm: %v", err)
	}
	if err := l.Strangers(map[int]int64{0: 3, 1: 3}); err != nil {
		t.Errorf("alarm about what is known: %v", err)
	}
	if met := l.Met(); len(met) != 3 {
		t.Errorf("met %+v", met)
	}
}

// A log of before events were signed counts up to where it ends at the first
// start, what the spool holds then as well, and nothing unsigned after it.
func TestALogFromBeforeEventsWereSigned(t *testing.T) {
	dir := t.TempDir()
	broker := openBroker(t, dir)
	cfg := testConfig(dir, broker.Addr())
	older := openLog(t, cfg)
	eventually(t, "the topic exists", func() bool { return older.createTopic(t.Context()) == nil })
	for _, e := range []enforce.Event{event("a", 1), event("b", 1)} {
		put(t, older, partitionOf(e.Case, 2), e.Case, unsigned(t, e))
	}
	if err := older.Close(); err != nil {
		t.Fatal(err)
	}
	spooled := filepath.Join(cfg.SpoolDir, "00000000000000000001.json")
	if err := os.WriteFile(spooled, unsigned(t, event("a", 2)), 0o600); err != nil {
		t.Fatal(err)
	}

	want := map[string]bool{"a-1": true, "b-1": true, "a-2": true}
	for range 2 {
		l := openLog(t, testConfig(dir, broker.Addr()))
		stop := background(t, l.Run)
		if diff := cmp.Diff(want, read(t, l)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		put(t, l, partitionOf("a", 2), "a", unsigned(t, event("a", 9)))
		want["a-9"] = false
		if diff := cmp.Diff(want, read(t, l)); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		stop()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What waits in the spool while a key is replaced counts all the same.
func TestSpoolOutlivesAKey(t *testing.T) {
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
	if err := os.Remove(filepath.Join(dir, "keys", "uploader.key")); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, testConfig(dir, openBroker(t, dir).Addr()))
	background(t, l.Run)
	if diff := cmp.Diff(map[string]bool{"a-1": true}, read(t, l)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A log that others have signed is neither taken nor taken for void.
func TestALogOfOthersIsNotRead(t *testing.T) {
	addr := openBroker(t, t.TempDir()).Addr()
	other := openLog(t, testConfig(t.TempDir(), addr))
	eventually(t, "the topic exists", func() bool { return other.createTopic(t.Context()) == nil })
	if err := other.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, testConfig(t.TempDir(), addr))
	nothing := func(enforce.Checked) error { t.Error("an event"); return nil }
	if err := l.Follow(t.Context(), func() { t.Error("caught up") }, nothing); !errors.Is(err, authors.ErrForeign) {
		t.Errorf("follow: %v", err)
	}
	none := func(context.Context, []enforce.Checked) error { t.Error("a batch"); return nil }
	if err := l.Consume(t.Context(), "sink", none); !errors.Is(err, authors.ErrForeign) {
		t.Errorf("consume: %v", err)
	}
}

// Partitions that are added later change no case's place.
func TestCasesKeepTheirPlace(t *testing.T) {
	dir := t.TempDir()
	cfg := testConfig(dir, openBroker(t, dir).Addr())
	l := openLog(t, cfg)
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	read(t, l)
	if _, err := kadm.NewClient(l.admin).UpdatePartitions(t.Context(), 5, cfg.Topic); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := l.Append(t.Context(), event(id, 1)); err != nil {
			t.Fatal(err)
		}
		want[id+"-1"] = true
	}
	again, err := sim.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Authors, cfg.SpoolDir = again.Authors, t.TempDir()
	if diff := cmp.Diff(want, read(t, openLog(t, cfg))); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
