// Package translog writes the log of evidence: an append-only Merkle tree in a
// folder, whose root is signed as a checkpoint. Append returns once a leaf is
// under a checkpoint, with everything synced, so that what refers to it can be
// written after it, and holds at any moment, also right after a crash. After a
// crash in between a leaf may be in the log twice; one whose place was told is
// never missing.
package translog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	flog "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sys/unix"
	"k8s.io/klog/v2"

	"tidewatch/enforce/proof"
	"tidewatch/rescue"
)

// Where the library keeps its lock, in the log's folder, and how far it has
// cleared away tiles that longer ones have replaced.
const (
	stateDir = ".state"
	treeLock = "treeState.lock"
	cleared  = "gcState"
)

const (
	// gather is how long a leaf waits for others to be written with it.
	gather = 10 * time.Millisecond
	// publish is how long a leaf waits for a checkpoint that holds it: not at all,
	// unless another was signed just before.
	publish = 250 * time.Millisecond
	// patience bounds that wait where the checkpoint cannot be written.
	patience = 10 * time.Second
)

// Log is the log of evidence, open for writing. It is safe for concurrent use;
// one process at a time may have a folder.
type Log struct {
	dir      string
	add      tessera.AddFn
	stop     context.CancelFunc
	appended prometheus.Counter

	mu     sync.Mutex
	closed bool
	under  sync.WaitGroup // appends under way
}

// listen has the library, which logs in a way of its own, log to the first log
// that is opened: it cannot be told again while it works.
var listen sync.Once

// Open opens the log in a folder, or begins one. The signer's name is the
// log's origin.
func Open(dir string, signer note.Signer, log *slog.Logger, reg prometheus.Registerer) (*Log, error) {
	listen.Do(func() { klog.SetSlogLogger(slog.New(warnings{log.Handler()})) })
	// The library believes this number: where it is damaged, nothing is cleared any
	// more. Without it the log is looked through once more, which costs little.
	if err := os.Remove(filepath.Join(dir, stateDir, cleared)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open log of evidence: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		stop()
		return nil, fmt.Errorf("open log of evidence: %w", err)
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(publish).
		WithBatching(layout.EntryBundleWidth, gather)
	var appender *tessera.Appender
	err = rescue.Do(func() (err error) {
		appender, _, _, err = tessera.NewAppender(ctx, driver, options)
		return err
	})
	if err != nil {
		stop()
		return nil, fmt.Errorf("open log of evidence in %s: %w", dir, err)
	}
	l := &Log{dir: dir, add: appender.Add, stop: stop, appended: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tidewatch_evidence_log_leaves_total", Help: "Leaves written to the log of evidence.",
	})}
	reg.MustRegister(l.appended)
	return l, nil
}

// warnings passes on what the library says from warnings up: it tells the rest,
// such as that a new log has no checkpoint yet, like news.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// ErrClosed says that the log has been closed.
var ErrClosed = errors.New("the log of evidence is closed")

// Append adds a leaf and returns its place once a checkpoint holds it. If
// ctx ends before, the leaf may be in the log all the same; that does no harm.
func (l *Log) Append(ctx context.Context, leaf proof.Leaf) (uint64, error) {
	text, err := leaf.Encode()
	if err != nil {
		return 0, err
	}
	if err := l.writable(); err != nil {
		return 0, fmt.Errorf("append %s of case %s to the log of evidence: %w", leaf.Kind, leaf.Case, err)
	}
	if !l.begin() {
		return 0, ErrClosed
	}
	type answer struct {
		index tessera.Index
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		defer l.under.Done()
		var index tessera.Index
		err := rescue.Do(func() (err error) {
			index, err = l.add(context.WithoutCancel(ctx), tessera.NewEntry(text))()
			return err
		})
		if err == nil {
			err = l.awaitCheckpoint(index.Index)
		}
		answers <- answer{index, err}
	}()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case a := <-answers:
		if a.err != nil {
			return 0, fmt.Errorf("append %s of case %s to the log of evidence: %w", leaf.Kind, leaf.Case, a.err)
		}
		l.appended.Inc()
		return a.index.Index, nil
	}
}

// writable says why a leaf would not be written. The library panics, on a
// goroutine of its own, where it cannot open its lock: on a disk that has become
// read-only, say, or without a descriptor left. A disk that becomes so within the
// milliseconds after this still ends the process, which loses nothing: no event
// refers to the leaf yet.
func (l *Log) writable() error {
	dir := filepath.Join(l.dir, stateDir)
	opened, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer opened.Close()
	for _, path := range []string{dir, filepath.Join(dir, treeLock)} {
		if err := unix.Access(path, unix.W_OK); err != nil {
			return &fs.PathError{Op: "write", Path: path, Err: err}
		}
	}
	return nil
}

func (l *Log) begin() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.under.Add(1)
	return true
}

// awaitCheckpoint returns once a checkpoint holds a leaf.
func (l *Log) awaitCheckpoint(at uint64) error {
	for until := time.Now().Add(patience); l.published() <= at; time.Sleep(gather) {
		if time.Now().After(until) {
			return fmt.Errorf("leaf %d has no checkpoint after %s", at, patience)
		}
	}
	return nil
}

// Close waits until every leaf that is being appended is under a checkpoint.
func (l *Log) Close() error {
	l.end()
	l.under.Wait()
	l.stop()
	return nil
}

func (l *Log) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// published is how many leaves the newest checkpoint holds.
func (l *Log) published() uint64 {
	var c flog.Checkpoint
	text, err := os.ReadFile(filepath.Join(l.dir, layout.CheckpointPath))
	if err != nil {
		return 0
	}
	if _, err := c.Unmarshal(text); err != nil {
		return 0
	}
	return c.Size
}
