package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/detect/watch"
	"tidewatch/enforce"
	"tidewatch/enforce/docket"
	"tidewatch/enforce/evidence"
	"tidewatch/storage/kafka"
)

// opening is a folder with a file for each case whose evidence is being recorded
// and whose first event is not written yet. It outlives a crash: the stop of such
// a case is on disk as well, and the next start takes it up and opens the case.
// Beside a stop, and only there, evidence without an event is nothing lost.
type opening string

func openingDir(cfg *config.Config) opening { return opening(filepath.Join(cfg.Data, "opening")) }

// enteredRecorder enters a case before the first of its evidence is there.
type enteredRecorder struct {
	docket.Recorder
	under opening
}

// Record implements docket.Recorder.
func (r enteredRecorder) Record(ctx context.Context, v enforce.Violation, shown evidence.Exhibits) (enforce.Evidence, error) {
	if err := r.under.enter(v.ID); err != nil {
		return enforce.Evidence{}, err
	}
	return r.Recorder.Record(ctx, v, shown)
}

// enteredLog takes a case out once its first event is written.
type enteredLog struct {
	docket.Log
	under opening
}

// Append implements docket.Log.
func (l enteredLog) Append(ctx context.Context, events ...enforce.Event) error {
	err := l.Log.Append(ctx, events...)
	for _, e := range events {
		if err == nil && e.Type == enforce.Suspected {
			l.under.leave(e.Case)
		}
	}
	return err
}

func (o opening) path(id string) string { return filepath.Join(string(o), filepath.Base(id)) }

func (o opening) enter(id string) error {
	err := os.MkdirAll(string(o), 0o750)
	if err == nil {
		err = os.WriteFile(o.path(id), nil, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note that case %s opens: %w", id, err)
	}
	return nil
}

// leave takes a case out. An entry that stays does no harm: a case that the case
// log knows is not looked for here.
func (o opening) leave(id string) { _ = os.Remove(o.path(id)) }

// cases are those that are entered.
func (o opening) cases() map[string]bool {
	all := map[string]bool{}
	entries, _ := os.ReadDir(string(o)) // without the folder there are none
	for _, e := range entries {
		all[e.Name()] = true
	}
	return all
}

// pending tells why a case has evidence and no event yet.
type pending struct {
	running bool            // a Tidewatch has the data folder
	opening map[string]bool // cases
	spooled map[string]bool // cases whose first event waits for Kafka
	stops   map[string]bool // stops that are kept for a restart
}

// readPending looks at what is under way. What is in the spool goes to the case
// log without a word, so whoever asks reads that afterwards.
func readPending(cfg *config.Config) pending {
	p := pending{running: inUse(cfg.Data), opening: openingDir(cfg).cases(), spooled: map[string]bool{}, stops: map[string]bool{}}
	folders, _ := filepath.Glob(filepath.Join(cfg.Data, "stops", "*"))
	for _, folder := range folders {
		for _, id := range watch.Kept(folder) {
			p.stops[id] = true
		}
	}
	for _, e := range kafka.Spooled(filepath.Join(cfg.Data, "spool")) {
		p.spooled[e.Case] = true
	}
	return p
}

// inUse reports whether a process works with a data folder.
func inUse(data string) bool {
	lock := flock.New(filepath.Join(data, "lock"))
	free, err := lock.TryRLock()
	if free {
		_ = lock.Unlock()
	}
	return err == nil && !free
}

// why is empty where nobody will open the case any more.
func (p pending) why(v enforce.Violation) string {
	switch {
	case p.spooled[v.ID] && p.running:
		return "its first event waits for kafka"
	case p.spooled[v.ID]:
		return "its first event waits for the next start"
	case !p.opening[v.ID] || !p.stops[v.StopID]:
		return ""
	case p.running:
		return "its evidence is being recorded"
	}
	return "its recording was interrupted, and the next start takes its stop up"
}
