// Package sim makes stores of evidence that is about nothing, and damages them
// in every way that a check must find. It stands in for a running system in
// tests and measurements: files need not survive a power cut, so nothing is
// synced.
package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/evidence/translog"
	"tidewatch/enforce/proof"
)

// Begin is when the first case is recorded; each comes a second later.
var Begin = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// Store is a data folder with evidence.
type Store struct {
	Dir       string
	Files     Files
	Keys      *keys.Ring
	Authority *Authority
	Cases     []enforce.Case
	Log       *translog.Log
}

// LogDir is the folder of the log.
func (s *Store) LogDir() string { return filepath.Join(s.Dir, "log") }

// New makes a store with n cases, each with a timestamp, and closes its log.
func New(ctx context.Context, dir string, n int) (*Store, error) {
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	err = s.Record(ctx, n)
	if closed := s.Close(); err == nil {
		err = closed
	}
	return s, err
}

// Open makes an empty store, or opens what there is but for its cases.
func Open(dir string) (s *Store, err error) {
	s = &Store{Dir: dir, Files: Files(filepath.Join(dir, "files"))}
	if s.Keys, err = keys.Open(keys.Config{Dir: filepath.Join(dir, "keys"), Origin: "tidewatch/sim"}, Begin); err != nil {
		return nil, err
	}
	if s.Authority, err = NewAuthority(); err != nil {
		return nil, err
	}
	s.Log, err = translog.Open(s.LogDir(), s.Keys.Signer, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	return s, err
}

// Close closes the log.
func (s *Store) Close() error { return s.Log.Close() }

// Record adds n cases.
func (s *Store) Record(ctx context.Context, n int) error {
	first := len(s.Cases)
	s.Cases = append(s.Cases, make([]enforce.Case, n)...)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(1024) // they wait for the log together
	for i := first; i < first+n; i++ {
		group.Go(func() (err error) {
			s.Cases[i], err = s.record(ctx, i)
			return err
		})
	}
	return group.Wait()
}

// kinds are the files of each case.
var kinds = []enforce.FileKind{enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp, enforce.Clip}

func (s *Store) record(ctx context.Context, i int) (c enforce.Case, err error) {
	at := Begin.Add(time.Duration(i) * time.Second)
	c = enforce.Case{ID: nameOf(i), State: enforce.StateSuspected, Revision: 1, OpenedAt: at}
	if _, _, err := s.Files.Put(ctx, bytes.NewReader(policy.Document())); err != nil {
		return c, err
	}
	c.Violation = violation(c.ID, at)
	files, err := s.files(ctx, i, at)
	if err != nil {
		return c, err
	}
	seal := evidence.Seal{Signer: s.Keys.Signer, Files: s.Files, Log: s.Log}
	c.Violation.Evidence, err = seal.Manifest(ctx, proof.Manifest{
		Format: proof.Format, Software: "tidewatch sim", RecordedAt: at, Violation: c.Violation, Files: files,
	})
	if err != nil {
		return c, err
	}
	return c, s.stamp(ctx, &c, at)
}

// policy is the rule of all cases.
var policy = enforce.NewPolicy(enforce.RoadSection{ID: "road", Location: time.UTC, Code: "1039", ObservationPeriod: 5 * time.Minute})

// violation is a stop of ten minutes in the middle of a zone.
func violation(id string, at time.Time) enforce.Violation {
	zone := enforce.Zone{ID: "kerb", Polygon: enforce.Polygon{{X: 0, Y: 0}, {X: 1, Y: 0}, {X: 1, Y: 1}, {X: 0, Y: 1}}, Vehicles: enforce.Motor}
	stop := enforce.StopRecord{
		Start: at.Add(-10 * time.Minute), End: at, Class: detect.Car, Box: detect.Box{X: 0.4, Y: 0.4, W: 0.1, H: 0.1},
	}
	verdict := policy.JudgeRecord(stop, zone)
	return enforce.Violation{
		ID: id, Camera: enforce.CameraRef{ID: "gate", Place: "建设路"}, Zone: enforce.RefOf(zone), Policy: policy.ID,
		StopStart: stop.Start, Since: verdict.Since, Due: verdict.Due, Reasons: verdict.Reasons, Stop: stop,
	}
}

// files stores random pictures and a clip.
func (s *Store) files(ctx context.Context, i int, at time.Time) (files []enforce.File, err error) {
	random := rand.New(rand.NewPCG(1, uint64(i)))
	for _, kind := range kinds {
		data := make([]byte, 2048+random.IntN(2048))
		for j := range data {
			data[j] = byte(random.Uint32())
		}
		f := enforce.File{Kind: kind, MediaType: "image/jpeg", At: at, ArrivalTime: at, ClockError: 40 * time.Millisecond}
		if kind == enforce.Clip {
			f.MediaType, f.Duration = "video/mp4", 10*time.Second
		}
		if f.SHA256, f.Size, err = s.Files.Put(ctx, bytes.NewReader(data)); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return append(files, copyOf(files[0], i)), nil
}

// copyOf is a copy that is the original itself, under a code of its own.
func copyOf(f enforce.File, i int) enforce.File {
	f.Kind, f.Of = enforce.MarkedBegin, []string{f.SHA256}
	f.AntiForgery = enforce.AntiForgery(nameOf(i), f.At, f.SHA256)
	return f
}

func nameOf(i int) string { return fmt.Sprintf("case%06d", i) }

// stamp has the authority confirm the signature.
func (s *Store) stamp(ctx context.Context, c *enforce.Case, at time.Time) error {
	e := &c.Violation.Evidence
	signature, err := os.ReadFile(s.Files.Path(e.Signature))
	if err != nil {
		return err
	}
	answer, err := s.Authority.Answer(signature, at)
	if err != nil {
		return err
	}
	if e.Timestamp, _, err = s.Files.Put(ctx, bytes.NewReader(answer)); err != nil {
		return err
	}
	_, err = s.Log.Append(ctx, proof.Leaf{Kind: proof.TimestampLeaf, Case: c.ID, Signature: e.Signature, Timestamp: e.Timestamp})
	return err
}

// Delete deletes a file of a case as retention does: the log knows of it first.
func (s *Store) Delete(ctx context.Context, c enforce.Case, f enforce.File) error {
	name := enforce.FileName{Kind: f.Kind, SHA256: f.SHA256}
	if _, err := s.Log.Append(ctx, proof.Leaf{
		Kind: proof.DeletionLeaf, Case: c.ID, Files: []enforce.FileName{name}, Rule: "a test", At: Begin,
	}); err != nil {
		return err
	}
	return os.Remove(s.Files.Path(f.SHA256))
}

// Check checks the whole store, as one who trusts its keys and its authority.
func (s *Store) Check(ctx context.Context) (*proof.Report, error) {
	report := proof.NewReport(s.Keys.Public)
	checker := proof.Checker{Keys: s.Keys.Public, Authorities: s.Authority.Roots(), Report: report}
	log := proof.ReadLog(ctx, s.LogDir(), s.Keys.Public, report)
	if err := checker.Cases(ctx, s.Files, log, s.Cases); err != nil {
		return nil, err
	}
	checker.Leaves(ctx, s.Files, log, s.Cases, func(enforce.Violation) string { return "" })
	report.Sort()
	return report, nil
}

// Files keeps files in a folder as storage/blob does, without syncing them.
type Files string

// Path is where the content with a hash lies.
func (f Files) Path(sum string) string { return filepath.Join(string(f), sum[:2], sum) }

// Put implements evidence.Files.
func (f Files) Put(_ context.Context, r io.Reader) (string, int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return "", 0, err
	}
	hash := sha256.Sum256(data)
	sum := hex.EncodeToString(hash[:])
	if err := os.MkdirAll(filepath.Dir(f.Path(sum)), 0o750); err != nil {
		return "", 0, err
	}
	temporary, err := os.CreateTemp(string(f), "incoming-")
	if err != nil {
		return "", 0, err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Close(), os.Rename(temporary.Name(), f.Path(sum)))
	return sum, int64(len(data)), err
}

// Open implements proof.Files.
func (f Files) Open(_ context.Context, sum string) (io.ReadSeekCloser, error) {
	if len(sum) < 2 {
		return nil, os.ErrNotExist
	}
	return os.Open(f.Path(sum))
}
