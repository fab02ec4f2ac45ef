package kafka

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"tidewatch/enforce"
)

// external is a log on a Kafka of the operator's own, which is looked at often.
func external(t *testing.T, data string, cluster *kfake.Cluster) *Log {
	t.Helper()
	cfg := testConfig(data, cluster.ListenAddrs()...)
	cfg.Username, cfg.LookEvery = "", 50*time.Millisecond
	var err error
	if cfg.Prefix, err = OpenPrefix(filepath.Join(data, "caselog.json"), testLog(t)); err != nil {
		t.Fatal(err)
	}
	return openLog(t, cfg)
}

// deleteTopic does what nobody should.
func (l *Log) deleteTopic(t *testing.T) {
	t.Helper()
	answer, err := l.client().DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{l.cfg.Topic}})
	if err == nil {
		err = answer.Errors[l.cfg.Topic]
	}
	if err != nil {
		t.Fatal(err)
	}
}

// reading has a log's readers tell what they read.
type reading struct{ consumed, followed chan string }

func (l *Log) readAll(t *testing.T) (r reading, stop func()) {
	r = reading{make(chan string, 1000), make(chan string, 1000)}
	stops := []func(){
		background(t, l.Run),
		background(t, func(ctx context.Context) error {
			return l.Consume(ctx, "sink", func(_ context.Context, batch []Message) error {
				for _, m := range batch {
					r.consumed <- m.Event.ID
				}
				return nil
			})
		}),
		background(t, func(ctx context.Context) error {
			return l.Follow(ctx, func() {}, func(e enforce.Event, _ Position) error {
				r.followed <- e.ID
				return nil
			})
		}),
	}
	return r, func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// see waits until events have been read.
func (r reading) see(t *testing.T, ids ...string) {
	t.Helper()
	for _, from := range []chan string{r.consumed, r.followed} {
		missing := slices.Clone(ids)
		for len(missing) > 0 {
			id := receive(t, from)
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == id })
		}
	}
}

// events are some of two cases.
func events(from, until int) (list []enforce.Event, ids []string) {
	for n := from; n < until; n++ {
		for _, c := range []string{"a", "b"} {
			list = append(list, event(c, n))
			ids = append(ids, event(c, n).ID)
		}
	}
	return list, ids
}

// A topic that was deleted and made anew ends before what was read of it. That is
// said, and what comes then is read all the same.
func TestLogThatLosesItsEnd(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running %v", running), func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			data := t.TempDir()
			l := external(t, data, cluster)
			r, stop := l.readAll(t)
			before, ids := events(0, 20)
			if err := l.Append(t.Context(), before...); err != nil {
				t.Fatal(err)
			}
			r.see(t, ids...)
			if loss := l.Lost(); loss != nil {
				t.Fatal(loss)
			}
			if !running {
				stop()
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			l.deleteTopic(t)
			if !running {
				l = external(t, data, cluster)
				r, stop = l.readAll(t)
			} else {
				eventually(t, "the topic is there again", func() bool { return l.createTopic(t.Context()) == nil })
			}
			defer stop()
			eventually(t, "the loss is known", func() bool { return l.Lost() != nil })
			if text := l.Lost().Error(); !strings.Contains(text, "ends after 0 events, and 40 were written") {
				t.Errorf("it says %s", text)
			}
			after, ids := events(20, 22)
			if err := l.Append(t.Context(), after...); err != nil {
				t.Fatal(err)
			}
			r.see(t, ids...)
		})
	}
}

// What is not the same as it was is noticed, although no end is missing.
func TestLogThatWasRewritten(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	data := t.TempDir()
	write := func(from, until int) *Log {
		l := external(t, data, cluster)
		r, stop := l.readAll(t)
		defer stop()
		list, ids := events(from, until)
		if err := l.Append(t.Context(), list...); err != nil {
			t.Fatal(err)
		}
		r.see(t, ids...)
		return l
	}
	l := write(0, 5)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.deleteTopic(t)
	l = external(t, t.TempDir(), cluster) // another's
	eventually(t, "the topic is there again", func() bool { return l.createTopic(t.Context()) == nil })
	list, _ := events(100, 110)
	if err := l.Append(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	l = write(200, 201)
	eventually(t, "it is noticed", func() bool { return l.Lost() != nil })
	if text := l.Lost().Error(); !strings.Contains(text, "are not those that were written") {
		t.Errorf("it says %s", text)
	}
}

// A log that is shut takes events, tells that they wait, and reads nothing.
func TestLogThatIsShut(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.Loss = &Loss{[]Place{{"a file", 1, 2, 3, "is damaged"}}}
	l := openLog(t, cfg)
	_, stop := l.readAll(t)
	list, _ := events(0, 2)
	if err := l.Append(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	if n := l.Waiting(); n != 4 {
		t.Errorf("%d events wait", n)
	}
	if loss := l.Lost(); !errors.Is(loss, cfg.Loss) || loss.Error() != "the case log is damaged; a file: is damaged (event 2 of partition 1 is missing)" {
		t.Errorf("it says %v", loss)
	}
	stop()
}
