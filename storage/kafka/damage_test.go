package kafka

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/storage/kafka/segment"
)

// storedLog is a data folder with a broker that has stopped, and what its log held.
type storedLog struct {
	data   string
	chains map[int]chain
	ends   map[int]int64
}

func storedConfig(t *testing.T, data string) BrokerConfig {
	t.Helper()
	cfg := brokerConfig(data)
	var err error
	if cfg.Prefix, err = OpenPrefix(filepath.Join(data, "case-log-prefix.json"), testLog(t)); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// appendAll starts a broker, has it take events, and stops it.
func appendAll(t *testing.T, data string, n int) {
	t.Helper()
	cfg := storedConfig(t, data)
	b, err := OpenBroker(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	client := testConfig(data, b.Addr())
	client.Prefix, client.Partitions = cfg.Prefix, 4
	l, err := NewLog(client, testLog(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	for i := range n {
		if err := l.Append(t.Context(), event(fmt.Sprintf("case-%d", i%9), i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.rewind(t.Context(), "sink", nil); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
}

func newStoredLog(t *testing.T) storedLog {
	t.Helper()
	k := storedLog{data: t.TempDir()}
	appendAll(t, k.data, 40)
	found, err := surveyLog(filepath.Join(k.data, "broker", "data"), DefaultConfig().Topic, marks{})
	if err != nil {
		t.Fatal(err)
	}
	k.chains, k.ends = found.chains, map[int]int64{}
	for id, p := range found.partitions {
		k.ends[id] = p.End
	}
	return k
}

// files are all files under a folder, by their names in it.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "lock" {
			name, _ := filepath.Rel(dir, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// harm does something to a file, and says what.
func harm(t *testing.T, random *rand.Rand, dir string, names []string) string {
	t.Helper()
	name := names[random.IntN(len(names))]
	path := filepath.Join(dir, name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := random.IntN(len(data) + 1)
	what := ""
	switch random.IntN(9) {
	case 0, 1, 2:
		what = fmt.Sprintf("bit flipped at %d", at)
		if at < len(data) {
			data[at] ^= 1 << random.IntN(8)
		}
	case 3:
		what = fmt.Sprintf("cut at %d", at)
		data = data[:at]
	case 4:
		what = fmt.Sprintf("zeros from %d", at)
		clear(data[at:min(at+64, len(data))])
	case 5:
		what = fmt.Sprintf("garbage put in at %d", at)
		data = slices.Insert(data, at, []byte("garbage")...)
	case 6:
		other := names[random.IntN(len(names))]
		what = "replaced by " + other
		if data, err = os.ReadFile(filepath.Join(dir, other)); err != nil {
			t.Fatal(err)
		}
	case 7:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return name + ": removed"
	case 8:
		folder := filepath.Dir(path)
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(name) + ": folder removed"
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name + ": " + what
}

// Whatever is done to one of its files, a broker either refuses to start and
// leaves all messages as they are, or serves everything that was written.
func TestNoDamageIsSilent(t *testing.T) {
	whole := newStoredLog(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(1, seed))
	refused := 0
	for n := range 300 {
		data := t.TempDir()
		if err := os.CopyFS(data, os.DirFS(whole.data)); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(data, "broker")
		names := filesIn(t, dir)
		what := harm(t, random, dir, names)
		before := segments(t, data)
		b, err := OpenBroker(storedConfig(t, data), testLog(t))
		var loss *Loss
		switch {
		case errors.As(err, &loss):
			refused++
			if diff := cmp.Diff(before, segments(t, data)); diff != "" {
				t.Errorf("seed %d, %d: %s: messages were changed", seed, n, what)
			}
		case err != nil:
			t.Errorf("seed %d, %d: %s: %v", seed, n, what, err)
		default:
			if problem := whole.servedBy(t, data, b); problem != nil {
				t.Errorf("seed %d, %d: %s: nothing was said, and %v", seed, n, what, problem)
			}
		}
		if err := os.RemoveAll(data); err != nil {
			t.Fatal(err)
		}
	}
	if refused < 50 {
		t.Errorf("only %d of 300 damages were found", refused)
	}
}

// segments are the files of messages.
func segments(t *testing.T, data string) map[string]string {
	t.Helper()
	content := map[string]string{}
	for _, name := range filesIn(t, data) {
		if filepath.Ext(name) == ".dat" {
			text, err := os.ReadFile(filepath.Join(data, name))
			if err != nil {
				t.Fatal(err)
			}
			content[name] = string(text)
		}
	}
	return content
}

// servedBy says what a broker does not serve of what was kept, or if it takes a
// new event elsewhere than behind all that.
func (k storedLog) servedBy(t *testing.T, data string, b *Broker) error {
	t.Helper()
	defer b.Close()
	client := testConfig(t.TempDir(), b.Addr())
	client.Partitions = 4
	l, err := NewLog(client, testLog(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	eventually(t, "the topic exists", func() bool { return l.createTopic(t.Context()) == nil })
	is, err := l.lookUp(t.Context())
	if err == nil {
		err = l.measure(t.Context(), &is)
	}
	if err != nil {
		return err
	}
	for id, p := range is.partitions {
		if p.begin != 0 || p.end != k.ends[id] {
			return fmt.Errorf("partition %d reaches from %d to %d instead of %d", id, p.begin, p.end, k.ends[id])
		}
	}
	if err := l.write(t.Context(), mustEncode(t, l, event("case-1", 1000))); err != nil {
		return err
	}
	found, err := surveyLog(filepath.Join(data, "broker", "data"), client.Topic, marks{Partitions: 4, Of: marksOf(k)})
	if err != nil {
		return err
	}
	if loss := found.loss(); loss != nil {
		return loss
	}
	return nil
}

func marksOf(k storedLog) map[int]mark {
	of := map[int]mark{}
	for id, c := range k.chains {
		of[id] = mark{c, c.Next}
	}
	return of
}

// What is remembered may be damaged as well: then the log counts as it is.
func TestDamagedPrefix(t *testing.T) {
	whole := newStoredLog(t)
	path := filepath.Join(whole.data, "case-log-prefix.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range text {
		damaged := slices.Clone(text)
		damaged[at] ^= 4
		if _, err := parsePrefix(damaged); err == nil && len(damaged) > 0 && damaged[at] != ' ' {
			t.Errorf("taken although byte %d was altered: %s", at, damaged)
		}
	}
	if err := os.WriteFile(path, text[:len(text)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBroker(storedConfig(t, whole.data), testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	if problem := whole.servedBy(t, whole.data, b); problem != nil {
		t.Error(problem)
	}
	if bad, err := os.ReadFile(path + ".bad"); err != nil || string(bad) != string(text[:len(text)/2]) {
		t.Errorf("the damaged file is not kept: %v", err)
	}
}

// FuzzPrefix reads anything as what is remembered.
func FuzzPrefix(f *testing.F) {
	f.Add([]byte(`{"logs":{},"sha256":"RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if logs, err := parsePrefix(text); err == nil && logs == nil {
			t.Error("neither logs nor an error")
		}
	})
}

// FuzzEntries reads anything as committed offsets.
func FuzzEntries(f *testing.F) {
	f.Add([]byte{2, 0, 0, 0, 0, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := soundEntries(raw)
		if n < 0 || n > len(raw) || soundEntries(raw[:n]) != n {
			t.Errorf("%d of %d bytes", n, len(raw))
		}
	})
}

// eachEvent visits the IDs of the events in batches.
func eachEvent(visit func(id string)) func(segment.Batch) error {
	return func(b segment.Batch) error {
		for _, r := range b.Records {
			if e, ok := eventOf(r.Value); ok {
				visit(e.ID)
			}
		}
		return nil
	}
}

// A stranger can append an event to a partition that is not its case's. It is
// void, and the files are as they were written: the log opens on, and on.
func TestAnEventInTheWrongPartitionIsNoDamage(t *testing.T) {
	data := t.TempDir()
	appendAll(t, data, 40)
	cfg := storedConfig(t, data)
	b, err := OpenBroker(cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, testConfig(data, b.Addr()))
	put(t, l, (partitionOf("a", 4)+1)%4, "a", unsigned(t, event("a", 1)))
	if err := Look(cfg); err != nil {
		t.Errorf("beside the broker: %v", err)
	}
	if err := errors.Join(l.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	for range 2 {
		appendAll(t, data, 3)
	}
}
