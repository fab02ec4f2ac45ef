package kafka

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"tidewatch/enforce"
)

// readBySink has a group read the log, and tells the IDs of what it reads.
func readBySink(t *testing.T, l *Log) (ids <-chan string, stop func()) {
	read := make(chan string, 1000)
	return read, background(t, func(ctx context.Context) error {
		return l.Consume(ctx, "sink", func(_ context.Context, batch []enforce.Checked) error {
			for _, m := range batch {
				read <- m.Claim().ID
			}
			return nil
		})
	})
}

// see waits until events have been read, and others perhaps.
func see(t *testing.T, from <-chan string, ids ...string) {
	t.Helper()
	for missing := slices.Clone(ids); len(missing) > 0; {
		id := receive(t, from)
		missing = slices.DeleteFunc(missing, func(m string) bool { return m == id })
	}
}

// A topic that was made anew, and that the operator takes as it is, ends before
// what was read of it: what comes then is read all the same.
func TestTopicThatEndsBeforeWhatWasRead(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	l := claimed(t, cfg)
	stop := background(t, l.Run)
	read, stopReading := readBySink(t, l)
	for n := range 20 {
		if err := l.Append(t.Context(), event("a", n)); err != nil {
			t.Fatal(err)
		}
	}
	see(t, read, "a-0", "a-19")
	stopReading()
	stop()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	admin := administrator(t, cluster)
	remove(t, admin, cfg.Topic)
	makeTopic(t, admin, cfg.Topic, 2, kept)
	if err := os.Remove(cfg.Memory); err != nil {
		t.Fatal(err)
	}

	l = claimed(t, cfg)
	background(t, l.Run)
	if err := l.Append(t.Context(), event("a", 100)); err != nil {
		t.Fatal(err)
	}
	read, _ = readBySink(t, l)
	see(t, read, "a-100")
}

// The same while it runs: nobody but an administrator can do so much harm.
func TestTopicThatIsCutWhileItIsRead(t *testing.T) {
	cluster := openCluster(t)
	cfg := externalConfig(t.TempDir(), cluster.ListenAddrs())
	cfg.System = "" // it only reads, so nothing is watched
	admin := administrator(t, cluster)
	makeTopic(t, admin, cfg.Topic, 1, kept)
	l := openLog(t, cfg)
	write := func(n int) {
		t.Helper()
		eventually(t, "an event is taken", func() bool { return l.writer.WriteMessages(t.Context(), mustEncode(t, l, event("a", n))) == nil })
	}
	for n := range 5 {
		write(n)
	}
	read, _ := readBySink(t, l)
	see(t, read, "a-0", "a-4")
	remove(t, admin, cfg.Topic)
	makeTopic(t, admin, cfg.Topic, 1, kept)
	write(100)
	see(t, read, "a-100")
}

// A log that is shut takes events, tells that they wait, and reads nothing.
func TestLogThatIsShut(t *testing.T) {
	cfg := testConfig(t.TempDir(), AddressOf("/nowhere"))
	cfg.Loss = &Loss{[]Place{{"a file", 1, 2, 3, "is damaged"}}}
	l := openLog(t, cfg)
	background(t, l.Run)
	readBySink(t, l)
	if err := l.Append(t.Context(), event("a", 1), event("b", 1)); err != nil {
		t.Fatal(err)
	}
	if err := l.Health(); err == nil || err.Error() != "the case log is damaged: 2 events wait" {
		t.Errorf("health: %v", err)
	}
	if loss := l.Lost(); !errors.Is(loss, cfg.Loss) || loss.Error() != "the case log is damaged; a file: is damaged (event 2 of partition 1 is missing)" {
		t.Errorf("it says %v", loss)
	}
}
