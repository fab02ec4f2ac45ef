package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"tidewatch/enforce"
	"tidewatch/enforce/proof/sim"
)

// Files that are damaged while the broker runs are found, and nothing new is
// written to them.
func TestLogDamagedWhileItRuns(t *testing.T) {
	h := history{data: t.TempDir()}
	a := openStores(t, h.data)
	stop := background(t, a.store.run)
	looks := background(t, func(ctx context.Context) error { return a.store.lookAtFiles(ctx, time.Millisecond) })
	if err := a.store.log.Append(t.Context(), suspicion("a"), suspicion("b"), suspicion("c")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the events are in the database, and all is well", func() bool {
		counts, err := a.store.cases.Counts(t.Context())
		return err == nil && counts[enforce.StateSuspected] == 3 && a.ready(t) == nil
	})
	alter(t, filepath.Join(h.partition(h.fullest(t)), "0.dat"), func(s []byte) []byte { return flipped(s, len(s)/2) })
	eventually(t, "it is said", func() bool {
		why := a.ready(t)
		return why != nil && strings.Contains(why.Error(), "case_log_damage: the case log is damaged; "+h.partition(h.fullest(t)))
	})
	if err := a.store.log.Append(t.Context(), suspicion("new")); err != nil {
		t.Fatal(err)
	}
	if n := a.store.log.Waiting(); n != 1 {
		t.Errorf("%d events wait, want the new one", n)
	}
	looks()
	stop()
	if err := a.Close(); err == nil {
		t.Error("it ended as if all were well")
	}
	var out bytes.Buffer
	if err := h.repair(t, true, &out); err != nil {
		t.Fatalf("repair: %v\n%s", err, out.String())
	}
	got := h.run(t, nil)
	if len(got) != 4 {
		t.Errorf("%d cases, want 4", len(got))
	}
}

// A topic of the operator's own is deleted, and the operator takes a new one as it
// is: new cases are shown, and what was lost is appended again.
func TestDeletedTopic(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	h := history{data: t.TempDir(), brokers: cluster.ListenAddrs()}
	h.cases = h.run(t, []enforce.Event{suspicion("a"), suspicion("b"), suspicion("c")})
	topics := kafkago.Client{Addr: kafkago.TCP(h.brokers...)}
	if _, err := topics.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{"cases"}}); err != nil {
		t.Fatal(err)
	}
	remove(t, h.data+"/case-log.json")
	h.showsNew(t)
	var out bytes.Buffer
	if err := h.repair(t, false, &out); err != nil || strings.Count(out.String(), "rebuilt from the database: ") != 3 {
		t.Errorf("a dry repair: %v\n%s", err, out.String())
	}
	if err := h.repair(t, true, &out); err != nil {
		t.Fatalf("repair: %v\n%s", err, out.String())
	}
	h.isWhole(t)
}

// showsNew starts the stores on a topic that has lost its events.
func (h history) showsNew(t *testing.T) {
	t.Helper()
	a := openStores(t, h.data, h.brokers...)
	stop := background(t, a.store.run)
	if err := a.store.log.Append(t.Context(), suspicion("new")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new case is shown", func() bool {
		_, err := a.store.cases.Case(t.Context(), "new")
		return err == nil
	})
	stop()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

// history is a data folder whose cases have evidence, and what was in their log.
type history struct {
	data  string
	older string // a copy of the broker's folder from before the last events
	cases map[string]enforce.Case

	brokers []string // none: the embedded one
}

// newHistory opens cases, decides half of them, and stops.
func newHistory(t *testing.T) history {
	t.Helper()
	h := history{data: t.TempDir(), older: t.TempDir()}
	// Evidence without any log would be a loss.
	if err := openStores(t, h.data).Close(); err != nil {
		t.Fatal(err)
	}
	store, err := sim.New(t.Context(), h.data, 24)
	if err != nil {
		t.Fatal(err)
	}
	var opened, decided []enforce.Event
	for i, c := range store.Cases {
		v := c.Violation
		v.Evidence.Timestamp = "" // which is an event of its own
		at := c.OpenedAt
		opened = append(opened, enforce.Event{ID: c.ID + "/suspected", Case: c.ID, Type: enforce.Suspected, At: at, Actor: "camera/gate", Violation: &v})
		if i%2 == 0 {
			decided = append(decided, enforce.Event{
				ID: c.ID + "-decided", Case: c.ID, Type: enforce.Rejected, At: at.Add(time.Hour), Actor: "officer/li", Revision: 1,
				Decision: &enforce.Decision{Reason: "unclear"},
			})
		}
	}
	h.run(t, opened)
	if err := os.CopyFS(h.older, os.DirFS(h.broker())); err != nil {
		t.Fatal(err)
	}
	h.cases = h.run(t, decided)
	return h
}

func (h history) broker() string { return filepath.Join(h.data, "kafka") }

func (h history) partition(n int) string {
	return filepath.Join(h.broker(), "data", "partitions", fmt.Sprintf("cases-%d", n))
}

// copied is the same history in a folder of its own.
func (h history) copied(t *testing.T) history {
	t.Helper()
	c := h
	c.data = t.TempDir()
	if err := os.CopyFS(c.data, os.DirFS(h.data)); err != nil {
		t.Fatal(err)
	}
	secrets, err := filepath.Glob(filepath.Join(c.data, "keys", "*.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range secrets { // a copy is open to others
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// run starts the stores, appends events, and returns the cases once all of the
// log is in the database and nothing is wrong.
func (h history) run(t *testing.T, events []enforce.Event) map[string]enforce.Case {
	t.Helper()
	a := openStores(t, h.data, h.brokers...)
	stop := background(t, a.store.run)
	if err := a.store.log.Append(t.Context(), events...); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	cases, caughtUp := map[string]enforce.Case{}, false
	follow := background(t, func(ctx context.Context) error {
		done := func() {
			mu.Lock()
			defer mu.Unlock()
			caughtUp = true
		}
		return a.store.log.Follow(ctx, done, func(e enforce.Checked) error {
			mu.Lock()
			defer mu.Unlock()
			if c, _ := cases[e.Claim().Case].Apply(e); c.ID != "" {
				cases[c.ID] = c
			}
			return nil
		})
	})
	eventually(t, "log and database agree, and all is well", func() bool {
		shown, err := a.store.cases.List(t.Context(), "", 1000, time.Time{})
		mu.Lock()
		defer mu.Unlock()
		return caughtUp && err == nil && cmp.Equal(casesByID(shown), cases) && a.ready(t) == nil
	})
	follow()
	stop()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	return cases
}

func casesByID(list []enforce.Case) map[string]enforce.Case {
	cases := map[string]enforce.Case{}
	for _, c := range list {
		cases[c.ID] = c
	}
	return cases
}

// messages are the hashes of the files of messages under a folder; the broker
// derives its others from them.
func messages(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	sums := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".dat" {
			return err
		}
		text, err := os.ReadFile(path)
		sums[path] = sha256.Sum256(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return sums
}

func alter(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(text), 0o640)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// fullest is a partition with at least four events.
func (h history) fullest(t *testing.T) int {
	t.Helper()
	size, at := int64(0), 0
	for n := range 8 {
		if info, err := os.Stat(filepath.Join(h.partition(n), "0.dat")); err == nil && info.Size() > size {
			size, at = info.Size(), n
		}
	}
	return at
}

// batches are where the batches of a segment begin, and its end.
func batches(segment []byte) (at []int) {
	for pos := 0; pos < len(segment); {
		at = append(at, pos)
		pos += 12 + int(uint32(segment[pos+8])<<24|uint32(segment[pos+9])<<16|uint32(segment[pos+10])<<8|uint32(segment[pos+11]))
	}
	return append(at, len(segment))
}

func flipped(segment []byte, at int) []byte {
	for i := range 8 {
		segment[at+i] ^= 0xff
	}
	return segment
}

// TestDamagedLog does to the broker's files what must not go unsaid, and has them
// repaired.
func TestDamagedLog(t *testing.T) {
	whole := newHistory(t)
	n := whole.fullest(t)
	of, all := map[int]int{}, 36 // events of a partition, and of all
	for id := range 8 {
		if segment, err := os.ReadFile(filepath.Join(whole.partition(id), "0.dat")); err == nil {
			of[id] = len(batches(segment)) - 1
		}
	}
	for name, test := range map[string]struct {
		do      func(t *testing.T, h history)
		says    string // readiness
		rebuilt int
		lost    bool // not everything can be rebuilt
	}{
		"eight bytes in the middle": {func(t *testing.T, h history) {
			alter(t, h.partition(n)+"/0.dat", func(s []byte) []byte { return flipped(s, len(s)/2) })
		}, fmt.Sprintf("cases-%d/0.dat at byte ", n), 1, false},
		"a partition's folder removed": {func(t *testing.T, h history) {
			remove(t, h.partition(n))
		}, fmt.Sprintf("cases-%d: ends after 0 events, and ", n), of[n], false},
		"the broker's folder removed": {func(t *testing.T, h history) {
			remove(t, h.broker())
		}, "ends after 0 events, and ", all, false},
		"the broker's folder removed, and what is remembered": {func(t *testing.T, h history) {
			remove(t, h.broker(), h.data+"/case-log-prefix.json")
		}, "there is evidence of 24 cases", all, true}, // nobody knows how far it went
		"an older copy of the broker's folder, and nothing is remembered": {func(t *testing.T, h history) {
			remove(t, h.broker(), h.data+"/case-log-prefix.json")
			if err := os.CopyFS(h.broker(), os.DirFS(h.older)); err != nil {
				t.Fatal(err)
			}
		}, "and the database has ", 12, false},
		"cut at a batch": {func(t *testing.T, h history) {
			alter(t, h.partition(n)+"/0.dat", func(s []byte) []byte { at := batches(s); return s[:at[len(at)-3]] })
		}, "were written (events ", 2, false},
		"eight bytes in the middle, and the database removed": {func(t *testing.T, h history) {
			alter(t, h.partition(n)+"/0.dat", func(s []byte) []byte { return flipped(s, batches(s)[1]+200) })
			remove(t, h.data+"/clickhouse")
		}, "(event 1 of partition ", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := whole.copied(t)
			test.do(t, h)
			before := messages(t, h.broker())
			h.startsShut(t, test.says)
			var out bytes.Buffer
			err := h.repair(t, false, &out)
			if (err != nil) != test.lost || strings.Count(out.String(), "rebuilt from the ") != test.rebuilt {
				t.Errorf("a dry repair: %v, want %d events rebuilt\n%s", err, test.rebuilt, out.String())
			}
			if diff := cmp.Diff(before, messages(t, h.broker())); diff != "" {
				t.Errorf("the files were changed (-before +after):\n%s", diff)
			}
			out.Reset()
			if err := h.repair(t, true, &out); (err != nil) != test.lost {
				t.Fatalf("repair: %v\n%s", err, out.String())
			}
			h.isWhole(t)
		})
	}
}

// startsShut starts the stores on a damaged log: that is said, and what is new
// waits in the spool.
func (h history) startsShut(t *testing.T, says string) {
	t.Helper()
	a := openStores(t, h.data, h.brokers...)
	stop := background(t, a.store.run)
	why := a.ready(t)
	if why == nil || !strings.Contains(why.Error(), "case_log_damage: ") || !strings.Contains(why.Error(), says) {
		t.Errorf("readiness: %v\nwant %q", why, says)
	}
	if why != nil && !strings.Contains(why.Error(), " case0000") {
		t.Errorf("readiness names no case: %v", why)
	}
	if err := a.store.log.Append(t.Context(), suspicion("new")); err != nil {
		t.Fatal(err)
	}
	if n := a.store.log.Waiting(); n != 1 {
		t.Errorf("%d events wait, want the new one", n)
	}
	stop()
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func (h history) repair(t *testing.T, write bool, out *bytes.Buffer) error {
	t.Helper()
	a := newStores(t, h.data, h.brokers...)
	return RepairLog(t.Context(), a.cfg, a.log, write, out)
}

// isWhole starts the stores on a repaired log: all is well, every case is as it
// was, and the history of some says that it was repaired.
func (h history) isWhole(t *testing.T) {
	t.Helper()
	got := h.run(t, nil)
	if _, there := got["new"]; !there {
		t.Error("the new case is not there")
	}
	delete(got, "new")
	if diff := cmp.Diff(h.cases, got); diff != "" {
		t.Errorf("cases (-were +are):\n%s", diff)
	}
	a := openStores(t, h.data, h.brokers...)
	defer a.Close()
	repaired := 0
	for id := range h.cases {
		history, err := a.store.cases.History(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
		repaired += len(slices.DeleteFunc(history, func(e enforce.Recorded) bool { return e.Type != enforce.Repaired || e.Outcome != enforce.Applied }))
	}
	if repaired == 0 {
		t.Error("no history says that it was repaired")
	}
}
