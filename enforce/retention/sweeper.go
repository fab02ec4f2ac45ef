package retention

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// Files is where the evidence lies.
type Files interface {
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
	// Remove deletes a file that was last put before a moment.
	Remove(ctx context.Context, sha256 string, before time.Time) (removed bool, err error)
	// Before lists the files that were last put before a moment.
	Before(ctx context.Context, moment time.Time) (sha256 []string, err error)
}

// Leaves is the log of evidence.
type Leaves interface {
	Append(ctx context.Context, leaf proof.Leaf) (index uint64, err error)
}

// Events is the case log.
type Events interface {
	Append(ctx context.Context, events ...enforce.Event) error
}

// Dependencies are what a sweeper works with.
type Dependencies struct {
	Files   Files
	Leaves  Leaves
	Events  Events
	Log     string // folder of the log of evidence, to read
	Keys    proof.Keys
	Now     func() time.Time
	Logger  *slog.Logger
	Metrics prometheus.Registerer
}

// Sweeper deletes what is due. It follows the case log: Apply is called with
// every event, CaughtUp once those of before the start have been.
type Sweeper struct {
	Dependencies
	cfg     Config
	metrics metrics

	mu       sync.Mutex
	cases    map[string]enforce.Case
	caughtUp chan struct{}
	once     sync.Once
}

// New makes a sweeper; nothing is deleted before Run.
func New(cfg Config, d Dependencies) *Sweeper {
	return &Sweeper{
		Dependencies: d, cfg: cfg, metrics: newMetrics(d.Metrics),
		cases: map[string]enforce.Case{}, caughtUp: make(chan struct{}),
	}
}

// Apply takes note of an event.
func (s *Sweeper) Apply(e enforce.Checked) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, _ := s.cases[e.Claim().Case].Apply(e); c.ID != "" {
		s.cases[c.ID] = c
	}
}

// CaughtUp says that what was in the case log at the start has been applied:
// before, a file could seem to be nobody's.
func (s *Sweeper) CaughtUp() { s.once.Do(func() { close(s.caughtUp) }) }

// Run sweeps until ctx is done.
func (s *Sweeper) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.caughtUp:
	}
	for tick := time.NewTicker(s.cfg.Every); ; {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.metrics.failures.Inc()
			s.Logger.Warn("not all evidence that is due was deleted; the next sweep tries again", "error", err)
		}
		select {
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Sweep deletes what is due now. What fails with one case keeps no other.
func (s *Sweeper) Sweep(ctx context.Context) error {
	cases, now := s.snapshot(), s.Now()
	needed := s.needed(cases, now)
	var failed error
	for _, c := range cases {
		if ctx.Err() != nil {
			return errors.Join(failed, ctx.Err())
		}
		// A sweep may take long: what was held meanwhile is kept.
		if err := s.sweep(ctx, s.current(c.ID), needed, now); err != nil {
			failed = errors.Join(failed, fmt.Errorf("delete files of case %s: %w", c.ID, err))
		}
	}
	return errors.Join(failed, s.orphans(ctx, cases, now))
}

// snapshot is all cases as they are now, oldest state first. Cases of one moment
// are in the order of their IDs: two sweeps take the same way.
func (s *Sweeper) snapshot() []enforce.Case {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.cases), func(a, b enforce.Case) int {
		return cmp.Or(since(a).Compare(since(b)), cmp.Compare(a.ID, b.ID))
	})
}

// IDs are those of all cases, in order.
func (s *Sweeper) IDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.cases))
}

// Case is a case as it is now.
func (s *Sweeper) Case(id string) (c enforce.Case, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, known = s.cases[id]
	return c, known
}

// current is a case as it is now.
func (s *Sweeper) current(id string) enforce.Case {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cases[id]
}

// needed are the files that some case needs still. Files are stored by their
// content, so two cases may have one in common.
func (s *Sweeper) needed(cases []enforce.Case, now time.Time) map[string]bool {
	needed := map[string]bool{}
	for _, c := range cases {
		e := c.Violation.Evidence
		for _, sum := range []string{e.Manifest, e.Signature, e.Timestamp, c.Violation.Policy} {
			needed[sum] = true
		}
		for _, f := range e.Files {
			if _, due := s.cfg.rule(c, f, now); !due && !slices.Contains(c.Deleted, name(f)) {
				needed[f.SHA256] = true
			}
		}
	}
	return needed
}

func name(f enforce.File) enforce.FileName { return enforce.FileName{Kind: f.Kind, SHA256: f.SHA256} }

// sweep records that a case's due files are deleted, and deletes them and those
// that were recorded before.
func (s *Sweeper) sweep(ctx context.Context, c enforce.Case, needed map[string]bool, now time.Time) error {
	gone := c.Deleted
	due := map[string][]enforce.FileName{} // by rule
	for _, f := range c.Violation.Evidence.Files {
		if rule, is := s.cfg.rule(c, f, now); is && !needed[f.SHA256] && !slices.Contains(c.Deleted, name(f)) {
			text := fmt.Sprintf("%s of a case that is %s: kept for %s", f.Kind, c.State, rule.Keep)
			due[text] = append(due[text], name(f))
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(due)) {
		if err := s.record(ctx, c, due[rule], rule, now); err != nil {
			return err
		}
		gone = slices.Concat(gone, due[rule])
	}
	if s.current(c.ID).Hold != nil {
		return nil // what was recorded as deleted and is still there stays until the release
	}
	for _, f := range gone {
		if needed[f.SHA256] {
			continue
		}
		if err := s.remove(ctx, f, now); err != nil {
			return err
		}
	}
	return nil
}

// record writes down, for good, that files are deleted.
func (s *Sweeper) record(ctx context.Context, c enforce.Case, files []enforce.FileName, rule string, now time.Time) error {
	at := now.UTC().Truncate(time.Microsecond)
	leaf, err := s.Leaves.Append(ctx, proof.Leaf{Kind: proof.DeletionLeaf, Case: c.ID, Files: files, Rule: rule, At: at})
	if err != nil {
		return err
	}
	return s.Events.Append(ctx, enforce.Event{
		ID: c.ID + "/deleted/" + idOf(files), Case: c.ID, Type: enforce.Deleted, At: at, Actor: "retention",
		Deletion: &enforce.Deletion{Files: files, Rule: rule, Leaf: leaf},
	})
}

// idOf makes an event's ID of what it is about.
func idOf(files []enforce.FileName) string {
	sum := sha256.New()
	for _, f := range files {
		fmt.Fprintf(sum, "%s %s\n", f.Kind, f.SHA256)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func (s *Sweeper) remove(ctx context.Context, f enforce.FileName, now time.Time) error {
	removed, err := s.Files.Remove(ctx, f.SHA256, now.Add(-s.cfg.Orphans))
	if removed {
		s.metrics.deleted.WithLabelValues(string(f.Kind)).Inc()
	}
	return err
}

// orphan is the kind, in metrics and in the log, of a file of no case.
const orphan enforce.FileKind = "orphan"

// orphanBatch is how many of them one leaf names: a leaf holds 64 KiB.
const orphanBatch = 256

// orphans deletes pictures and clips that no case refers to, and no manifest in
// the log either: they may be of cases that an older case log holds.
func (s *Sweeper) orphans(ctx context.Context, cases []enforce.Case, now time.Time) error {
	old, err := s.Files.Before(ctx, now.Add(-s.cfg.Orphans))
	if err != nil || len(old) == 0 {
		return err
	}
	referred, err := s.referred(ctx, cases)
	if err != nil {
		return err
	}
	var names []enforce.FileName
	for _, sum := range old {
		if !referred[sum] && s.isMedia(ctx, sum) {
			names = append(names, enforce.FileName{Kind: orphan, SHA256: sum})
		}
	}
	for batch := range slices.Chunk(names, orphanBatch) {
		leaf := proof.Leaf{Kind: proof.DeletionLeaf, Files: batch, Rule: "no case refers to it", At: now.UTC().Truncate(time.Microsecond)}
		if _, err := s.Leaves.Append(ctx, leaf); err != nil {
			return err
		}
		for _, f := range batch {
			if err := s.remove(ctx, f, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// referred are the files that a case or a manifest in the log refers to.
func (s *Sweeper) referred(ctx context.Context, cases []enforce.Case) (map[string]bool, error) {
	referred, known := map[string]bool{}, map[string]bool{}
	for _, c := range cases {
		known[c.ID] = true
		for _, f := range c.Violation.Evidence.Files {
			referred[f.SHA256] = true
		}
	}
	report := proof.NewReport(s.Keys)
	log := proof.ReadLog(ctx, s.Log, s.Keys, report)
	if report.Wrong() > 0 {
		return nil, errors.New("something is wrong with the log of evidence; run tidewatch verify, nothing that no case refers to is deleted until then")
	}
	for leaf := range log.Manifests() {
		if known[leaf.Case] {
			continue
		}
		m, err := s.manifest(ctx, leaf.Manifest)
		if err != nil {
			return nil, fmt.Errorf("read manifest of case %s: %w", leaf.Case, err)
		}
		for _, f := range m.Files {
			referred[f.SHA256] = true
		}
	}
	return referred, ctx.Err()
}

func (s *Sweeper) manifest(ctx context.Context, sum string) (proof.Manifest, error) {
	file, err := s.Files.Open(ctx, sum)
	if err != nil {
		return proof.Manifest{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return proof.Manifest{}, err
	}
	return proof.ParseManifest(text)
}

// startCode begins a key unit.
const startCode = "\x00\x00\x00\x01"

// isMedia reports whether a file is a picture, a key unit or a clip. Texts are small, and
// some of them, such as policies, are referred to by none yet.
func (s *Sweeper) isMedia(ctx context.Context, sum string) bool {
	file, err := s.Files.Open(ctx, sum)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(file, head)
	kind := http.DetectContentType(head[:n])
	return kind == "image/jpeg" || kind == "video/mp4" || strings.HasPrefix(string(head[:n]), startCode)
}
