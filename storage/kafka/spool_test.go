package kafka

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// spoolOf has n events wait, and closes.
func spoolOf(t *testing.T, dir string, n int) Config {
	t.Helper()
	cfg := testConfig(dir, AddressOf("/nowhere"))
	cfg.Loss = &Loss{} // nothing is sent
	l, err := NewLog(cfg, testLog(t), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := l.Append(t.Context(), event("a", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// What is damaged or missing of the spool is told, at each start until somebody
// has seen to it, and holds up nothing.
func TestDamagedSpool(t *testing.T) {
	second := spoolName(2)
	for name, test := range map[string]struct {
		do   func(dir string) error
		bad  []string
		sent []string
	}{
		"whole": {func(string) error { return nil }, nil, []string{"a-0", "a-1", "a-2", "a-3"}},
		"a digit altered": {func(dir string) error {
			return change(filepath.Join(dir, second), func(text []byte) []byte { text[len(text)-4]++; return text })
		}, []string{second}, []string{"a-0", "a-2", "a-3"}},
		"emptied": {func(dir string) error {
			return os.Truncate(filepath.Join(dir, second), 0)
		}, []string{second}, []string{"a-0", "a-2", "a-3"}},
		"cut": {func(dir string) error {
			return os.Truncate(filepath.Join(dir, second), 90)
		}, []string{second}, []string{"a-0", "a-2", "a-3"}},
		"one removed": {func(dir string) error {
			return os.Remove(filepath.Join(dir, second))
		}, []string{second}, []string{"a-0", "a-2", "a-3"}},
		"the first removed": {func(dir string) error {
			return os.Remove(filepath.Join(dir, spoolName(1)))
		}, []string{spoolName(1)}, []string{"a-1", "a-2", "a-3"}},
		"the last removed": {func(dir string) error {
			return os.Remove(filepath.Join(dir, spoolName(4)))
		}, []string{spoolName(4)}, []string{"a-0", "a-1", "a-2"}},
		"the folder removed": {os.RemoveAll, []string{spoolName(1), spoolName(2), spoolName(3), spoolName(4)}, nil},
		"the turns removed": {func(dir string) error {
			return os.Remove(turnsPath(dir))
		}, nil, []string{"a-0", "a-1", "a-2", "a-3"}},
		"the turns damaged": {func(dir string) error {
			return change(turnsPath(dir), func(text []byte) []byte { text[0]++; return text })
		}, nil, []string{"a-0", "a-1", "a-2", "a-3"}},
		"a folder in place of a file": {func(dir string) error {
			path := filepath.Join(dir, second)
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, []string{second}, []string{"a-0", "a-2", "a-3"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := spoolOf(t, dir, 4)
			if err := test.do(cfg.SpoolDir); err != nil {
				t.Fatal(err)
			}
			var bad []string
			for _, file := range test.bad {
				bad = append(bad, file+badSuffix)
			}
			broker := openBroker(t, dir)
			for try := range 2 {
				l := openLog(t, testConfig(dir, broker.Addr()))
				stop := background(t, l.Run)
				eventually(t, "the spool is empty", func() bool { return l.Waiting() == 0 })
				stop()
				if diff := cmp.Diff(bad, l.SetAside()); diff != "" {
					t.Errorf("start %d: set aside (-want +got):\n%s", try, diff)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.sent, inPartition(t, dir)); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if err := settleAside(cfg.SpoolDir); err != nil {
				t.Fatal(err)
			}
			l := openLog(t, cfg)
			if names := l.SetAside(); names != nil {
				t.Errorf("told once more: %v", names)
			}
		})
	}
}

func change(path string, how func([]byte) []byte) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, how(text), 0o600)
}

// inPartition are the IDs of the events in the log of a broker.
func inPartition(t *testing.T, dir string) (ids []string) {
	t.Helper()
	found, err := surveyLog(filepath.Join(brokerConfig(dir).Dir, "data"), DefaultConfig().Topic, marks{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found.partitions {
		_, err := p.Read(eachEvent(func(id string) { ids = append(ids, id) }))
		if err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func TestNumbersOfTurnsGrow(t *testing.T) {
	dir := t.TempDir()
	spoolOf(t, dir, 2)
	broker := openBroker(t, dir)
	l := openLog(t, testConfig(dir, broker.Addr()))
	stop := background(t, l.Run)
	eventually(t, "the spool is empty", func() bool { return l.Waiting() == 0 })
	stop()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(turnsPath(filepath.Join(dir, "spool")))
	if want := (turns{next: 3}).text(); err != nil || string(text) != want {
		t.Errorf("turns %q, %v, want %q", text, err, want)
	}
}

// FuzzUnseal reads anything as a file of the spool.
func FuzzUnseal(f *testing.F) {
	f.Add(seal([]byte(`{"id":"x"}`)))
	f.Add([]byte(`{"id":"x"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		event, err := unseal(file)
		if err == nil && string(seal(event)) != string(file) && string(event) != string(file) {
			t.Errorf("%q is taken for %q", file, event)
		}
	})
}

// FuzzTurns reads anything as turns.
func FuzzTurns(f *testing.F) {
	f.Add((turns{next: 9, waiting: []stretch{{3, 3}, {5, 8}}}).text())
	f.Add("1 ")
	f.Fuzz(func(t *testing.T, text string) {
		if is := parseTurns(text); (is.next != 0 || is.waiting != nil) && is.text() != text {
			t.Errorf("%q is taken for %+v", text, is)
		}
	})
}
