package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

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

func TestBrokerPortTaken(t *testing.T) {
	b := openBroker(t, t.TempDir())
	_, port, err := net.SplitHostPort(b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := OpenBroker(BrokerConfig{Dir: dir, Port: atoi(t, port)}, testLog(t)); err == nil {
		t.Fatal("two brokers on one port")
	}
	again, err := OpenBroker(BrokerConfig{Dir: dir}, testLog(t)) // its directory is free again
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// Others on this machine may connect, and learn and change nothing.
func TestBrokerServesNoStrangers(t *testing.T) {
	broker := openBroker(t, t.TempDir())
	own := openLog(t, testConfig(t.TempDir(), broker.Addr()))
	eventually(t, "the topic exists", func() bool { return own.createTopic(t.Context()) == nil })
	if err := own.Append(t.Context(), event("a", 1)); err != nil {
		t.Fatal(err)
	}
	nameless := own.cfg
	nameless.Username = ""
	guessing := own.cfg
	guessing.Password = "admin"
	for name, cfg := range map[string]Config{"without a name": nameless, "with a wrong password": guessing} {
		t.Run(name, func(t *testing.T) {
			cfg.SpoolDir = t.TempDir()
			stranger := openLog(t, cfg)
			if err := stranger.write(t.Context(), mustEncode(t, stranger, event("a", 2))); err == nil {
				t.Error("its event was taken")
			}
			if err := stranger.createTopic(t.Context()); err == nil {
				t.Error("it sees the topics")
			}
			reader := kafka.NewReader(stranger.readerConfig())
			defer reader.Close()
			if m, err := reader.FetchMessage(t.Context()); err == nil {
				t.Errorf("it reads %s", m.Value)
			}
		})
	}
	if ends, err := own.ends(t.Context(), []int{0, 1}); err != nil || len(ends) != 1 {
		t.Errorf("afterwards the log ends at %v, %v; want one event", ends, err)
	}
}

// A password counts from one start to the next.
func TestBrokerPasswords(t *testing.T) {
	dir := t.TempDir()
	cfg := brokerConfig(dir)
	passwords := map[string]bool{}
	for _, cfg.Password = range []string{"known", "", ""} {
		b, err := OpenBroker(cfg, testLog(t))
		if err != nil {
			t.Fatal(err)
		}
		client := testConfig(t.TempDir(), b.Addr())
		client.Username, client.Password = b.Credentials()
		l := openLog(t, client)
		eventually(t, "it lets its client in", func() bool { return l.createTopic(t.Context()) == nil })
		passwords[client.Password] = true
		l.Close()
		b.Close()
	}
	if len(passwords) != 3 || passwords[""] {
		t.Errorf("the passwords are %v, want the known one and two random ones", passwords)
	}
}

// The cluster says how often its topics are kept, unless we do.
func TestReplication(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	for asked, want := range map[int]int{-1: 3, 2: 2} {
		t.Run(strconv.Itoa(asked), func(t *testing.T) {
			cfg := testConfig(t.TempDir(), cluster.ListenAddrs()...)
			cfg.Username, cfg.Topic, cfg.Replication = "", "topic"+strconv.Itoa(want), asked
			l := openLog(t, cfg)
			if err := l.createTopic(t.Context()); err != nil {
				t.Fatal(err)
			}
			answer, err := l.client().Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{cfg.Topic}})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(answer.Topics[0].Partitions[0].Replicas); got != want {
				t.Errorf("%d replicas, want %d", got, want)
			}
		})
	}
	if DefaultConfig().Replication != -1 {
		t.Error("the cluster's own number is not the default")
	}
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
		return l.Follow(ctx, func() { close(caughtUp) }, func(e enforce.Checked) error {
			id := e.Claim().Case
			kept[id] = append(kept[id], e.Claim().ID)
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

// Committed offsets survive kill -9 and a broker on another port; what was
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
		return l.Consume(ctx, "sink", func(_ context.Context, batch []enforce.Checked) error {
			for _, m := range batch {
				got <- m.Claim().ID
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
	return l.Consume(ctx, "sink", func(_ context.Context, batch []enforce.Checked) error {
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

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
